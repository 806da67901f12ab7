"""Says why a booking is refused: what is in the way by name, and the nearest periods in which all of it is free."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from scheduler.clashes import Clash, Resource
from service.accounts.tables import User
from service.lessons.amounts import Shortage
from service.lessons.claim_store import Hold, Refused
from service.lessons.desk import Desk
from service.lessons.free_slots import free_slots
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation, SchoolClass
from service.problems import Conflict
from service.rooms.tables import Room


def refusal(session: Session, lesson: Lesson, wanted: Hold, refused: Refused, desk: Desk) -> Conflict:
    """The problem to raise; `conflicts` and `free` have the forms of `BookingConflict` and `FreePeriod`."""
    conflicts = [_of_clash(session, clash) for clash in refused.clashes]
    conflicts += [_of_shortage(session, shortage) for shortage in refused.shortages]
    names = ", ".join(
        sorted({f"{_WORDS.get(item['resource'], item['resource'])} {item['name']}" for item in conflicts})
    )
    free = [
        {
            "date": slot.on.isoformat(),
            "period": slot.number,
            "starts_at": _iso(slot.starts_at),
            "ends_at": _iso(slot.ends_at),
        }
        for slot in free_slots(session, lesson, wanted, desk)
    ]
    detail = f"Already taken at that time: {names}."
    return Conflict(detail, code="booking_conflict", conflicts=conflicts, extra={"free": free})


def name_of(session: Session, resource: Resource) -> str:
    """How people call the resource; its id if it is gone."""
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


_WORDS = {"kit": "receiving equipment of", "link_up": "upstream link of", "link_down": "downstream link of"}


def _of_clash(session: Session, clash: Clash) -> dict[str, Any]:
    booked = session.get(Lesson, clash.booked.lesson_id)
    return {
        "resource": clash.resource.kind,
        "id": clash.resource.id,
        "name": name_of(session, clash.resource),
        "lesson_id": clash.booked.lesson_id,
        "lesson_title": booked.title if booked else "",
        "starts_at": _iso(clash.booked.starts_at),
        "ends_at": _iso(clash.booked.ends_at),
    }


def _of_shortage(session: Session, shortage: Shortage) -> dict[str, Any]:
    school = session.get(Organisation, shortage.counted.id)
    return {
        "resource": shortage.counted.kind,
        "id": shortage.counted.id,
        "name": school.name if school else shortage.counted.id,
        "lesson_id": None,
        "lesson_title": "",
        "starts_at": _iso(shortage.starts_at),
        "ends_at": _iso(shortage.ends_at),
        "free": shortage.free,
        "cap": shortage.cap,
    }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
