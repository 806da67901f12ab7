"""Signing oneself up to watch an event's lessons from one's own computer, without a room: it claims nothing."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.events.announcing import locked_event
from service.events.rights import is_invited
from service.events.tables import Event
from service.lessons.desk import Desk
from service.lessons.tables import Lesson, LessonObserver
from service.problems import Conflict, NotAllowed
from service.usage.rows import append_row

MOST_OBSERVERS = 500
"""People who watch one event by themselves."""


def observe_event(session: Session, person: Person, event_id: str, desk: Desk) -> Event:
    """Let the person watch every lesson that is not over. Doing it again changes nothing.

    Raises Conflict `event_cancelled`, `signup_closed` when all lessons are over, `event_full`.
    """
    event = locked_event(session, person, event_id)
    if not is_invited(person, event):
        raise NotAllowed("Only those who are invited sign up.")
    if event.state == "cancelled":
        raise Conflict("This event was called off.", code="event_cancelled")
    lessons = _not_over(event)
    if not lessons:
        raise Conflict("All lessons of this event are over.", code="signup_closed")
    fresh = [lesson for lesson in lessons if person.user_id not in {one.user_id for one in lesson.observers}]
    if fresh and any(len(lesson.observers) >= MOST_OBSERVERS for lesson in fresh):
        raise Conflict("Nobody else can watch this event.", code="event_full")
    for lesson in fresh:
        lesson.observers.append(LessonObserver(user_id=person.user_id, signed_up_at=desk.now))
    if fresh:
        append_row(session, desk.now, "event_observed", user_id=person.user_id, data={"event_id": event.id})
    session.flush()
    return event


def stop_observing(session: Session, person: Person, event_id: str) -> Event:
    """Take oneself off the list of lessons that are not over; what was watched stays watched."""
    event = locked_event(session, person, event_id)
    ids = [lesson.id for lesson in _not_over(event)]
    session.execute(
        delete(LessonObserver).where(LessonObserver.user_id == person.user_id, LessonObserver.lesson_id.in_(ids))
    )
    for lesson in _not_over(event):
        session.refresh(lesson, ["observers"])
    return event


def observers_of(event: Event) -> set[str]:
    """Ids of those who watch any lesson of the event."""
    return {one.user_id for meeting in event.meetings for one in meeting.lesson.observers}


def _not_over(event: Event) -> list[Lesson]:
    return [meeting.lesson for meeting in event.meetings if meeting.lesson.state in ("booked", "live")]
