"""Rooms: found and listed within a subtree, added to schools, changed."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids, in_subtree
from service.problems import Conflict, InvalidRequest, NotFound
from service.rooms.tables import Room
from service.storage.base import new_id


def find_room_in_subtree(session: Session, path: str, room_id: str) -> Room:
    """A room of a school at or below `path`. Raises NotFound for any other, as if it did not exist."""
    room = session.get(Room, room_id)
    if room is None or not room.school.path.startswith(path):
        raise NotFound("There is no such room here.")
    return room


def list_rooms(
    session: Session, path: str, *, search: str | None, limit: int, offset: int
) -> tuple[Sequence[Room], int]:
    """Rooms of schools at or below `path` whose name or school contains `search`; and how many there are in all."""
    statement = select(Room).join(Organisation, Room.organisation_id == Organisation.id).where(in_subtree(path))
    if search:
        named = Room.name.icontains(search, autoescape=True) | Organisation.name.icontains(search, autoescape=True)
        statement = statement.where(named)
    total = session.scalar(select(func.count()).select_from(statement.with_only_columns(Room.id).subquery())) or 0
    page = statement.order_by(Organisation.path, Room.name).limit(limit).offset(offset)
    return session.scalars(page).all(), total


def add_room(session: Session, school: Organisation, name: str, can_lead: bool, now: datetime) -> Room:
    """A new room. Raises InvalidRequest outside a school, Conflict for a name the school has already."""
    if school.kind != "school":
        raise InvalidRequest.of_field("organisation_id", "a room belongs to a school", code="not_a_school")
    _require_free_name(session, school.id, name)
    room = Room(id=new_id(), school=school, name=name, can_lead=can_lead, recording_consent="unknown", created_at=now)
    session.add(room)
    session.flush()
    return room


def change_room(
    session: Session, room: Room, *, name: str | None, can_lead: bool | None, recording_consent: str | None
) -> None:
    """Change what is not None. Raises Conflict for a name the school has already."""
    if name is not None and name != room.name:
        _require_free_name(session, room.organisation_id, name)
        room.name = name
    if can_lead is not None:
        room.can_lead = can_lead
    if recording_consent is not None:
        room.recording_consent = recording_consent
    session.flush()


def county_names(session: Session, schools: Iterable[Organisation]) -> dict[str, str]:
    """The name of the county each school lies in, by school id; "" where there is none."""
    above = {school.id: ancestor_ids(school.path) for school in schools}
    wanted = {identity for ids in above.values() for identity in ids}
    statement = select(Organisation.id, Organisation.name).where(
        Organisation.id.in_(wanted), Organisation.kind == "county"
    )
    names = {row.id: row.name for row in session.execute(statement)}
    return {school: next((names[i] for i in ids if i in names), "") for school, ids in above.items()}


def _require_free_name(session: Session, school_id: str, name: str) -> None:
    if session.scalar(select(Room.id).where(Room.organisation_id == school_id, Room.name == name)) is not None:
        raise Conflict("The school has a room of this name already.", code="name_taken")
