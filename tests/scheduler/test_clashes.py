from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.clashes import Claim, Clash, Resource, find_clashes, find_double_claims, nearest_free
from scheduler.errors import ClaimError
from scheduler.timetable import Slot

EIGHT = datetime(2026, 9, 1, 0, 0, tzinfo=UTC)
ROOM = Resource("room", "r1")
TEACHER = Resource("teacher", "t1")


def at(minutes: int) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def claim(resource: Resource, starts: int, ends: int, lesson: str) -> Claim:
    return Claim(resource, at(starts), at(ends), lesson)


def slot(starts: int, ends: int) -> Slot:
    return Slot(at(starts), at(ends), EIGHT.date(), 1 + starts)


resources = st.builds(Resource, st.sampled_from(["room", "teacher", "class"]), st.sampled_from(["a", "b"]))
claims = st.builds(
    lambda resource, starts, minutes, lesson: claim(resource, starts, starts + minutes, lesson),
    resources,
    st.integers(0, 60),
    st.integers(1, 30),
    st.sampled_from(["l1", "l2", "l3"]),
)


def overlap(one: Claim, other: Claim) -> bool:
    """The naive rule, minute by minute."""
    minutes = {minute for minute in range(120) if one.starts_at <= at(minute) < one.ends_at}
    return one.resource == other.resource and any(other.starts_at <= at(m) < other.ends_at for m in minutes)


@given(st.lists(claims, max_size=12), st.lists(claims, max_size=12), st.randoms(use_true_random=False))
def test_the_clashes_are_those_of_the_naive_rule_in_any_order(wanted: list[Claim], booked: list[Claim], random) -> None:
    expected = {Clash(w, b) for w in wanted for b in booked if w.lesson_id != b.lesson_id and overlap(w, b)}
    found = find_clashes(wanted, booked)
    assert set(found) == expected
    assert len(found) == len(expected)
    random.shuffle(wanted)
    random.shuffle(booked)
    assert find_clashes(wanted, booked) == found


@given(st.lists(claims, max_size=12))
def test_claims_that_clash_inside_one_request_are_found_each_once(wanted: list[Claim]) -> None:
    pairs = [(i, j) for i in range(len(wanted)) for j in range(i) if overlap(wanted[i], wanted[j])]
    assert len(find_double_claims(wanted)) == len(pairs)


@given(st.sets(resources, min_size=1), st.lists(claims, max_size=12), st.sets(st.integers(0, 60)), st.integers(0, 60))
def test_the_free_slots_are_those_of_the_naive_rule_nearest_first(
    needed: set[Resource], booked: list[Claim], starts: set[int], wish: int
) -> None:
    among = [slot(start, start + 20) for start in sorted(starts)]
    expected = [
        one
        for one in among
        if not any(
            overlap(Claim(need, one.starts_at, one.ends_at, "new"), other) for need in needed for other in booked
        )
    ]
    found = nearest_free(needed, booked, among, at(wish), limit=100)
    assert set(found) == set(expected)
    distances = [(abs(one.starts_at - at(wish)), one.starts_at) for one in found]
    assert distances == sorted(distances)
    assert nearest_free(needed, booked, among, at(wish), limit=2) == found[:2]


def test_a_lesson_may_start_at_the_bell_that_ends_another() -> None:
    assert find_clashes([claim(ROOM, 0, 40, "new")], [claim(ROOM, 40, 80, "old"), claim(ROOM, -40, 0, "older")]) == ()


def test_a_clash_names_the_resource_and_the_overlap() -> None:
    (clash,) = find_clashes([claim(ROOM, 0, 40, "new"), claim(TEACHER, 0, 40, "new")], [claim(ROOM, 30, 70, "old")])
    assert (clash.resource, clash.starts_at, clash.ends_at) == (ROOM, at(30), at(40))
    assert clash.booked.lesson_id == "old"


def test_a_lesson_does_not_clash_with_its_own_old_place() -> None:
    assert find_clashes([claim(ROOM, 10, 50, "same")], [claim(ROOM, 0, 40, "same")]) == ()


def test_the_lesson_being_moved_does_not_block_slots_nor_do_other_resources() -> None:
    booked = [claim(ROOM, 0, 40, "moved"), claim(TEACHER, 0, 40, "other")]
    assert nearest_free([ROOM], booked, [slot(0, 40)], at(0), except_lesson="moved") == (slot(0, 40),)
    assert nearest_free([ROOM], booked, [slot(0, 40)], at(0)) == ()


def test_slots_before_now_are_not_offered() -> None:
    among = [slot(0, 40), slot(50, 90)]
    assert nearest_free([ROOM], [], among, at(0), not_before=at(1)) == (slot(50, 90),)


def test_local_times_are_kept_as_utc_also_across_a_clock_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    # 02:30 before and after the clocks go back: the same wall clock, an hour apart.
    before = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=0)
    after = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    assert Claim(ROOM, before, after, "night").ends_at - Claim(ROOM, before, after, "night").starts_at == timedelta(
        hours=1
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: Claim(ROOM, at(40), at(0), "backwards"),
        lambda: Claim(ROOM, at(0), at(0), "empty"),
        lambda: Claim(ROOM, datetime(2026, 9, 1), at(40), "naive"),
        lambda: Resource("broom", "r1"),  # type: ignore[arg-type]
        lambda: Resource("room", ""),
    ],
)
def test_impossible_claims_are_refused(make) -> None:
    with pytest.raises(ClaimError):
        make()
