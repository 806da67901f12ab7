"""A teacher is away: proposals as dated lessons, nothing applied until accepted, applied once, taken back cleanly."""

from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select

from service.lessons.tables import Lesson, LessonClaim
from service.planning.tables import ClassPeriod, SchoolCapacity, SpecialDay

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = {"from_day": "2026-09-14", "to_day": "2026-09-18"}


@pytest.fixture
def in_force(make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]) -> dict[str, Any]:
    plan = make_plan()
    body = {"base_version": plan["version"]}
    return dict(signed_in("county_north").post(f"/api/plans/{plan['id']}/accept", json=body).json()["plan"])


@pytest.fixture
def tell(in_force: dict[str, Any], signed_in: Callable[[str], Any], county: Any) -> Callable[..., Any]:
    def run(who: str = "county_north", **fields: Any) -> Any:
        body = {"plan_id": in_force["id"], "kind": "absence", "target_id": county.users["teacher_north"].id} | WEEK
        return signed_in(who).post("/api/changes", json=body | fields)

    return run


def state_of(parts: Any) -> dict[str, Any]:
    """Everything a proposal could change, comparable; versions aside."""
    with parts.database.reading() as session:
        lessons = session.scalars(select(Lesson)).unique()
        claims = session.scalars(select(LessonClaim))
        return {
            "lessons": {
                one.id: (
                    one.state,
                    one.lead_teacher_id,
                    one.lead_room_id,
                    one.starts_at,
                    frozenset(receiver.room_id for receiver in one.receivers if receiver.counts),
                )
                for one in lessons
            },
            "claims": {(one.lesson_id, one.resource_kind, one.resource_id, one.starts_at) for one in claims},
        }


def test_a_colleague_at_the_same_time_and_room_is_proposed_first(tell: Callable[..., Any], parts: Any) -> None:
    before = state_of(parts)
    answer = tell()
    assert answer.status_code == 201, answer.text
    first = answer.json()["proposals"][0]
    assert first["kind"] == "substitute"
    assert [(one["action"], one["day"], one["new_teacher"]) for one in first["items"]] == [
        ("led_by_other", "2026-09-14", "colleague_north"),
        ("led_by_other", "2026-09-16", "colleague_north"),
    ]
    assert {"teacher_north", "colleague_north", "school_north_1"} <= set(first["told"])
    assert state_of(parts) == before


def test_an_accepted_proposal_changes_those_lessons_and_no_others(
    tell: Callable[..., Any], parts: Any, county: Any, signed_in: Callable[[str], Any]
) -> None:
    change, before = tell().json(), state_of(parts)["lessons"]
    path = f"/api/changes/{change['id']}/proposals/{change['proposals'][0]['id']}/accept"
    answer = signed_in("county_north").post(path, json={"base_version": change["base_version"]})
    assert answer.status_code == 200, answer.text
    after = state_of(parts)["lessons"]
    changed = {one for one in before if before[one] != after[one]}
    assert changed == {item["lesson_id"] for item in change["proposals"][0]["items"]}
    assert {after[one][1] for one in changed} == {county.users["colleague_north"].id}


def test_it_is_applied_once_and_taken_back_to_exactly_what_was(
    tell: Callable[..., Any], parts: Any, signed_in: Callable[[str], Any]
) -> None:
    before, caller = state_of(parts), signed_in("county_north")
    for number in range(len(tell().json()["proposals"])):
        change = tell().json()
        path = f"/api/changes/{change['id']}/proposals/{change['proposals'][number]['id']}/accept"
        body, headers = {"base_version": change["base_version"]}, {"Idempotency-Key": f"key-{number}"}
        assert caller.post(path, json=body, headers=headers).status_code == 200
        applied = state_of(parts)
        assert applied != before
        assert caller.post(path, json=body, headers=headers).status_code == 200
        assert caller.post(path, json=body, headers={"Idempotency-Key": "other"}).json()["code"] == "change_decided"
        assert state_of(parts) == applied
        back = caller.post(f"/api/changes/{change['id']}/withdraw")
        assert back.status_code == 200, back.text
        assert back.json()["lessons_put_back"] == len(
            {(item["lesson_id"], item["starts_at"]) for item in change["proposals"][number]["items"]}
        )
        assert state_of(parts)["claims"] == before["claims"]
        kept = {one: value for one, value in state_of(parts)["lessons"].items() if one in before["lessons"]}
        assert kept == before["lessons"]


