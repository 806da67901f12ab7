"""Who attends a lesson, as the attendance rows name them: room or person, school and county at the time of joining.

All who came within a moment are looked up together: when the bell rings, that is hundreds within a minute.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from media.contract import PartyJoined
from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids
from service.rooms.tables import Room
from service.storage.many import one_of
from service.usage.tables import AttendanceRow


@dataclass(frozen=True)
class _Attendant:
    """A room or a person, and where it belongs."""

    name: str
    organisation_id: str
    organisation_path: str
    school: str


def new_rows(session: Session, joined: Sequence[PartyJoined]) -> dict[tuple[str, str], AttendanceRow]:
    """Make a row without figures for each who joined, by lesson and party; none where either is unknown."""
    if not joined:
        return {}
    lessons = _known_lessons(session, {event.lesson_id for event in joined})
    attendants = _attendants(session, {event.party_id for event in joined})
    counties = _counties(session, {one.organisation_path for one in attendants.values()})
    return {
        (event.lesson_id, event.party_id): AttendanceRow(
            lesson_id=event.lesson_id,
            party_id=event.party_id,
            party_role=event.role,
            organisation_id=who.organisation_id,
            organisation_path=who.organisation_path,
            county=counties.get(who.organisation_path, ""),
            school=who.school,
            room_or_person=who.name,
        )
        for event in joined
        if event.lesson_id in lessons and (who := attendants.get(event.party_id)) is not None
    }


def _known_lessons(session: Session, lesson_ids: Collection[str]) -> set[str]:
    return set(session.scalars(select(Lesson.id).where(_is_one_of(session, Lesson.id, lesson_ids))))


def _attendants(session: Session, party_ids: Collection[str]) -> dict[str, _Attendant]:
    """By party: `room:<room_id>`, or of whatever other kind `<kind>:<user_id>`."""
    identities = [party_id.partition(":") for party_id in party_ids]
    rooms = [identity for kind, _, identity in identities if kind == "room"]
    users = {identity: kind for kind, _, identity in identities if kind != "room"}
    school = (Organisation.id, Organisation.path, Organisation.name)
    found: dict[str, _Attendant] = {}
    if rooms:
        chosen = select(Room.id, Room.name, *school).join(Organisation, Organisation.id == Room.organisation_id)
        for identity, *facts in session.execute(chosen.where(_is_one_of(session, Room.id, rooms))):
            found[f"room:{identity}"] = _Attendant(*facts)
    if users:
        chosen = select(User.id, User.display_name, *school).join(Organisation, Organisation.id == User.organisation_id)
        for identity, *facts in session.execute(chosen.where(_is_one_of(session, User.id, users))):
            found[f"{users[identity]}:{identity}"] = _Attendant(*facts)
    return found


def _counties(session: Session, paths: Collection[str]) -> dict[str, str]:
    """The names of the counties in which organisations lie, by their paths."""
    above = {path: ancestor_ids(path) for path in paths}
    wanted = {identity for ids in above.values() for identity in ids}
    if not wanted:
        return {}
    chosen = select(Organisation.id, Organisation.name).where(
        _is_one_of(session, Organisation.id, wanted), Organisation.kind == "county"
    )
    names = {row.id: row.name for row in session.execute(chosen)}
    return {path: next((names[one] for one in ids if one in names), "") for path, ids in above.items()}


def _is_one_of(session: Session, column: object, values: Collection[str]) -> ColumnElement[bool]:
    return one_of(session, cast(ColumnElement[str], column), values)
