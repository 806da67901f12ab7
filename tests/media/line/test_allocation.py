"""Who gets how much of a line: sound always, then by importance, and nothing that would fall again at once."""

from hypothesis import given
from hypothesis import strategies as st

from media.line.allocation import PAUSED, Choice, Importance, Wish, allocate
from media.line.school import split_fairly

SOUND = Wish(1, Importance.LEAD_SOUND, (Choice(0, None, 40_000),))
SCREEN = Wish(2, Importance.SCREEN, (Choice(0, None, 300_000),))
LEAD = Wish(3, Importance.LEAD_PICTURE, (Choice(0, 0, 200_000), Choice(0, None, 350_000), Choice(1, None, 1_400_000)))
UP = Wish(4, Importance.BROUGHT_UP, (Choice(0, None, 300_000),))
OTHER = Wish(5, Importance.REST, (Choice(0, None, 300_000),))
ALL = [OTHER, UP, LEAD, SCREEN, SOUND]


def test_the_ladder_goes_full_lower_layer_lower_frame_rate_screen_and_sound_sound_alone():
    budgets = [3_000_000, 2_150_000, 1_900_000, 800_000, 600_000, 450_000, 200_000, 10_000]
    chosen = [allocate(ALL, budget, {}) for budget in budgets]
    rows = [[one[wish.sink] for wish in (SOUND, SCREEN, LEAD, UP, OTHER)] for one in chosen]
    assert rows == [
        [0, 0, 2, 0, 0],
        [0, 0, 2, 0, PAUSED],
        [0, 0, 2, PAUSED, PAUSED],
        [0, 0, 1, PAUSED, PAUSED],
        [0, 0, 0, PAUSED, PAUSED],
        [0, 0, PAUSED, PAUSED, PAUSED],
        [0, PAUSED, PAUSED, PAUSED, PAUSED],
        [0, PAUSED, PAUSED, PAUSED, PAUSED],
    ]


def test_what_is_sent_already_stays_where_it_would_not_be_raised_to():
    tight = 40_000 + 300_000 + 1_400_000 + 20_000
    assert allocate([SOUND, SCREEN, LEAD], tight, {})[LEAD.sink] == 1
    assert allocate([SOUND, SCREEN, LEAD], tight, {1: 0, 2: 0, 3: 2})[LEAD.sink] == 2


_wishes = st.lists(
    st.tuples(st.sampled_from(Importance), st.lists(st.integers(10_000, 2_000_000), min_size=1, max_size=4)),
    max_size=12,
).map(
    lambda drawn: [
        Wish(sink, importance, tuple(Choice(n, None, rate) for n, rate in enumerate(sorted(rates))))
        for sink, (importance, rates) in enumerate(drawn)
    ]
)


@given(_wishes, st.integers(0, 10_000_000), st.dictionaries(st.integers(0, 12), st.integers(-1, 3)))
def test_sound_is_never_paused_and_pictures_never_take_more_than_is_left(wishes, budget, present):
    chosen = allocate(wishes, budget, present)
    sounds = [wish for wish in wishes if wish.importance <= Importance.OTHER_SOUND]
    pictures = [wish for wish in wishes if wish.importance > Importance.OTHER_SOUND]
    assert all(chosen[wish.sink] == 0 for wish in sounds)
    taken = sum(w.choices[chosen[w.sink]].bits_per_second for w in pictures if chosen[w.sink] != PAUSED)
    assert taken <= max(0, budget - sum(wish.choices[0].bits_per_second for wish in sounds))


@given(_wishes, st.integers(0, 10_000_000))
def test_an_allocation_repeated_is_the_same(wishes, budget):
    once = allocate(wishes, budget, {})
    assert allocate(wishes, budget, once) == once or sum(allocate(wishes, budget, once).values()) >= sum(once.values())


@given(
    st.integers(0, 100_000_000),
    st.dictionaries(st.text(min_size=1), st.integers(0, 10_000_000), min_size=1, max_size=8),
)
def test_a_schools_line_is_split_whole_and_nobody_with_less_wish_gets_less_than_an_even_part(total, demands):
    shares = split_fairly(total, demands)
    assert abs(sum(shares.values()) - total) < 1.0
    even = total / len(demands)
    assert all(shares[name] >= min(demand, even) - 1e-6 for name, demand in demands.items())


def test_a_room_that_wants_little_leaves_the_rest_to_the_others():
    assert split_fairly(4e6, {"a": 0.5e6, "b": 3e6, "c": 3e6}) == {"a": 0.5e6, "b": 1.75e6, "c": 1.75e6}
