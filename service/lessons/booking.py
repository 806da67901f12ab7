"""Booking, moving and cancelling lessons: each call is one transaction that takes every claim or none.

The caller gives a unit of work; whatever is raised leaves nothing behind.
"""

import hashlib
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from scheduler.errors import TimetableError
from scheduler.timetable import Bells, parse_period, slot
from service.accounts.principal import Person
from service.lessons.claim_store import lock_key
from service.lessons.claims import lock_lesson, release_claims, take_claims
from service.lessons.desk import Desk
from service.lessons.finding import find_lesson
from service.lessons.parties import check_class, check_receiver, find_lead_room, find_lead_teacher
from service.lessons.rights import may_change
from service.lessons.schemas import LessonChange, LessonRequest, ReceiverRequest, WhenRequest
from service.lessons.tables import IdempotencyKey, Lesson, Receiver
from service.lessons.times import fault_of_times
from service.notices.writing import tell_receiving
from service.organisation.bells import effective_bells
from service.organisation.curriculum import GRADES, SUBJECTS
from service.organisation.tables import Organisation
from service.problems import Conflict, InvalidRequest, NotAllowed
from service.storage.base import new_id
from service.usage.rows import append_row


def book_lesson(session: Session, person: Person, request: LessonRequest, desk: Desk, key: str | None) -> Lesson:
    """Book a lesson and claim all it needs; with an idempotency `key` already answered, give that lesson again."""
    if not person.may("lessons.book"):
        raise NotAllowed
    request_hash = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
    if key is not None:
        lock_key(session, f"idempotency:{person.user_id}:{key}")
    answered = _already_answered(session, person, key, request_hash)
    if answered is not None:
        return answered
    lesson = new_lesson(session, person, request, desk)
    session.add(lesson)
    session.flush()
    take_claims(session, lesson, desk)
    if key is not None:
        session.add(
            IdempotencyKey(
                user_id=person.user_id, key=key, request_hash=request_hash, lesson_id=lesson.id, created_at=desk.now
            )
        )
    append_row(session, desk.now, "lesson_booked", lesson_id=lesson.id, user_id=person.user_id)
    session.flush()
    session.refresh(lesson)
    tell_receiving(session, lesson, "lesson_asked", desk.now, person.user_id)
    return lesson


def change_lesson(session: Session, person: Person, lesson_id: str, change: LessonChange, desk: Desk) -> Lesson:
    """Move or edit a booked lesson. A move asks every receiving school again: its answer was for the old time."""
    lesson = changeable_lesson(session, person, lesson_id)
    refuse_stale(lesson, change.version)
    if lesson.state != "booked":
        raise Conflict("Only a lesson that has not begun can be changed.", code="lesson_begun")
    change_words(lesson, change)
    if "lead_room_id" in change.model_fields_set:
        room = find_lead_room(session, person, lesson.lead_teacher, change.lead_room_id)
        lesson.lead_room_id = room.id if room else None
        lesson.lead_school_id = room.organisation_id if room else lesson.lead_teacher.organisation_id
        session.flush()
        session.refresh(lesson, ["lead_room", "lead_school"])
    if {"class_id", "lead_room_id"} & change.model_fields_set:
        lesson.class_id = change.class_id if "class_id" in change.model_fields_set else lesson.class_id
        check_class(session, lesson.class_id, lesson.lead_school, "class_id")
    before = lesson.starts_at
    if change.says_when:
        move_lesson(lesson, *times_of(session, change, lesson.lead_school, desk), desk)
    lesson.version += 1
    session.flush()
    take_claims(session, lesson, desk)
    append_row(session, desk.now, "lesson_changed", lesson_id=lesson.id, user_id=person.user_id)
    session.flush()
    session.refresh(lesson)
    if lesson.starts_at != before:
        tell_receiving(session, lesson, "lesson_moved", desk.now, person.user_id, before=before.isoformat())
    return lesson


def cancel_lesson(session: Session, person: Person, lesson_id: str, reason: str, desk: Desk) -> Lesson:
    """Call a booked lesson off and let go of everything it claimed; cancelling again changes nothing."""
    lesson = changeable_lesson(session, person, lesson_id)
    if lesson.state == "cancelled":
        return lesson
    if lesson.state != "booked":
        raise Conflict("A lesson that has begun is ended, not cancelled.", code="lesson_begun")
    tell_receiving(session, lesson, "lesson_cancelled", desk.now, person.user_id, reason=reason)
    lesson.state = "cancelled"
    lesson.cancel_reason = reason
    lesson.version += 1
    release_claims(session, lesson)
    append_row(session, desk.now, "lesson_cancelled", lesson_id=lesson.id, user_id=person.user_id)
    return lesson


def new_receiver(lesson: Lesson, asked: ReceiverRequest, desk: Desk) -> Receiver:
    """Make a receiver whose school has not answered yet, after those the lesson has."""
    return Receiver(
        id=new_id(),
        position=max((receiver.position for receiver in lesson.receivers), default=-1) + 1,
        room_id=asked.room_id,
        accompanying_teacher_id=asked.accompanying_teacher_id,
        class_id=asked.class_id,
        state="pending",
        note="",
        answer_by=desk.answer_by(),
    )