def test_proposals_for_a_plan_that_changed_are_stale(tell: Callable[..., Any], signed_in: Callable[[str], Any]) -> None:
    one, other, caller = tell().json(), tell().json(), signed_in("county_north")
    for change, status in ((one, 200), (other, 409)):
        path = f"/api/changes/{change['id']}/proposals/{change['proposals'][0]['id']}/accept"
        assert caller.post(path, json={"base_version": change["base_version"]}).status_code == status


def test_a_lesson_somebody_moved_makes_the_proposal_stale(
    tell: Callable[..., Any], parts: Any, signed_in: Callable[[str], Any]
) -> None:
    change = tell().json()
    lesson = change["proposals"][0]["items"][0]
    moved = signed_in("school_north").post(f"/api/lessons/{lesson['lesson_id']}/cancel", json={"reason": "雨"})
    assert moved.status_code == 200, moved.text
    before = state_of(parts)
    path = f"/api/changes/{change['id']}/proposals/{change['proposals'][0]['id']}/accept"
    answer = signed_in("county_north").post(path, json={"base_version": change["base_version"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert state_of(parts) == before


def test_lessons_that_have_begun_are_never_touched(tell: Callable[..., Any], clock: Any) -> None:
    clock.advance(days=8, hours=1)  # Tuesday of the second week: Monday's lesson is over
    days = {item["day"] for one in tell().json()["proposals"] for item in one["items"]}
    assert "2026-09-14" not in days
    assert "2026-09-16" in days


def test_a_lead_room_that_is_down_moves_to_another(tell: Callable[..., Any], county: Any) -> None:
    answer = tell(kind="room_down", target_id=county.rooms["studio one"].id)
    first = answer.json()["proposals"][0]
    assert {(one["action"], one["new_room"]) for one in first["items"]} == {("led_by_other", "studio two")}


def test_a_relay_that_is_down_loses_the_lessons_of_its_rooms_and_no_others(
    make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any], county: Any, parts: Any
) -> None:
    with parts.database.unit_of_work() as session:
        where = county.organisations["school_north_3"].id
        session.add(
            SchoolCapacity(organisation_id=where, receiving_kits=1, down_kbps=9000, up_kbps=9000, relay="山里节点")
        )
    plan, caller = make_plan(), signed_in("county_north")
    body = {"base_version": plan["version"]}
    plan = caller.post(f"/api/plans/{plan['id']}/accept", json=body).json()["plan"]
    relays = caller.get(f"/api/plans/{plan['id']}/targets?kind=relays").json()["items"]
    assert {one["id"] for one in relays} == {"relay", "山里节点"}
    before = state_of(parts)["lessons"]
    told = {"plan_id": plan["id"], "kind": "relay_down", "target_id": "山里节点"} | WEEK
    answer = caller.post("/api/changes", json=told)
    assert answer.status_code == 201, answer.text
    change = answer.json()
    assert change["target"] == "山里节点"
    path = f"/api/changes/{change['id']}/proposals/{change['proposals'][-1]['id']}/accept"
    assert caller.post(path, json={"base_version": change["base_version"]}).status_code == 200
    after = state_of(parts)["lessons"]
    room = county.rooms["village 3"].id
    of_week = {one for one, value in before.items() if date(2026, 9, 14) <= value[3].date() <= date(2026, 9, 18)}
    hit = {one for one in of_week if room in before[one][4]}
    assert hit
    assert all(after[one][0] == "cancelled" or room not in after[one][4] for one in hit)
    assert all(after[one] == before[one] for one in before.keys() - of_week)


def test_a_class_whose_hours_moved_leaves_the_lessons_outside_them(
    tell: Callable[..., Any], in_force: dict[str, Any], pairable: Any, parts: Any, signed_in: Callable[[str], Any]
) -> None:
    caller = signed_in("county_north")
    rows = caller.get(f"/api/plans/{in_force['id']}/demands").json()["items"]
    row = next(one for one in rows if len(one["times"]) == 2)
    gone, kept = row["times"]
    class_id = pairable.classes[row["class_name"]]
    assert class_id in {
        one["id"] for one in caller.get(f"/api/plans/{in_force['id']}/targets?kind=classes").json()["items"]
    }
    with parts.database.unit_of_work() as session:
        session.execute(
            delete(ClassPeriod).where(ClassPeriod.class_id == class_id, ClassPeriod.weekday == gone["weekday"])
        )
    answer = tell(kind="bells_moved", target_id=class_id)
    assert answer.status_code == 201, answer.text
    assert answer.json()["target"] == row["class_name"]
    for proposal in answer.json()["proposals"]:
        of_class = [one for one in proposal["items"] if row["class_name"] in (one["class_name"] or str(one["classes"]))]
        lost = [one for one in of_class if one["action"] in ("cancelled", "attends_less")]
        days = {date.fromisoformat(one["day"]).weekday() for one in lost}
        assert gone["weekday"] in days
        assert all(
            one["action"] not in ("attends_more", "added")
            or date.fromisoformat(one["day"]).weekday() != gone["weekday"]
            for one in of_class
        )
    fewest = next(one for one in answer.json()["proposals"] if one["kind"] == "fewest_changes")
    assert kept["weekday"] not in {date.fromisoformat(one["day"]).weekday() for one in fewest["items"]}


def test_a_holiday_cancels_and_is_written_into_the_calendar(
    tell: Callable[..., Any], parts: Any, county: Any, signed_in: Callable[[str], Any]
) -> None:
    where = county.organisations["school_north_3"].id
    change = tell(kind="holiday", target_id=where, from_day="2026-09-15", to_day="2026-09-16", name="校庆").json()
    caller = signed_in("county_north")
    path = f"/api/changes/{change['id']}/proposals/{change['proposals'][0]['id']}/accept"
    assert caller.post(path, json={"base_version": change["base_version"]}).status_code == 200
    with parts.database.reading() as session:
        assert session.get(SpecialDay, (where, date(2026, 9, 15))) is not None
    assert {item["action"] for item in change["proposals"][0]["items"]} == {"attends_less", "cancelled"}
    caller.post(f"/api/changes/{change['id']}/withdraw")
    with parts.database.reading() as session:
        assert session.get(SpecialDay, (where, date(2026, 9, 15))) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"target_id": "0" * 32},
        {"target_id": "x"},
        {"to_day": "2026-09-01"},
        {"from_day": "2026-08-01", "to_day": "2026-08-02"},
        {"kind": "earthquake"},
        {"kind": "holiday", "target_id": "0" * 32},
        {"kind": "holiday", "target_id": "nowhere"},
        {"kind": "relay_down", "target_id": "no such node"},
        {"kind": "bells_moved", "target_id": "0" * 32},
        {"extra": 1},
    ],
)
def test_bad_input_is_refused(tell: Callable[..., Any], fields: dict[str, Any]) -> None:
    assert tell(**fields).status_code == 422


def test_strangers_neither_tell_nor_see_changes(tell: Callable[..., Any], signed_in: Callable[[str], Any]) -> None:
    change = tell().json()
    assert tell(who="county_south").status_code == 404
    assert tell(who="teacher_north").status_code == 403
    for who, status in (("county_south", 404), ("school_north", 403)):
        assert signed_in(who).get(f"/api/changes/{change['id']}").status_code == status
        assert signed_in(who).post(f"/api/changes/{change['id']}/withdraw").status_code == status
    assert signed_in("county_south").get("/api/changes").json() == {"items": [], "total": 0}


@pytest.mark.parametrize("kind", ["absence", "room_down", "relay_down"])
def test_no_two_proposals_change_the_same_lessons_in_the_same_way(
    tell: Callable[..., Any], county: Any, kind: str
) -> None:
    target = {"absence": None, "room_down": county.rooms["studio one"].id, "relay_down": "relay"}[kind]
    answer = tell(kind=kind, from_day="2026-09-14", to_day="2026-10-30", **({"target_id": target} if target else {}))
    assert answer.status_code == 201, answer.text
    seen = [frozenset(str(sorted(item.items())) for item in one["items"]) for one in answer.json()["proposals"]]
    assert len(seen) == len(set(seen))
