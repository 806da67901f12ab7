"""Bells of a whole school moved, demands that come and go after the plan, stand-ins, and who is told."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from service.lessons.tables import Lesson
from service.organisation.bells import replace_bells
from service.organisation.tables import Organisation
from service.planning.tables import ClassPeriod, LeadSeries

WEEK = {"from_day": "2026-09-14", "to_day": "2026-09-18"}
LATER = [(1, "08:40", "09:20"), (2, "09:30", "10:10"), (3, "10:30", "11:10")]


@pytest.fixture
def in_force(
    pairable: Any, parts: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> dict[str, Any]:
    pairable.county.add_room("village 2c", "school_north_2", can_lead=False)
    with parts.database.unit_of_work() as session:
        session.get_one(LeadSeries, pairable.series["E4b"]).seats = 3
    plan = make_plan()
    body = {"base_version": plan["version"], "recorded": True}
    return dict(signed_in("county_north").post(f"/api/plans/{plan['id']}/accept", json=body).json()["plan"])


@pytest.fixture
def tell(in_force: dict[str, Any], signed_in: Callable[[str], Any]) -> Callable[..., Any]:
    return lambda **fields: signed_in("county_north").post(
        "/api/changes", json={"plan_id": in_force["id"]} | WEEK | fields
    )


@pytest.fixture
def choose(signed_in: Callable[[str], Any]) -> Callable[[Any], Any]:
    def run(change: Any, number: int = 0) -> Any:
        path = f"/api/changes/{change['id']}/proposals/{change['proposals'][number]['id']}/accept"
        answer = signed_in("county_north").post(path, json={"base_version": change["base_version"]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return run


def week_of(parts: Any) -> dict[str, tuple[str, str, str]]:
    with parts.database.reading() as session:
        lessons = session.scalars(select(Lesson).order_by(Lesson.starts_at)).unique()
        return {
            one.id: (one.starts_at.isoformat(), one.state, one.lead_teacher_id)
            for one in lessons
            if date(2026, 9, 14) <= one.starts_at.date() <= date(2026, 9, 18)
        }


def test_moved_bells_of_the_lead_school_move_its_lessons_and_go_back_when_taken_back(
    tell: Callable[..., Any], choose: Callable[..., Any], parts: Any, county: Any, signed_in: Callable[[str], Any]
) -> None:
    before = week_of(parts)
    lead = county.organisations["school_north_1"].id
    with parts.database.unit_of_work() as session:
        for node in session.scalars(select(Organisation).where(Organisation.kind == "school")):
            replace_bells(session, node, LATER)
    change = tell(kind="school_bells", target_id=lead).json()
    (proposal,) = change["proposals"]
    assert {one["action"] for one in proposal["items"]} == {"moved"}
    assert len(proposal["items"]) == len(before)
    assert all(one["new_starts_at"] > one["starts_at"] for one in proposal["items"])
    choose(change)
    after = week_of(parts)
    assert {one: at[11:16] for one, (at, _s, _t) in after.items()} != {
        one: at[11:16] for one, (at, _s, _t) in before.items()
    }
    assert {at[14:16] for at, _state, _teacher in after.values()} == {"40", "30"}
    signed_in("county_north").post(f"/api/changes/{change['id']}/withdraw")
    assert week_of(parts) == before


def test_who_cannot_follow_moved_bells_attends_no_longer(
    tell: Callable[..., Any], parts: Any, county: Any, pairable: Any
) -> None:
    with parts.database.unit_of_work() as session:
        lead = session.get_one(Organisation, county.organisations["school_north_1"].id)
        replace_bells(session, lead, [(1, "12:30", "13:10"), (2, "13:20", "14:00")])
    change = tell(kind="school_bells", target_id=county.organisations["school_north_1"].id).json()
    assert {one["action"] for one in change["proposals"][0]["items"]} == {"cancelled"}


def test_a_demand_that_comes_later_takes_a_free_seat_and_can_be_withdrawn_again(
    tell: Callable[..., Any],
    choose: Callable[..., Any],
    pairable: Any,
    in_force: dict[str, Any],
    signed_in: Callable[[str], Any],
) -> None:
    new = pairable.add_demand("四年级9班", "school_north_2", [(1, 2), (3, 2)])
    caller = signed_in("county_north")
    targets = f"/api/plans/{in_force['id']}/targets"
    found = caller.get(targets, params={"kind": "new_demands", "q": "9班"}).json()["items"]
    assert [(one["id"], one["subject"]) for one in found] == [(new, "english")]
    answer = tell(kind="demand_added", target_id=new)
    assert answer.status_code == 201, answer.text
    change = answer.json()
    items = change["proposals"][0]["items"]
    assert {one["action"] for one in items} <= {"attends_more", "added", "attends_less", "cancelled"}
    mine = [one for one in items if one["demand_id"] == new]
    assert [one["day"] for one in mine] == ["2026-09-15", "2026-09-17"]
    choose(change)
    served = caller.get(targets, params={"kind": "served", "q": "9班"}).json()["items"]
    assert [one["id"] for one in served] == [new]
    assert caller.get(targets, params={"kind": "new_demands", "q": "9班"}).json()["items"] == []
    gone = tell(kind="demand_withdrawn", target_id=new).json()
    assert {one["day"] for one in gone["proposals"][0]["items"]} == {"2026-09-15", "2026-09-17"}
    choose(gone)
    assert caller.get(targets, params={"kind": "served", "q": "9班"}).json()["items"] == []


def test_a_demand_nobody_has_a_seat_for_is_said_so(tell: Callable[..., Any], pairable: Any) -> None:
    nobody = pairable.add_demand("四年级9班", "school_north_2", [(4, 3)])
    answer = tell(kind="demand_added", target_id=nobody)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_proposal")
    known = tell(kind="demand_added", target_id=pairable.demands["四年级1班"])
    assert (known.status_code, known.json()["code"]) == (422, "known_demand")
    assert tell(kind="demand_added", target_id="0" * 32).status_code == 422


def test_a_lesson_a_stand_in_leads_is_hit_when_the_stand_in_is_away(
    tell: Callable[..., Any], choose: Callable[..., Any], county: Any, parts: Any
) -> None:
    away, stand_in = county.users["teacher_north"].id, county.users["colleague_north"].id
    choose(tell(kind="absence", target_id=away).json())
    led = {one for one, (_at, _s, teacher) in week_of(parts).items() if teacher == stand_in}
    change = tell(kind="absence", target_id=stand_in).json()
    assert {one["lesson_id"] for one in change["proposals"][-1]["items"]} == led
    again = tell(kind="absence", target_id=away).json()
    assert again["proposals"][0]["items"] == [], "nobody is without the teacher who is away already"


def test_those_whom_a_change_concerns_find_it_in_their_inbox(
    tell: Callable[..., Any], choose: Callable[..., Any], county: Any, signed_in: Callable[[str], Any]
) -> None:
    def inbox(who: str, kind: str) -> list[Any]:
        return [one for one in signed_in(who).get("/api/notices").json()["items"] if one["kind"] == kind]

    (booked,) = inbox("teacher_north", "plan_accepted")
    assert booked["data"]["lessons"] > 0
    change = tell(kind="absence", target_id=county.users["teacher_north"].id).json()
    assert inbox("colleague_north", "change_applied") == [], "nothing is told before it is chosen"
    choose(change)
    (told,) = inbox("colleague_north", "change_applied")
    assert (told["data"]["what"], told["data"]["target"]) == ("absence", "teacher_north")
    assert told["data"]["count"] == len(told["data"]["items"]) == 2
    assert inbox("school_north", "change_applied")[0]["for_school"]
    signed_in("county_north").post(f"/api/changes/{change['id']}/withdraw")
    assert len(inbox("colleague_north", "change_taken_back")) == 1


def test_recording_is_chosen_with_the_plan(in_force: dict[str, Any], parts: Any) -> None:
    assert in_force["recorded"]
    with parts.database.reading() as session:
        assert {one.recorded for one in session.scalars(select(Lesson)).unique()} == {True}


def test_the_map_the_table_and_a_comparison_count_what_the_plan_serves(
    make_plan: Callable[..., dict[str, Any]], pairable: Any, signed_in: Callable[[str], Any], parts: Any
) -> None:
    plan, caller = make_plan(), signed_in("county_north")
    with parts.database.unit_of_work() as session:
        session.merge(ClassPeriod(class_id=pairable.classes["四年级3班"], weekday=1, period=2, free=True))
        session.merge(ClassPeriod(class_id=pairable.classes["四年级3班"], weekday=3, period=2, free=True))
    other = make_plan(name="另一个")
    total = caller.get(f"/api/plans/{plan['id']}").json()["result"]["lessons_a_week"]
    chart = caller.get(f"/api/plans/{plan['id']}/coverage").json()
    assert chart["subjects"] == ["english"]
    assert sum(one["served"] for county in chart["counties"] for one in county["schools"]) == total
    assert caller.get(f"/api/plans/{plan['id']}/coverage?subject=art").json()["counties"] == []
    table = caller.get(f"/api/plans/{plan['id']}/schools", params={"q": "north_3"}).json()
    assert [(one["name"], one["needed"]) for one in table["items"]] == [("school_north_3", 4)]
    assert table["items"][0]["subjects"][0]["served"] == table["items"][0]["served"]
    same = caller.get(f"/api/plans/{plan['id']}/compare/{plan['id']}").json()
    assert (same["total"], same["same"]) == (0, 3)
    compared = caller.get(f"/api/plans/{plan['id']}/compare/{other['id']}").json()
    gained = sum(one["after"]["served"] - one["before"]["served"] for one in compared["items"])
    assert gained == compared["after"]["lessons_a_week"] - compared["before"]["lessons_a_week"]
    assert compared["same"] + compared["total"] == 3