def forget_old_keys(session: Session, before: datetime) -> None:
    """Drop idempotency keys nobody will send again."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < before))


def _already_answered(session: Session, person: Person, key: str | None, request_hash: str) -> Lesson | None:
    known = session.get(IdempotencyKey, (person.user_id, key)) if key is not None else None
    if known is None:
        return None
    if known.request_hash != request_hash:
        raise Conflict("This Idempotency-Key was used for another booking.", code="idempotency_key_reused")
    return session.get_one(Lesson, known.lesson_id)


def new_lesson(
    session: Session,
    person: Person,
    request: LessonRequest,
    desk: Desk,
    at: tuple[datetime, datetime] | None = None,
) -> Lesson:
    """A lesson as requested, not yet in any session; at another time than the request says if `at` is given."""
    _check_codes(request.subject, request.grade)
    teacher = find_lead_teacher(session, person, request.lead_teacher_id)
    room = find_lead_room(session, person, teacher, request.lead_room_id)
    school = room.school if room else teacher.organisation
    check_class(session, request.class_id, school, "class_id")
    if request.kind == "synchronous" and not request.receivers:
        raise InvalidRequest.of_field("receivers", "A synchronous lesson needs at least one receiving room.")
    for index, asked in enumerate(request.receivers):
        check_receiver(session, asked, f"receivers.{index}.")
    starts_at, ends_at = at or times_of(session, request, school, desk)
    lesson = Lesson(
        id=new_id(),
        kind=request.kind,
        title=request.title,
        subject=request.subject,
        grade=request.grade,
        class_id=request.class_id,
        starts_at=starts_at,
        ends_at=ends_at,
        state="booked",
        lead_school_id=school.id,
        lead_room_id=room.id if room else None,
        lead_teacher_id=teacher.id,
        recorded=request.recorded,
        version=1,
        booked_by=person.user_id,
        created_at=desk.now,
    )
    rooms = [asked.room_id for asked in request.receivers]
    if len(set(rooms)) != len(rooms):
        raise InvalidRequest.of_field("receivers", "The same room is named twice.", code="named_twice")
    for asked in request.receivers:
        lesson.receivers.append(new_receiver(lesson, asked, desk))
    return lesson


def times_of(session: Session, when: WhenRequest, school: Organisation, desk: Desk) -> tuple[datetime, datetime]:
    """Start and end, by the school's bells if a period is meant. Raises InvalidRequest for times that cannot be."""
    if when.starts_at is not None and when.ends_at is not None:
        starts_at, ends_at = when.starts_at, when.ends_at
    elif when.date is not None and when.period is not None:
        periods = effective_bells(session, school, when.date).periods
        try:
            bells = Bells.of(parse_period(period.number, period.starts, period.ends) for period in periods)
            chosen = slot(bells, when.period, when.date, desk.zone)
        except TimetableError as error:
            raise InvalidRequest.of_field("period", str(error)) from error
        starts_at, ends_at = chosen.starts_at, chosen.ends_at
    else:
        raise InvalidRequest("A lesson needs a time.")
    fault = fault_of_times(starts_at, ends_at, desk.now)
    if fault is not None:
        raise InvalidRequest.of_field(fault.field, fault.message)
    return starts_at, ends_at


def _check_codes(subject: str | None, grade: str | None) -> None:
    if subject is not None and subject not in SUBJECTS:
        raise InvalidRequest.of_field("subject", "There is no such subject.")
    if grade is not None and grade not in GRADES:
        raise InvalidRequest.of_field("grade", "There is no such grade.")


def changeable_lesson(session: Session, person: Person, lesson_id: str) -> Lesson:
    """The lesson, locked, if the person may change it. Raises NotFound or NotAllowed."""
    lock_lesson(session, lesson_id)
    lesson = find_lesson(session, person, lesson_id)
    if not may_change(person, lesson):
        raise NotAllowed("Only the lead teacher or an administrator of the lead school can change this lesson.")
    return lesson


def refuse_stale(lesson: Lesson, version: int) -> None:
    """Raise Conflict `stale` unless the lesson is still as it was at `version`."""
    if lesson.version != version:
        raise Conflict("Somebody changed this lesson meanwhile; look at it again.", code="stale")


def change_words(lesson: Lesson, change: LessonChange) -> None:
    """Change title, subject, grade and whether it is recorded, as far as they are given."""
    _check_codes(change.subject, change.grade)
    lesson.title = change.title or lesson.title
    lesson.subject = change.subject or lesson.subject
    lesson.grade = change.grade or lesson.grade
    lesson.recorded = lesson.recorded if change.recorded is None else change.recorded


def move_lesson(lesson: Lesson, starts_at: datetime, ends_at: datetime, desk: Desk) -> None:
    """Give the lesson another time; every receiving school is asked again."""
    if (starts_at, ends_at) == (lesson.starts_at, lesson.ends_at):
        return
    lesson.starts_at, lesson.ends_at = starts_at, ends_at
    for receiver in lesson.receivers:
        if receiver.state == "accepted":
            receiver.state, receiver.decided_at, receiver.decided_by = "pending", None, None
        if receiver.state == "pending":
            receiver.answer_by = desk.answer_by()
