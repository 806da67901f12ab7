"""Signing a room up for an event and withdrawing it; a seat claims what an accepted invitation claims."""

from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.signups import SignupError, sign_up
from service.accounts.principal import Person
from service.events.announcing import locked_event
from service.events.rights import may_arrange, may_sign_up_for
from service.events.roster import (
    coming_lessons,
    counting_signups,
    give_seat,
    move_up,
    roster_of,
    take_seat_back,
    tell_signup,
)
from service.events.schemas import SignupRequest
from service.events.tables import Event, EventSignup
from service.lessons.desk import Desk
from service.lessons.parties import check_receiver
from service.lessons.schemas import ReceiverRequest
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.rooms.tables import Room
from service.storage.base import new_id
from service.usage.rows import append_row


def sign_room_up(session: Session, person: Person, event_id: str, asked: SignupRequest, desk: Desk) -> EventSignup:
    """Give the room a seat, or put it on the waiting list.

    Raises Conflict `signup_closed`, `already_signed_up`, `event_full`, or `booking_conflict` when there is a seat but
    the room, its teacher or its class is taken in one of the lessons.
    """
    event = locked_event(session, person, event_id)
    room = _room(session, person, event, asked)
    lessons = coming_lessons(session, event, desk.now)
    if event.state == "cancelled":
        raise Conflict("This event was called off.", code="event_cancelled")
    if desk.now >= event.signup_until or not lessons:
        raise Conflict("Sign-up is over.", code="signup_closed")
    signups = counting_signups(session, event)
    if any(one.room_id == room.id for one in signups):
        raise Conflict("This room is signed up already.", code="already_signed_up")
    last = session.scalar(select(func.max(EventSignup.position)).where(EventSignup.event_id == event.id))
    signup = EventSignup(
        id=new_id(),
        event_id=event.id,
        position=0 if last is None else last + 1,
        room_id=room.id,
        class_id=asked.class_id,
        accompanying_teacher_id=asked.accompanying_teacher_id,
        state="waiting",
        signed_up_by=person.user_id,
        signed_up_at=desk.now,
        decided_at=desk.now,
    )
    session.add(signup)
    session.flush()
    _refuse_full(session, event, [*signups, signup])
    if signup.id in roster_of(session, event, [*signups, signup]).seated:
        give_seat(session, signup, lessons, desk)
    append_row(session, desk.now, "event_signed_up", user_id=person.user_id, data=_data(event, signup))
    return signup


def withdraw_signup(session: Session, person: Person, event_id: str, signup_id: str, desk: Desk) -> EventSignup:
    """Take a room off the list, also after sign-up is over; the first who waits and can moves up at once."""
    event = locked_event(session, person, event_id)
    signup = session.get(EventSignup, signup_id)
    if signup is None or signup.event_id != event.id:
        raise NotFound("There is no such sign-up.")
    if not (may_sign_up_for(person, signup.room) or may_arrange(person, event)):
        raise NotFound("There is no such sign-up.")
    if signup.state == "withdrawn":
        return signup
    lessons = coming_lessons(session, event, desk.now)
    if not lessons:
        raise Conflict("This event is over.", code="lesson_over")
    take_seat_back(session, signup, "withdrawn", lessons, person.user_id, desk)
    if not may_sign_up_for(person, signup.room):
        tell_signup(session, event, signup, "signup_removed", desk)
    append_row(session, desk.now, "event_withdrawn", user_id=person.user_id, data=_data(event, signup))
    move_up(session, event, lessons, desk)
    return signup


def _room(session: Session, person: Person, event: Event, asked: SignupRequest) -> Room:
    receiver = ReceiverRequest(
        room_id=asked.room_id, class_id=asked.class_id, accompanying_teacher_id=asked.accompanying_teacher_id
    )
    check_receiver(session, receiver, "")
    room = session.get_one(Room, asked.room_id)
    if not may_sign_up_for(person, room):
        raise NotAllowed("You can sign up rooms of your own school only.")
    if not room.school.path.startswith(event.organisation.path):
        raise InvalidRequest.of_field("room_id", "This school is not invited.", code="not_invited")
    return room


def _refuse_full(session: Session, event: Event, signups: list[EventSignup]) -> None:
    """Ask the rules whether the last of these may still be put on the list."""
    asked = roster_of(session, event, signups)
    others = replace(asked, signed_up=asked.signed_up[:-1])
    limit = max(event.waiting_limit, len(others.waiting))
    try:
        sign_up(replace(others, waiting_limit=limit), signups[-1].id)
    except SignupError:
        raise Conflict("All seats are taken and the waiting list is full.", code="event_full") from None


def _data(event: Event, signup: EventSignup) -> dict[str, str]:
    return {"event_id": event.id, "signup_id": signup.id, "room_id": signup.room_id}
