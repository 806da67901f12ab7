"""What a lesson claims, and the one step in which all its claims are checked and taken, or none.

The caller holds a unit of work. On SQLite that is BEGIN IMMEDIATE, so no other booking writes between the check and
the insert. On PostgreSQL the resources are locked first, in sorted order, so that racers queue instead of deadlocking.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, delete, or_, select, text
from sqlalchemy.orm import Session

from scheduler.clashes import Claim, Clash, Resource, find_clashes, find_double_claims
from service.accounts.tables import User
from service.lessons.tables import Lesson, LessonClaim, Receiver
from service.organisation.tables import SchoolClass
from service.problems import Conflict, InvalidRequest
from service.rooms.tables import Room


def wanted_claims(lesson: Lesson) -> list[tuple[Claim, Receiver | None]]:
    """List every claim of the lesson with the receiver it is for; pending receivers claim like accepted ones."""
    wanted = [(resource, None) for resource in _lead_resources(lesson)]
    for receiver in lesson.receivers:
        if receiver.counts:
            wanted += [(resource, receiver) for resource in _receiver_resources(receiver)]  # type: ignore[misc]
    return [(Claim(resource, lesson.starts_at, lesson.ends_at, lesson.id), receiver) for resource, receiver in wanted]


def take_claims(session: Session, lesson: Lesson) -> None:
    """Make the claims held by the lesson exactly those it wants now.

    Raises InvalidRequest when the lesson wants one resource twice, Conflict `booking_conflict` when another lesson
    holds one; then nothing is changed.
    """
    wanted = wanted_claims(lesson)
    claims = [claim for claim, _receiver in wanted]
    _refuse_double(session, find_double_claims(claims))
    _lock(session, claims)
    _refuse_clashes(session, find_clashes(claims, _held_by_others(session, lesson, claims)))
    release_claims(session, lesson)
    session.add_all(
        LessonClaim(
            lesson_id=lesson.id,
            receiver_id=receiver.id if receiver else None,
            resource_kind=claim.resource.kind,
            resource_id=claim.resource.id,
            starts_at=claim.starts_at,
            ends_at=claim.ends_at,
        )
        for claim, receiver in wanted
    )
    session.flush()


def release_claims(session: Session, lesson: Lesson) -> None:
    """Let go of everything the lesson holds."""
    session.execute(delete(LessonClaim).where(LessonClaim.lesson_id == lesson.id))


def release_receiver(session: Session, receiver: Receiver) -> None:
    """Let go of what the lesson holds for one receiver."""
    session.execute(delete(LessonClaim).where(LessonClaim.receiver_id == receiver.id))


def release_rest(session: Session, lesson: Lesson, now: datetime) -> None:
    """Let go of the time after `now`: what was used stays claimed, so that history cannot be booked over."""
    for held in session.scalars(select(LessonClaim).where(LessonClaim.lesson_id == lesson.id)):
        if held.starts_at >= now:
            session.delete(held)
        elif held.ends_at > now:
            held.ends_at = now


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


def _held_by_others(session: Session, lesson: Lesson, claims: Iterable[Claim]) -> list[Claim]:
    same_resource = or_(
        *(
            and_(LessonClaim.resource_kind == claim.resource.kind, LessonClaim.resource_id == claim.resource.id)
            for claim in claims
        )
    )
    held = session.scalars(
        select(LessonClaim).where(
            same_resource,
            LessonClaim.lesson_id != lesson.id,
            LessonClaim.starts_at < lesson.ends_at,
            LessonClaim.ends_at > lesson.starts_at,
        )
    )
    return [
        Claim(Resource(row.resource_kind, row.resource_id), row.starts_at, row.ends_at, row.lesson_id)  # type: ignore[arg-type]
        for row in held
    ]


def _lock(session: Session, claims: Iterable[Claim]) -> None:
    if session.get_bind().dialect.name != "postgresql":
        return
    for resource in sorted({claim.resource for claim in claims}):
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:resource, 0))"),
            {"resource": f"{resource.kind}:{resource.id}"},
        )


def _refuse_double(session: Session, doubles: tuple[Clash, ...]) -> None:
    if doubles:
        resource = doubles[0].resource
        raise InvalidRequest(
            f"The same {resource.kind} is named twice in this lesson: {_name(session, resource)}.",
            code="named_twice",
            errors=[{"field": "receivers", "message": f"The same {resource.kind} is named twice."}],
        )


def _refuse_clashes(session: Session, clashes: tuple[Clash, ...]) -> None:
    if not clashes:
        return
    titles: dict[str, str] = {}
    for clash in clashes:
        booked = session.get(Lesson, clash.booked.lesson_id)
        titles[clash.booked.lesson_id] = booked.title if booked else ""
    conflicts = [
        {
            "resource": clash.resource.kind,
            "id": clash.resource.id,
            "name": _name(session, clash.resource),
            "lesson_id": clash.booked.lesson_id,
            "lesson_title": titles[clash.booked.lesson_id],
            "starts_at": _iso(clash.booked.starts_at),
            "ends_at": _iso(clash.booked.ends_at),
        }
        for clash in clashes
    ]
    names = ", ".join(sorted({f"{item['resource']} {item['name']}" for item in conflicts}))
    raise Conflict(f"Already taken at that time: {names}.", code="booking_conflict", conflicts=conflicts)


def _name(session: Session, resource: Resource) -> str:
    match resource.kind:
        case "room":
            room = session.get(Room, resource.id)
            return f"{room.school.name} {room.name}" if room else resource.id
        case "teacher":
            teacher = session.get(User, resource.id)
            return teacher.display_name if teacher else resource.id
        case _:
            school_class = session.get(SchoolClass, resource.id)
            return f"{school_class.school.name} {school_class.name}" if school_class else resource.id


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
