"""An accepted plan is the dated lessons of the rest of the term, all of them booked, or none."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from service.lessons.tables import Lesson, LessonClaim
from service.planning.plan_tables import PlannedLesson, PlannedReceiver
from service.planning.tables import SpecialDay

ZONE = ZoneInfo("Asia/Shanghai")
TUESDAY = "2026-09-08"


@pytest.fixture
def accept(make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]) -> Callable[..., Any]:
    def run(plan: dict[str, Any] | None = None, who: str = "county_north", **fields: Any) -> Any:
        plan = plan or make_plan()
        body = {"base_version": plan["version"]} | fields
        return signed_in(who).post(f"/api/plans/{plan['id']}/accept", json=body)

    return run


def lessons_of(parts: Any) -> list[Lesson]:
    with parts.database.reading() as session:
        return list(session.scalars(select(Lesson).order_by(Lesson.starts_at)).unique())


def test_every_teaching_day_of_the_rest_of_the_term_gets_its_lesson(parts: Any, accept: Callable[..., Any]) -> None:
    answer = accept()
    assert answer.status_code == 200, answer.text
    lessons = lessons_of(parts)
    assert answer.json()["lessons"] == len(lessons) == 31  # four a week from Tuesday on to Friday of the 8th week
    weekdays = Counter(lesson.starts_at.astimezone(ZONE).weekday() for lesson in lessons)
    assert weekdays == {0: 7, 1: 8, 2: 8, 3: 8}
    assert all(receiver.state == "accepted" for lesson in lessons for receiver in lesson.receivers)
    first = lessons[0]
    assert first.starts_at.astimezone(ZONE) == datetime(2026, 9, 8, 9, 20, tzinfo=ZONE)
    assert len(first.receivers) == 2


def test_what_was_booked_is_claimed_and_knows_where_it_comes_from(parts: Any, accept: Callable[..., Any]) -> None:
    accept()
    with parts.database.reading() as session:
        lessons = session.scalar(select(func.count()).select_from(Lesson))
        assert session.scalar(select(func.count()).select_from(PlannedLesson)) == lessons
        claims = session.scalar(select(func.count()).select_from(LessonClaim))
        receivers = session.scalar(select(func.count()).select_from(PlannedReceiver))
        assert claims == 2 * lessons + 2 * receivers  # lead room and teacher; receiving room and class


def test_holidays_and_make_up_days_move_lessons(parts: Any, county: Any, accept: Callable[..., Any]) -> None:
    with parts.database.unit_of_work() as session:
        here, other = county.organisations["county_north"].id, county.organisations["school_north_3"].id
        session.add(SpecialDay(organisation_id=here, day=date(2026, 9, 15), runs=None, name="县运动会"))
        session.add(SpecialDay(organisation_id=here, day=date(2026, 9, 19), runs=1, name="补周二课程"))
        session.add(SpecialDay(organisation_id=other, day=date(2026, 9, 19), runs=3, name="补周四课程"))
    accept()
    by_day = {lesson.starts_at.astimezone(ZONE).date(): lesson for lesson in lessons_of(parts)}
    assert date(2026, 9, 15) not in by_day
    assert len(by_day[date(2026, 9, 8)].receivers) == 2
    assert len(by_day[date(2026, 9, 19)].receivers) == 1


def test_a_clash_refuses_everything_by_name(
    parts: Any, county: Any, accept: Callable[..., Any], lesson_request: Any, signed_in: Callable[[str], Any]
) -> None:
    booked = signed_in("teacher_north").post(
        "/api/lessons",
        json=lesson_request(
            "far room",
            lead_room_id=county.rooms["studio one"].id,
            starts_at="2026-09-09T00:30:00Z",
            ends_at="2026-09-09T01:10:00Z",
        ),
    )
    assert booked.status_code == 201, booked.text
    refused = accept()
    assert refused.status_code == 409
    assert refused.json()["code"] == "booking_conflict"
    assert {one["lesson_id"] for one in refused.json()["conflicts"]} == {booked.json()["id"]}
    assert {one["resource"] for one in refused.json()["conflicts"]} == {"room", "teacher"}
    assert len(lessons_of(parts)) == 1


def test_the_administrator_may_leave_out_what_clashes(
    parts: Any, county: Any, make_plan: Any, accept: Callable[..., Any], lesson_request: Any, signed_in: Any
) -> None:
    request = lesson_request("far room", lead_room_id=county.rooms["studio one"].id)
    request |= {"starts_at": "2026-09-09T00:30:00Z", "ends_at": "2026-09-09T01:10:00Z"}
    assert signed_in("teacher_north").post("/api/lessons", json=request).status_code == 201
    answer = accept(without_clashing=True)
    assert (answer.json()["lessons"], answer.json()["left_out"]) == (30, 1)
    assert len(lessons_of(parts)) == 31


def test_accepting_twice_books_once(parts: Any, make_plan: Any, accept: Callable[..., Any]) -> None:
    plan = make_plan()
    assert accept(plan).status_code == 200
    again = accept(plan)
    assert (again.status_code, again.json()["code"]) == (409, "already_accepted")
    assert len(lessons_of(parts)) == 31


def test_a_stale_version_is_refused(make_plan: Any, accept: Callable[..., Any]) -> None:
    plan = make_plan()
    assert accept(plan, base_version=plan["version"] + 1).json()["code"] == "stale"


def test_a_second_plan_replaces_the_first_only_when_told(
    parts: Any, make_plan: Any, accept: Callable[..., Any]
) -> None:
    accept(make_plan())
    second = make_plan()
    assert accept(second).json()["code"] == "other_plan_accepted"
    answer = accept(second, replaces=True, first_day="2026-09-14")
    assert answer.status_code == 200, answer.text
    assert answer.json()["cancelled"] == 28
    states = Counter(lesson.state for lesson in lessons_of(parts))
    assert states == {"booked": 31, "cancelled": 28}


def test_a_series_moved_since_makes_the_plan_stale(
    parts: Any, pairable: Any, make_plan: Any, accept: Callable[..., Any]
) -> None:
    from service.planning.tables import LeadSeries

    plan = make_plan()
    with parts.database.unit_of_work() as session:
        row = session.get_one(LeadSeries, pairable.series["E4"])
        row.times[0].period = 4
    assert accept(plan).json()["code"] == "plan_stale"
    assert lessons_of(parts) == []


@pytest.mark.parametrize("fields", [{"first_day": "2027-01-01"}, {"first_day": "soon"}, {"base_version": 0}, {"x": 1}])
def test_bad_input_is_refused(parts: Any, accept: Callable[..., Any], fields: dict[str, Any]) -> None:
    assert accept(**fields).status_code == 422
    assert lessons_of(parts) == []
