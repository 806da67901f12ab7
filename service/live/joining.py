"""The right to join a lesson: who asks, in which role, and whether the lesson is open. Blocks on the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session, lazyload, selectinload

from media.contract import Party, SchoolLine
from service.accounts.principal import Principal, RoomDevice
from service.lessons.finding import find_lesson
from service.lessons.rights import role_in_lesson
from service.lessons.tables import Lesson
from service.lessons.times import is_open_for_joining
from service.organisation.tables import Organisation
from service.planning.tables import SchoolCapacity
from service.problems import NotFound
from service.rooms.tables import Room

ROOMS_ONLY = (lazyload("*"), selectinload(Lesson.receivers).lazyload("*"))
"""Loads a lesson with its receivers and nothing of either."""


class JoinRefusedError(Exception):
    """The join cannot be granted; `code` and the text go to the client as an `error` message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Admission:
    """A granted join: the party for the relay, and what the client's welcome says of the lesson."""

    party: Party
    lesson: dict[str, Any]
    school_line: SchoolLine | None = None


def admit(session: Session, principal: Principal, lesson_id: str, now: datetime) -> Admission:
    """Grant or refuse. Raises JoinRefusedError with one of not_found, not_allowed, too_early, lesson_over."""
    of_room = isinstance(principal, RoomDevice) and lesson_id.isalnum()
    # What is held here is not loaded again: a room's right needs no more of the lesson.
    _held = session.get(Lesson, lesson_id, options=ROOMS_ONLY) if of_room else None
    try:
        lesson = find_lesson(session, principal, lesson_id)
    except NotFound:
        raise JoinRefusedError("not_found", "There is no such lesson.") from None
    role = role_in_lesson(principal, lesson)
    if role is None:
        raise JoinRefusedError("not_allowed", "You do not take part in this lesson.")
    if lesson.state in ("ended", "cancelled"):
        raise JoinRefusedError("lesson_over", "This lesson is over.")
    if not is_open_for_joining(lesson.state, lesson.starts_at, now):
        raise JoinRefusedError("too_early", "This lesson opens 15 minutes before its start.")
    party = (
        _room_party(session, principal, lesson, role)
        if isinstance(principal, RoomDevice)
        else Party(
            party_id=f"user:{principal.user_id}",
            role=role,
            name=principal.display_name,
            user_id=principal.user_id,
            school=session.get_one(Organisation, principal.organisation_id).name,
            recorded=_consents(_room_of_person(lesson, principal.user_id)),
        )
    )
    return Admission(party, lesson_words(lesson), school_line_of(session, principal))


def lesson_words(lesson: Lesson) -> dict[str, Any]:
    """Give the lesson as the welcome message shows it."""
    return {
        "id": lesson.id,
        "title": lesson.title,
        "kind": lesson.kind,
        "subject": lesson.subject,
        "starts_at": _iso(lesson.starts_at),
        "ends_at": _iso(lesson.ends_at),
        "state": lesson.state,
    }


def _room_party(session: Session, device: RoomDevice, lesson: Lesson, role: Any) -> Party:
    return Party(
        party_id=f"room:{device.room_id}",
        role=role,
        name=device.room_name,
        room_id=device.room_id,
        school=device.school_name,
        recorded=_consents(session.get(Room, device.room_id)),
    )


def school_of(principal: Principal) -> str:
    """Give the organisation a room or person belongs to."""
    return principal.school_id if isinstance(principal, RoomDevice) else principal.organisation_id


def school_line_of(session: Session, principal: Principal) -> SchoolLine | None:
    """Give the line the school declared, the same that bookings claim; None when it declared none."""
    organisation_id = school_of(principal)
    declared = session.get(SchoolCapacity, organisation_id)
    if declared is None:
        return None
    return SchoolLine(school_id=organisation_id, down_kbps=declared.down_kbps, up_kbps=declared.up_kbps)


def _room_of_person(lesson: Lesson, user_id: str) -> Room | None:
    """Find the room a teacher stands in: what their camera sees is what that room consented to or refused."""
    if lesson.lead_teacher_id == user_id:
        return lesson.lead_room
    return next((r.room for r in lesson.receivers if r.accompanying_teacher_id == user_id and r.counts), None)


def _consents(room: Room | None) -> bool:
    return room is None or room.recording_consent != "refused"


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
