"""Stretches of time as sets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from service.replay.parts_of_time import MOST_PARTS, cut_to, first_of, length_ms, simplified, united, without

PARTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def moments(parts: list[tuple[int, int]]) -> set[int]:
    return {at for begin, end in parts for at in range(begin, end)}


@given(PARTS, PARTS)
def test_they_behave_as_sets_of_moments(some: list[tuple[int, int]], known: list[tuple[int, int]]) -> None:
    one, other = united(some), united(known)
    assert moments(one) == moments(some)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(one))
    assert length_ms(one) == len(moments(some))
    assert moments(without(one, other)) == moments(some) - moments(known)
    assert moments(cut_to(some, 10, 20)) == moments(some) & set(range(10, 20))
    assert sorted(moments(first_of(one, 7))) == sorted(moments(some))[:7]


def test_very_many_stretches_are_simplified_by_closing_the_smallest_holes() -> None:
    parts = [(10 * number, 10 * number + 5) for number in range(MOST_PARTS)] + [(10_000_000, 10_000_001)]
    fewer = simplified(list(parts))
    assert len(fewer) == MOST_PARTS
    assert fewer[-1] == (10_000_000, 10_000_001)
