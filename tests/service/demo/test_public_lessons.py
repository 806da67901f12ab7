"""Public lessons of the demonstration: something to sign up for, one list full, at every start."""

from datetime import UTC
from typing import Any

from sqlalchemy import select

from service.demo.demonstration import prepare_county
from service.demo.public_lessons import ANNOUNCEMENTS, fill_public_lessons
from service.demo.timetable import fill_timetable
from service.events.roster import counting_signups
from service.events.tables import Event
from service.parts import Parts


def seats(parts: Parts) -> dict[str, list[str]]:
    """What everybody who signed up has, by title."""
    with parts.database.reading() as session:
        return {
            event.title: [one.state for one in counting_signups(session, event)]
            for event in session.scalars(select(Event).order_by(Event.created_at))
        }


def test_one_is_full_with_a_waiting_list_and_one_has_room(parts: Parts) -> None:
    prepare_county(parts)
    fill_timetable(parts)
    fill_public_lessons(parts)
    assert seats(parts) == {
        "名师公开课：诗词里的四季": ["seat", "seat", "waiting"],
        "名校课程：动手做科学": ["seat", "seat"],
    }


def test_another_start_announces_nothing_until_the_lessons_are_over(parts: Parts, clock: Any) -> None:
    prepare_county(parts)
    fill_public_lessons(parts)
    clock.advance(days=1)
    fill_public_lessons(parts)
    assert _events(parts) == len(ANNOUNCEMENTS)
    clock.advance(days=40)
    fill_public_lessons(parts)
    assert _events(parts) == 2 * len(ANNOUNCEMENTS)


def test_sign_up_is_open_for_days_and_ends_before_the_lesson(parts: Parts) -> None:
    prepare_county(parts)
    fill_public_lessons(parts)
    now = parts.clock.now()
    with parts.database.reading() as session:
        for event in session.scalars(select(Event)):
            first = event.meetings[0].lesson.starts_at.astimezone(UTC)
            assert now < event.signup_until.astimezone(UTC) < first
            assert (event.signup_until - now).days >= 2


def _events(parts: Parts) -> int:
    with parts.database.reading() as session:
        return len(session.scalars(select(Event)).all())
