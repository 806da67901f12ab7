from hypothesis import given
from hypothesis import strategies as st

from scheduler.check.week_plan import free_place
from scheduler.instance.snapshot import DAY_MINUTES
from scheduler.instance.week import FreeTime, mask_of, mask_of_all, short_breaks

spans = st.tuples(st.integers(90, 140), st.integers(4, 10)).map(lambda one: (one[0] * 5, (one[0] + one[1]) * 5))
breaks = st.tuples(st.integers(90, 150), st.integers(1, 4)).map(lambda one: (one[0] * 5, (one[0] + one[1]) * 5))


@given(spans, spans)
def test_masks_meet_exactly_when_intervals_do(one: tuple[int, int], other: tuple[int, int]) -> None:
    overlap = one[0] < other[1] and other[0] < one[1]
    assert bool(mask_of(*one) & mask_of(*other)) == overlap
    assert mask_of_all([one, other]) == mask_of(*one) | mask_of(*other)


def test_a_short_break_is_free_on_every_day_and_a_long_one_on_none() -> None:
    mask = short_breaks([(580, 590), (700, 730)])
    assert mask == mask_of_all([(day * DAY_MINUTES + 580, day * DAY_MINUTES + 590) for day in range(7)])


@given(st.lists(spans, max_size=4), st.lists(breaks, max_size=3), spans)
def test_the_engine_and_the_independent_check_agree_on_when_a_class_can_attend(
    free: list[tuple[int, int]], pauses: list[tuple[int, int]], lesson: tuple[int, int]
) -> None:
    assert FreeTime(free, short_breaks(pauses)).offset(*lesson) == free_place(free, pauses, *lesson)
