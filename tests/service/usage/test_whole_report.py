"""The file of a report has every row of its pages, in their order, however many weeks it spans."""

from datetime import timedelta
from typing import Any

import pytest

from service.accounts.principal import Person
from service.lessons.tables import Lesson
from service.usage.report import UsageFilter, all_items, make_report
from service.usage.tables import AttendanceRow

WEEK = timedelta(days=7)


@pytest.fixture
def taught(rooms: Any, clock: Any) -> list[Any]:
    """Lessons hours, exact weeks and months apart, each with two parties; and one nobody came to."""
    moments = [clock.now() - ago for ago in (timedelta(0), timedelta(hours=1), WEEK, WEEK, 2 * WEEK, 9 * WEEK)]
    school = rooms.organisations["school_north_1"]
    teacher = rooms.users["teacher_north"].id
    with rooms.parts.database.unit_of_work() as session:
        for number, starts_at in enumerate([*moments, clock.now() - 20 * WEEK]):
            lesson = Lesson(
                kind="synchronous", title=f"第{number}课", subject="mathematics", grade="grade_5", starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=40), state="ended", lead_school_id=school.id,
                lead_teacher_id=teacher, recorded=False, booked_by=teacher, created_at=starts_at,
            )  # fmt: skip
            session.add(lesson)
            session.flush()
            for role, party in (("lead", "room:1"), ("room", "room:0")) if number < len(moments) else ():
                row = AttendanceRow(
                    lesson_id=lesson.id, party_id=party, party_role=role, organisation_id=school.id,
                    organisation_path=school.path, county="", school=school.name, room_or_person=party,
                )  # fmt: skip
                session.add(row)
    return moments


def test_the_file_has_the_rows_of_the_pages_in_their_order(rooms: Any, taught: Any, signed_in: Any, clock: Any) -> None:
    user = rooms.users["prefecture"]
    root = rooms.organisations["prefecture"]
    person = Person(
        user.id, "prefecture", "", user.typed_role, root.id, root.path, root.kind, "zh-CN", session_id="", csrf_token=""
    )  # fmt: skip
    wishes = (
        UsageFilter(),
        UsageFilter(starts=clock.now() - WEEK),
        UsageFilter(ends=clock.now() - WEEK),
        UsageFilter(starts=clock.now() - 2 * WEEK, ends=clock.now()),
    )
    for wanted, lessons in zip(wishes, (6, 4, 2, 4), strict=True):
        with rooms.parts.database.reading() as session:
            pages = make_report(session, person, wanted, 100, 0).items
        with rooms.parts.database.reading_at_length() as session:
            whole = list(all_items(session, person, wanted))
        assert whole == pages
        assert len(whole) == 2 * lessons
    nothing = UsageFilter(starts=clock.now() + WEEK)
    with rooms.parts.database.reading_at_length() as session:
        assert list(all_items(session, person, nothing)) == []
