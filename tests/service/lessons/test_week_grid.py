"""The week grid: each school's own bells and calendar, and what is free in each period."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from service.organisation.bells import replace_bells
from service.organisation.tables import SchoolClass, Term
from service.planning.tables import ClassPeriod, Pact, SpecialDay

BELLS = [(1, "08:30", "09:10"), (2, "09:20", "10:00")]
OTHERS = [(1, "08:20", "09:00")]


@pytest.fixture
def schools(rooms: Any) -> Any:
    with rooms.parts.database.unit_of_work() as session:
        nodes = rooms.organisations
        prefecture = session.merge(nodes["prefecture"], load=True)
        village = session.merge(nodes["school_north_2"], load=True)
        replace_bells(session, prefecture, BELLS)
        replace_bells(session, village, OTHERS)
        session.add(
            Term(organisation_id=prefecture.id, name="秋", starts_on=date(2026, 9, 1), ends_on=date(2026, 10, 30))
        )
        session.add(SpecialDay(organisation_id=village.id, day=date(2026, 9, 8), runs=None, name="校运会"))
        session.add(SpecialDay(organisation_id=village.id, day=date(2026, 9, 12), runs=1, name="补周二"))
        row = SchoolClass(
            organisation_id=village.id, name="四年级1班", grade="grade_4", created_at=rooms.parts.clock.now()
        )
        session.add(row)
        session.flush()
        session.add(ClassPeriod(class_id=row.id, weekday=1, period=1, free=True))
        one, other = sorted((nodes["school_north_1"].id, village.id))
        session.add(Pact(one_id=one, other_id=other, name="结对"))
    return rooms


@pytest.fixture
def week(schools: Any, signed_in: Callable[[str], Any]) -> Callable[..., Any]:
    def read(who: str = "teacher_north", monday: str = "2026-09-07") -> Any:
        ids = [schools.organisations[name].id for name in ("school_north_1", "school_north_2")]
        return signed_in(who).get("/api/week", params={"monday": monday, "school_id": ids})

    return read


def test_each_school_rings_its_own_bells_on_the_days_it_teaches(week: Callable[..., Any]) -> None:
    own, village = week().json()["schools"]
    assert own["own"]
    assert [len(day["periods"]) for day in own["days"]] == [2, 2, 2, 2, 2, 0, 0]
    assert [len(day["periods"]) for day in village["days"]] == [1, 0, 1, 1, 1, 1, 0]
    assert village["days"][5]["runs"] == 1
    assert village["days"][5]["make_up"]
    assert village["days"][0]["periods"][0]["starts_at"] == "2026-09-07T00:20:00Z"


def test_free_classes_follow_the_timetable_that_runs_that_day(week: Callable[..., Any]) -> None:
    village = week().json()["schools"][1]
    free = {
        day["date"]: [one["name"] for period in day["periods"] for one in period["classes"]] for day in village["days"]
    }
    assert free["2026-09-07"] == []
    assert free["2026-09-12"] == ["四年级1班"]


def test_what_is_booked_is_not_free_and_stands_in_the_teachers_week(
    week: Callable[..., Any], lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    before = week().json()["schools"][0]["days"][1]["periods"][0]
    body = lesson_request("village room", starts_at="2026-09-08T00:30:00Z", ends_at="2026-09-08T01:10:00Z")
    assert signed_in("teacher_north").post("/api/lessons", json=body).status_code == 201
    after = week().json()
    period = after["schools"][0]["days"][1]["periods"][0]
    assert (before["lead_rooms_free"], period["lead_rooms_free"]) == (2, 1)
    assert [(one["title"], one["leads"], one["waits"]) for one in after["busy"]] == [("分数的意义", True, True)]
    assert week("teacher_south").json()["busy"] == []


def test_partners_are_schools_of_a_pact_and_of_lessons_lately(
    schools: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    teacher = signed_in("teacher_north")
    assert [one["name"] for one in teacher.get("/api/week/partners").json()["items"]] == ["school_north_2"]
    assert teacher.post("/api/lessons", json=lesson_request("south room")).status_code == 201
    names = [one["name"] for one in teacher.get("/api/week/partners").json()["items"]]
    assert names == ["school_north_2", "school_south_1"]


def test_only_schools_have_a_week_and_only_those_who_book_read_it(
    schools: Any, signed_in: Callable[[str], Any], week: Callable[..., Any]
) -> None:
    county = {"monday": "2026-09-07", "school_id": schools.organisations["county_north"].id}
    assert signed_in("teacher_north").get("/api/week", params=county).status_code == 422
    assert week("researcher_north").status_code == 403
    other = {"monday": "2026-09-07", "school_id": schools.organisations["school_north_1"].id}
    other["teacher_id"] = schools.users["teacher_south"].id
    assert signed_in("teacher_north").get("/api/week", params=other).status_code == 404
