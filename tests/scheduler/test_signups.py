import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.signups import Roster, SignupError, change_quota, sign_up, withdraw

people = st.sampled_from([f"school{n}" for n in range(6)])
steps = st.lists(st.tuples(st.sampled_from(["sign_up", "withdraw"]), people) | st.integers(0, 4), max_size=25)


@given(st.integers(0, 3), st.integers(0, 3), steps)
def test_seats_are_never_above_the_quota_go_by_order_and_everyone_moved_is_told(
    quota: int, waiting: int, taken
) -> None:
    roster = Roster(quota, waiting)
    for one in taken:
        try:
            if isinstance(one, int):
                step = change_quota(roster, one)
            elif one[0] == "sign_up":
                step = sign_up(roster, one[1])
            else:
                step = withdraw(roster, one[1])
        except SignupError:
            continue
        after = step.roster
        assert len(after.seated) <= after.quota
        assert len(after.waiting) <= after.waiting_limit
        assert not (after.waiting and len(after.seated) < after.quota)
        assert [p for p in after.signed_up if p in roster.signed_up] == [
            p for p in roster.signed_up if p in after.signed_up
        ]
        for person in set(after.signed_up) | set(roster.signed_up):
            moved = (roster.place_of(person), after.place_of(person))
            assert (person in step.seated) == (moved[0] != "seat" and moved[1] == "seat")
            assert (person in step.unseated) == (moved == ("seat", "waiting"))
        roster = after


def test_when_one_leaves_the_first_who_waits_moves_up() -> None:
    roster = Roster(1, 2, ("a", "b", "c"))
    step = withdraw(roster, "a")
    assert (step.seated, step.roster.waiting) == (("b",), ("c",))


def test_a_full_list_and_a_second_sign_up_are_refused() -> None:
    roster = Roster(1, 1, ("a", "b"))
    with pytest.raises(SignupError, match="full"):
        sign_up(roster, "c")
    with pytest.raises(SignupError, match="already"):
        sign_up(roster, "a")
    with pytest.raises(SignupError, match="not signed up"):
        withdraw(roster, "c")


@pytest.mark.parametrize(
    "make", [lambda: Roster(-1, 0), lambda: Roster(1, 0, ("a", "a")), lambda: Roster(1, 0, ("a", "b"))]
)
def test_an_impossible_roster_is_refused(make) -> None:
    with pytest.raises(SignupError):
        make()


COUNTY = {f"school{n}": "ab"[n % 2] for n in range(6)}


@given(st.integers(0, 3), st.integers(0, 3), steps)
def test_no_county_has_more_than_its_seats_and_nobody_loses_one_because_somebody_left(
    quota: int, county_quota: int, taken
) -> None:
    roster = Roster(quota, 6, group_of=COUNTY, group_quotas=dict.fromkeys("ab", county_quota))
    for one in taken:
        before = roster
        try:
            if isinstance(one, int):
                roster = change_quota(roster, one).roster
                continue
            step = sign_up(roster, one[1]) if one[0] == "sign_up" else withdraw(roster, one[1])
        except SignupError:
            continue
        roster = step.roster
        assert not step.unseated, "neither a sign-up nor a withdrawal takes a seat from anybody else"
        counties = [COUNTY[who] for who in roster.seated]
        assert all(counties.count(county) <= county_quota for county in "ab")
        for who in roster.waiting:
            full = len(roster.seated) == roster.quota or counties.count(COUNTY[who]) == county_quota
            assert full, f"{who} waits although a seat is free: {before} -> {roster}"


def test_a_full_county_waits_while_others_behind_it_go_first() -> None:
    groups = {"a1": "a", "a2": "a", "b1": "b"}
    roster = Roster(2, 2, ("a1", "a2", "b1"), groups, {"a": 1, "b": 1})
    assert (roster.seated, roster.waiting) == (("a1", "b1"), ("a2",))
    assert withdraw(roster, "b1").seated == ()
    assert withdraw(roster, "a1").seated == ("a2",)
