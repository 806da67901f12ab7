"""What a lesson claims, and the one step in which all of it is taken, or none.

The caller holds a unit of work and has locked the lesson (`lock_lesson`). Locks are always taken in the same order:
the lesson, then the resources, then the counters.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.clashes import Claim, Clash, Resource, find_double_claims
from service.lessons.amounts import give_back, give_back_part
from service.lessons.capacity import share_of_receiver, wanted_amounts
from service.lessons.claim_store import Hold, Refused, hold
from service.lessons.desk import Desk
from service.lessons.refusals import name_of, refusal
from service.lessons.tables import Lesson, LessonClaim, Receiver
from service.problems import InvalidRequest


def lock_lesson(session: Session, lesson_id: str) -> None:
    """Wait until nobody else changes the lesson; before it is read. SQLite's writers take turns anyway."""
    if len(lesson_id) == 32:
        session.execute(select(Lesson.id).where(Lesson.id == lesson_id).with_for_update())


def wanted_claims(lesson: Lesson) -> list[tuple[Claim, Receiver | None]]:
    """List every claim of the lesson with the receiver it is for; pending receivers claim like accepted ones."""
    wanted: list[tuple[Resource, Receiver | None]] = [(resource, None) for resource in _lead_resources(lesson)]
    for receiver in lesson.receivers:
        if receiver.counts:
            wanted += [(resource, receiver) for resource in _receiver_resources(receiver)]
    return [(Claim(resource, lesson.starts_at, lesson.ends_at, lesson.id), receiver) for resource, receiver in wanted]


def take_claims(session: Session, lesson: Lesson, desk: Desk) -> None:
    """Make what the lesson holds exactly what it wants now.

    Raises InvalidRequest when the lesson wants one resource twice; Conflict `booking_conflict`, with the nearest free
    periods, when another lesson holds one or too little is left of something counted. Then nothing is changed.
    """
    take_all_claims(session, [lesson], desk)


def take_all_claims(session: Session, lessons: Sequence[Lesson], desk: Desk) -> None:
    """Do the same for many lessons, such as a weekly series, in one step; the free periods are those of the first."""
    holds = [hold_of(session, lesson, desk) for lesson in lessons]
    _refuse_double(session, find_double_claims(claim for one in holds for claim, _receiver in one.claims))
    try:
        hold(session, holds)
    except Refused as refused:
        raise refusal(session, lessons[0], holds[0], refused, desk) from refused


def hold_of(session: Session, lesson: Lesson, desk: Desk) -> Hold:
    """Say all that the lesson is to hold."""
    claims = tuple((claim, receiver.id if receiver else None) for claim, receiver in wanted_claims(lesson))
    return Hold(lesson.id, claims, wanted_amounts(session, lesson, desk.limits))


def release_claims(session: Session, lesson: Lesson) -> None:
    """Let go of everything the lesson holds."""
    session.execute(delete(LessonClaim).where(LessonClaim.lesson_id == lesson.id))
    give_back(session, [lesson.id])


def release_receiver(session: Session, receiver: Receiver) -> None:
    """Let go of what the lesson holds for a receiver that counts no longer; nothing can stand in the way of that."""
    session.flush()
    session.execute(delete(LessonClaim).where(LessonClaim.receiver_id == receiver.id))
    give_back_part(session, receiver.lesson_id, share_of_receiver(receiver))


def release_rest(session: Session, lesson: Lesson, now: datetime) -> None:
    """Let go of the time after `now`: what was used stays claimed, so that history cannot be booked over."""
    for held in session.scalars(select(LessonClaim).where(LessonClaim.lesson_id == lesson.id)):
        if held.starts_at >= now:
            session.delete(held)
        elif held.ends_at > now:
            held.ends_at = now
    give_back(session, [lesson.id], after=now)


def _lead_resources(lesson: Lesson) -> list[Resource]:
    resources = [Resource("teacher", lesson.lead_teacher_id)]
    if lesson.lead_room_id is not None:
        resources.append(Resource("room", lesson.lead_room_id))
    if lesson.class_id is not None:
        resources.append(Resource("class", lesson.class_id))
    return resources


def _receiver_resources(receiver: Receiver) -> list[Resource]:
    resources = [Resource("room", receiver.room_id)]
    if receiver.accompanying_teacher_id is not None:
        resources.append(Resource("teacher", receiver.accompanying_teacher_id))
    if receiver.class_id is not None:
        resources.append(Resource("class", receiver.class_id))
    return resources


def _refuse_double(session: Session, doubles: tuple[Clash, ...]) -> None:
    if doubles:
        resource = doubles[0].resource
        raise InvalidRequest(
            f"The same {resource.kind} is named twice at one time: {name_of(session, resource)}.",
            code="named_twice",
            errors=[{"field": "receivers", "message": f"The same {resource.kind} is named twice."}],
        )
