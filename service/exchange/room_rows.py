"""Rows of the table of rooms: found by school and name."""

from service.exchange.faults import FaultCode
from service.exchange.names import AmbiguousName
from service.exchange.references import school_of
from service.exchange.register import Register
from service.exchange.rows import Edits, Row
from service.rooms.tables import Room
from service.storage.base import new_id


def read_room(row: Row, register: Register) -> None:
    """Create or update the room of a row."""
    school = school_of(row, register)
    if school is None or row.has_failed():
        return
    try:
        room = register.rooms.find(school.id, row.written("name"))
    except AmbiguousName:
        row.fault(FaultCode.NAME_AMBIGUOUS, "name")
        return
    if room is None:
        room = Room(
            id=new_id(),
            organisation_id=school.id,
            school=school,
            name=row.get("name"),
            can_lead=bool(row.get("can_lead")),
            recording_consent=row.get("recording_consent") or "unknown",
            created_at=register.now,
        )
        row.claim(room.id)
        register.rooms.add(school.id, room.name, room)
        register.add(room)
        label = f"{school.name} {room.name}"
        row.created(label, can_lead=room.can_lead, recording_consent=row.get("recording_consent"))
        return
    if not row.claim(room.id):
        return
    edits = Edits()
    edits.set(room, "can_lead", row.get("can_lead"), "can_lead")
    edits.set(room, "recording_consent", row.get("recording_consent"), "recording_consent")
    row.edited(f"{school.name} {room.name}", edits)
