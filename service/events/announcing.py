"""Announcing an event, changing it and calling it off; its dated lessons are booked by the rules for everybody."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.events.rights import find_event, require_arranging
from service.events.roster import coming_lessons, counting_signups, move_up, roster_of, take_seat_back, tell_signup
from service.events.schemas import EventChange, EventRequest, MeetingRequest
from service.events.tables import Event, EventLesson
from service.lessons.booking import book_lesson, cancel_lesson
from service.lessons.desk import Desk
from service.lessons.schemas import LessonRequest
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids
from service.problems import Conflict, InvalidRequest
from service.storage.base import new_id
from service.usage.rows import append_row


def announce_event(session: Session, person: Person, request: EventRequest, desk: Desk) -> Event:
    """Book all lessons of the event and open its list. Raises as `book_lesson`; then nothing is booked."""
    lessons = [book_lesson(session, person, _booking(request, one), desk, None) for one in request.meetings]
    lessons.sort(key=lambda lesson: lesson.starts_at)
    lead = lessons[0].lead_school
    event = Event(
        id=new_id(),
        kind=request.kind,
        title=request.title,
        subject=request.subject,
        grade=request.grade,
        description=request.description,
        organisation=_invited(session, person, request.organisation_id, lead),
        lead_school=lead,
        lead_teacher_id=lessons[0].lead_teacher_id,
        quota=request.quota,
        waiting_limit=request.waiting_limit,
        county_quota=request.county_quota,
        signup_until=request.signup_until,
        state="open",
        version=1,
        created_by=person.user_id,
        created_at=desk.now,
    )
    _check_deadline(event, lessons[0], desk)
    event.meetings = [EventLesson(lesson=lesson, position=at) for at, lesson in enumerate(lessons)]
    session.add(event)
    session.flush()
    session.refresh(event)
    append_row(session, desk.now, "event_announced", user_id=person.user_id, data={"event_id": event.id})
    return event


def change_event(session: Session, person: Person, event_id: str, change: EventChange, desk: Desk) -> Event:
    """Edit an event. More seats go to those who wait; with fewer the last to sign up wait again, and are told."""
    event = locked_event(session, person, event_id)
    require_arranging(person, event)
    if event.version != change.version:
        raise Conflict("Somebody changed this event meanwhile; look at it again.", code="stale")
    _refuse_cancelled(event)
    lessons = coming_lessons(session, event, desk.now)
    event.title = change.title or event.title
    event.description = event.description if change.description is None else change.description
    event.quota = change.quota or event.quota
    event.waiting_limit = event.waiting_limit if change.waiting_limit is None else change.waiting_limit
    if "county_quota" in change.model_fields_set:
        event.county_quota = change.county_quota
    if change.signup_until is not None:
        event.signup_until = change.signup_until
        _check_deadline(event, event.meetings[0].lesson, desk)
    event.version += 1
    session.flush()
    signups = counting_signups(session, event)
    seated = set(roster_of(session, event, signups).seated)
    for one in signups:
        # Lessons that have begun are over for the roster: who sat in them keeps the seat.
        if one.state == "seat" and one.id not in seated and lessons:
            take_seat_back(session, one, "waiting", lessons, person.user_id, desk)
            tell_signup(session, event, one, "signup_unseated", desk)
    move_up(session, event, lessons, desk)
    return event


def cancel_event(session: Session, person: Person, event_id: str, reason: str, desk: Desk) -> Event:
    """Call off what has not begun; everybody on the list is told. Doing it again changes nothing."""
    event = locked_event(session, person, event_id)
    require_arranging(person, event)
    if event.state == "cancelled":
        return event
    for lesson in coming_lessons(session, event, desk.now):
        cancel_lesson(session, person, lesson.id, reason, desk)
    event.state = "cancelled"
    event.version += 1
    for one in counting_signups(session, event):
        tell_signup(session, event, one, "event_cancelled", desk)
    session.flush()
    return event


def locked_event(session: Session, person: Person, event_id: str) -> Event:
    """The event, which nobody else changes until the transaction ends; before any of its lessons is locked."""
    find_event(session, person, event_id)
    statement = select(Event).where(Event.id == event_id).with_for_update(of=Event)
    return session.scalars(statement.execution_options(populate_existing=True)).one()


def _booking(request: EventRequest, meeting: MeetingRequest) -> LessonRequest:
    return LessonRequest(
        kind=request.kind,
        title=meeting.title or request.title,
        subject=request.subject,
        grade=request.grade,
        class_id=request.class_id,
        lead_room_id=request.lead_room_id,
        lead_teacher_id=request.lead_teacher_id,
        recorded=request.recorded,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        date=meeting.date,
        period=meeting.period,
    )


def _invited(session: Session, person: Person, wished: str | None, lead: Organisation) -> Organisation:
    """What is invited: an organisation above the lead school, or one the person administers."""
    above = ancestor_ids(lead.path)
    if wished is None:
        nodes = [session.get_one(Organisation, identity) for identity in above]
        return next((node for node in reversed(nodes) if node.kind != "school"), lead)
    node = session.get(Organisation, wished)
    if node is None or not (wished in above or (person.is_administrator and person.may_see(node.path))):
        raise InvalidRequest.of_field("organisation_id", "Invite schools of an area that contains the lead school.")
    return node


def _check_deadline(event: Event, first: Lesson, desk: Desk) -> None:
    if event.signup_until > first.starts_at:
        raise InvalidRequest.of_field("signup_until", "Sign-up must end before the first lesson begins.")
    if event.signup_until <= desk.now:
        raise InvalidRequest.of_field("signup_until", "This time has already passed.")


def _refuse_cancelled(event: Event) -> None:
    if event.state == "cancelled":
        raise Conflict("This event was called off.", code="event_cancelled")
