"""Suggests when a lesson could be, before anybody books it."""

from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.lessons.booking import new_lesson
from service.lessons.claims import hold_of
from service.lessons.desk import Desk
from service.lessons.free_slots import free_slots
from service.lessons.schemas import FreePeriod, LessonRequest
from service.problems import NotAllowed

MOST = 8


def suggest_periods(session: Session, person: Person, request: LessonRequest, desk: Desk) -> list[FreePeriod]:
    """Periods of the lead school within a week of the wish, nearest first. The lesson is tried out and taken back."""
    if not person.may("lessons.book"):
        raise NotAllowed
    trial = session.begin_nested()
    try:
        lesson = new_lesson(session, person, request, desk)
        session.add(lesson)
        session.flush()
        session.refresh(lesson)
        found = free_slots(session, lesson, hold_of(session, lesson, desk), desk, MOST)
    finally:
        trial.rollback()
    return [FreePeriod(date=one.on, period=one.number, starts_at=one.starts_at, ends_at=one.ends_at) for one in found]
