"""The course of a lesson: begun and ended by people, or by the clock when its time has come.

All state lives in the database, so a restart forgets nothing.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.lessons.claims import lock_lesson, release_rest
from service.lessons.expiry import expire_unanswered, with_expired_requests
from service.lessons.finding import find_lesson
from service.lessons.rights import may_conduct
from service.lessons.tables import Lesson
from service.lessons.times import ENDS_BY_ITSELF_AFTER, JOINING_OPENS_BEFORE, is_open_for_joining
from service.problems import Conflict, NotAllowed
from service.recordings.opening import open_recording
from service.storage.many import one_of
from service.usage.rows import append_row


def start_lesson(session: Session, person: Person, lesson_id: str, now: datetime) -> Lesson:
    """Begin the lesson, at the earliest 15 minutes before its time; beginning a live lesson changes nothing."""
    lock_lesson(session, lesson_id)
    lesson = find_lesson(session, person, lesson_id)
    if not may_conduct(person, lesson):
        raise NotAllowed("Only the lead teacher or an administrator of the lead school starts this lesson.")
    if lesson.state == "live":
        return lesson
    if lesson.state != "booked":
        raise Conflict("This lesson is over.", code="lesson_over")
    if not is_open_for_joining(lesson.state, lesson.starts_at, now):
        raise Conflict("A lesson can be started from 15 minutes before its time.", code="too_early")
    _begin(session, lesson, now, person.user_id)
    return lesson


def end_lesson(session: Session, person: Person, lesson_id: str, now: datetime) -> Lesson:
    """End the live lesson; ending an ended one changes nothing."""
    lock_lesson(session, lesson_id)
    lesson = find_lesson(session, person, lesson_id)
    if not may_conduct(person, lesson):
        raise NotAllowed("Only the lead teacher or an administrator of the lead school ends this lesson.")
    if lesson.state == "ended":
        return lesson
    if lesson.state != "live":
        raise Conflict("This lesson has not begun.", code="not_begun")
    _finish(session, lesson, now, person.user_id)
    return lesson


def due_for_change(session: Session, now: datetime, with_lead: AbstractSet[str]) -> list[str]:
    """List lessons the clock must move on.

    They are due with a lead party connected, 10 minutes past their planned end, or have requests nobody answered.
    """
    overdue = select(Lesson.id).where(
        Lesson.state.in_(("booked", "live")), Lesson.ends_at <= now - ENDS_BY_ITSELF_AFTER
    )
    led = one_of(session, cast(Table, Lesson.__table__).c.id, with_lead)
    due = select(Lesson.id).where(Lesson.state == "booked", Lesson.starts_at <= now, led)
    found = [*session.scalars(overdue), *(session.scalars(due) if with_lead else ())]
    return list(dict.fromkeys([*found, *with_expired_requests(session, now)]))


def move_on(session: Session, lesson_id: str, now: datetime, with_lead: AbstractSet[str]) -> None:
    """Do what the clock asks of one lesson, judged again inside this unit of work."""
    lock_lesson(session, lesson_id)
    lesson = session.get(Lesson, lesson_id)
    if lesson is None or lesson.state not in ("booked", "live"):
        return
    expire_unanswered(session, lesson, now)
    if lesson.ends_at <= now - ENDS_BY_ITSELF_AFTER:
        _finish(session, lesson, now, None)
    elif lesson.state == "booked" and lesson.starts_at <= now and lesson_id in with_lead:
        _begin(session, lesson, now, None)


def opens_on_relay(now: datetime) -> ColumnElement[bool]:
    """The condition that a lesson must be open on a relay now: it is live, or can be joined already."""
    return (Lesson.state == "live") | (
        (Lesson.state == "booked")
        & (Lesson.starts_at <= now + JOINING_OPENS_BEFORE)
        & (Lesson.ends_at > now - ENDS_BY_ITSELF_AFTER)
    )


def open_lessons(session: Session, now: datetime) -> list[Lesson]:
    """List the lessons that must be open on a relay now."""
    return list(session.scalars(select(Lesson).where(opens_on_relay(now))).unique())


def _begin(session: Session, lesson: Lesson, now: datetime, user_id: str | None) -> None:
    lesson.state, lesson.started_at = "live", now
    lesson.version += 1
    if lesson.recorded:
        open_recording(session, lesson.id, now)
    append_row(session, now, "lesson_started", lesson_id=lesson.id, user_id=user_id)


def _finish(session: Session, lesson: Lesson, now: datetime, user_id: str | None) -> None:
    lesson.state, lesson.ended_at = "ended", now
    lesson.version += 1
    release_rest(session, lesson, now)
    append_row(session, now, "lesson_ended", lesson_id=lesson.id, user_id=user_id, data={"by_itself": user_id is None})
