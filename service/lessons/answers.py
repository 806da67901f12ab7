"""The receivers of a lesson: asked, replaced, withdrawn, and the answers of their schools."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.events.tables import EventLesson
from service.lessons.booking import new_receiver
from service.lessons.claims import lock_lesson, release_receiver, take_claims
from service.lessons.desk import Desk
from service.lessons.finding import find_lesson
from service.lessons.parties import check_receiver
from service.lessons.rights import may_answer, may_change
from service.lessons.schemas import MOST_RECEIVERS, ReplaceReceiverRequest
from service.lessons.tables import Lesson, Receiver
from service.notices.writing import lesson_data, tell
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.rooms.tables import Room
from service.usage.rows import append_row


def add_receiver(session: Session, person: Person, lesson_id: str, asked: ReplaceReceiverRequest, desk: Desk) -> Lesson:
    """Ask another room, in place of `replaces` if given; its claims are taken in the same transaction."""
    lesson = _arrangeable(session, person, lesson_id)
    _refuse_of_event(session, lesson)
    check_receiver(session, asked, "")
    if asked.replaces is not None:
        _withdraw(session, _receiver(lesson, asked.replaces), person, desk.now)
    counting = [receiver for receiver in lesson.receivers if receiver.counts]
    if any(receiver.room_id == asked.room_id for receiver in counting):
        raise Conflict("This room already takes part in the lesson.", code="already_receiving")
    if len(counting) >= MOST_RECEIVERS:
        raise InvalidRequest.of_field("room_id", f"A lesson has at most {MOST_RECEIVERS} receiving rooms.")
    lesson.receivers.append(new_receiver(lesson, asked, desk))
    lesson.version += 1
    session.flush()
    take_claims(session, lesson, desk)
    _tell_asked(session, lesson, asked, person, desk.now)
    append_row(
        session, desk.now, "receiver_asked", lesson_id=lesson.id, user_id=person.user_id, data=asked.model_dump()
    )
    return lesson


def withdraw_receiver(session: Session, person: Person, lesson_id: str, receiver_id: str, desk: Desk) -> Lesson:
    """Take a receiver out of the lesson; what it claimed is free at once."""
    lesson = _arrangeable(session, person, lesson_id)
    _refuse_of_event(session, lesson)
    receiver = _receiver(lesson, receiver_id)
    held = receiver.counts
    _withdraw(session, receiver, person, desk.now)
    lesson.version += 1
    if held:
        release_receiver(session, receiver)
    return lesson


def accept(session: Session, person: Person, lesson_id: str, receiver_id: str, desk: Desk) -> Lesson:
    """Say yes for the receiving school. A school that declined before may change its mind if all is still free."""
    lesson, receiver = _answerable(session, person, lesson_id, receiver_id)
    if receiver.state == "accepted":
        return lesson
    _decide(session, receiver, "accepted", "", person, desk.now)
    session.flush()
    take_claims(session, lesson, desk)
    return lesson


def decline(session: Session, person: Person, lesson_id: str, receiver_id: str, note: str, desk: Desk) -> Lesson:
    """Say no for the receiving school; its room, teacher and class are free at once."""
    lesson, receiver = _answerable(session, person, lesson_id, receiver_id)
    if receiver.state == "declined" and not receiver.has_expired:
        return lesson
    _refuse_of_event(session, lesson)
    held = receiver.counts
    _decide(session, receiver, "declined", note, person, desk.now)
    if held:
        release_receiver(session, receiver)
    return lesson


def _tell_asked(session: Session, lesson: Lesson, asked: ReplaceReceiverRequest, person: Person, now: datetime) -> None:
    teachers = {asked.accompanying_teacher_id} - {None, person.user_id}
    schools = {session.get_one(Room, asked.room_id).organisation_id}
    users = {one for one in teachers if one}
    tell(session, now, "lesson_asked", lesson_data(lesson), users=users, schools=schools, lesson_id=lesson.id)


def _decide(session: Session, receiver: Receiver, state: str, note: str, person: Person, now: datetime) -> None:
    receiver.state, receiver.note = state, note
    receiver.decided_at, receiver.decided_by = now, person.user_id
    receiver.lesson.version += 1
    append_row(
        session,
        now,
        f"receiver_{state}",
        lesson_id=receiver.lesson_id,
        party_id=f"room:{receiver.room_id}",
        user_id=person.user_id,
        data={"receiver_id": receiver.id, "note": note},
    )
    _tell(session, receiver, state, note, person, now)


def _tell(session: Session, receiver: Receiver, state: str, note: str, person: Person, now: datetime) -> None:
    """The lead teacher hears an answer; a school that is no longer asked hears that."""
    lesson = receiver.lesson
    room = session.get_one(Room, receiver.room_id)
    said = lesson_data(lesson) | {"room": room.name, "receiving_school": room.school.name, "note": note}
    users, schools = {lesson.lead_teacher_id}, set[str]()
    if state == "withdrawn":
        users, schools = {receiver.accompanying_teacher_id or ""} - {""}, {room.organisation_id}
    users.discard(person.user_id)
    tell(session, now, f"receiver_{state}", said, users=users, schools=schools, lesson_id=lesson.id)


def _withdraw(session: Session, receiver: Receiver, person: Person, now: datetime) -> None:
    if not receiver.counts:
        return
    _decide(session, receiver, "withdrawn", "", person, now)


def _refuse_of_event(session: Session, lesson: Lesson) -> None:
    """Rooms come to an event's lessons by its list; one seat given away here would be missing there."""
    if session.get(EventLesson, lesson.id) is not None:
        raise Conflict("Rooms sign up for this event; change its list instead.", code="has_signups")


def _receiver(lesson: Lesson, receiver_id: str) -> Receiver:
    for receiver in lesson.receivers:
        if receiver.id == receiver_id:
            return receiver
    raise NotFound("This lesson has no such receiver.")


def _arrangeable(session: Session, person: Person, lesson_id: str) -> Lesson:
    lock_lesson(session, lesson_id)
    lesson = find_lesson(session, person, lesson_id)
    if not may_change(person, lesson):
        raise NotAllowed("Only the lead teacher or an administrator of the lead school chooses the receiving rooms.")
    if lesson.state not in ("booked", "live"):
        raise Conflict("This lesson is over.", code="lesson_over")
    return lesson


def _answerable(session: Session, person: Person, lesson_id: str, receiver_id: str) -> tuple[Lesson, Receiver]:
    lock_lesson(session, lesson_id)
    lesson = find_lesson(session, person, lesson_id)
    receiver = _receiver(lesson, receiver_id)
    if not may_answer(person, receiver):
        raise NotAllowed("Only the receiving school or the accompanying teacher answers this.")
    if lesson.state not in ("booked", "live"):
        raise Conflict("This lesson is over.", code="lesson_over")
    if receiver.state == "withdrawn":
        raise Conflict("This room is no longer asked for.", code="withdrawn")
    return lesson, receiver
