"""Rooms and the pairing of their devices, as administrators keep them and those who book look them up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from service.accounts.principal import Principal
from service.api.dependencies import AdministratorDependency, PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset, RequestBody, SearchText, Text60
from service.audit.acts import made
from service.organisation.tree import find_organisation_in_subtree, whole_tree
from service.problems import NotAllowed
from service.rooms.devices import devices_of_rooms, is_connected
from service.rooms.pairing import confirm_pairing, revoke_device
from service.rooms.rooms import add_room, change_room, county_names, find_room_in_subtree, list_rooms
from service.rooms.tables import Device, Room
from service.security.rate_limits import PAIRING_CONFIRM

router = APIRouter(tags=["rooms"])

Consent = Literal["granted", "refused", "unknown"]


class RoomSchool(BaseModel):
    """The school a room belongs to, with the name of its county."""

    id: str
    name: str
    county: str


class DeviceAnswer(BaseModel):
    """The device paired with a room."""

    paired_at: datetime
    last_seen_at: datetime | None
    connected: bool


class RoomAnswer(BaseModel):
    """A classroom; `device` is null as well for rooms outside the asker's subtree."""

    id: str
    name: str
    school: RoomSchool
    can_lead: bool
    recording_consent: Consent
    device: DeviceAnswer | None


class Rooms(BaseModel):
    """A page of rooms."""

    items: list[RoomAnswer]
    total: int


@router.get("/rooms")
def list_classrooms(
    person: PersonDependency,
    parts: PartsDependency,
    organisation_id: Identity | None = None,
    bookable: Annotated[bool, Query(description="All rooms of the deployment, for those who book.")] = False,
    q: SearchText = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Rooms:
    """Rooms of one's own subtree, or of everywhere for a booking."""
    if bookable and not person.may("lessons.book"):
        raise NotAllowed
    reach = path = whole_tree() if bookable else person.organisation_path
    with parts.database.reading() as session:
        if organisation_id is not None:
            path = find_organisation_in_subtree(session, reach, organisation_id).path
        rooms, total = list_rooms(session, path, search=q, limit=limit, offset=offset)
        return Rooms(items=room_answers(session, rooms, person, parts.clock.now()), total=total)


class NewRoom(RequestBody):
    """A room to add to a school."""

    organisation_id: Identity
    name: Text60
    can_lead: bool = False


@router.post("/rooms", status_code=status.HTTP_201_CREATED)
def create_room(body: NewRoom, person: AdministratorDependency, parts: PartsDependency) -> RoomAnswer:
    """Add a room to a school of one's own subtree."""
    with parts.database.unit_of_work() as session:
        school = find_organisation_in_subtree(session, person.organisation_path, body.organisation_id)
        room = add_room(session, school, body.name, body.can_lead, parts.clock.now())
        made(room_id=room.id)
        return room_answers(session, [room], person, parts.clock.now())[0]


@router.get("/rooms/{room_id}")
def read_room(room_id: str, person: PersonDependency, parts: PartsDependency) -> RoomAnswer:
    """One room of one's own subtree."""
    with parts.database.reading() as session:
        room = find_room_in_subtree(session, person.organisation_path, room_id)
        return room_answers(session, [room], person, parts.clock.now())[0]


class RoomChange(RequestBody):
    """What is left out stays."""

    name: Text60 | None = None
    can_lead: bool | None = None
    recording_consent: Consent | None = None


@router.patch("/rooms/{room_id}")
def change_classroom(
    room_id: str, body: RoomChange, person: AdministratorDependency, parts: PartsDependency
) -> RoomAnswer:
    """Change a room of one's own subtree."""
    with parts.database.unit_of_work() as session:
        room = find_room_in_subtree(session, person.organisation_path, room_id)
        change_room(session, room, name=body.name, can_lead=body.can_lead, recording_consent=body.recording_consent)
        return room_answers(session, [room], person, parts.clock.now())[0]


class PairingCode(RequestBody):
    """The code a device shows."""

    code: Annotated[str, Field(pattern=r"^[0-9]{6}$", examples=["482913"])]


@router.post("/rooms/{room_id}/pairing")
def pair_room(room_id: str, body: PairingCode, person: AdministratorDependency, parts: PartsDependency) -> RoomAnswer:
    """Give the device that shows the code this room."""
    parts.rate_limits.check(PAIRING_CONFIRM, person.user_id)
    with parts.database.unit_of_work() as session:
        room = find_room_in_subtree(session, person.organisation_path, room_id)
        confirm_pairing(session, room, body.code, person, parts.clock.now())
        answer = room_answers(session, [room], person, parts.clock.now())[0]
    parts.rate_limits.forget(PAIRING_CONFIRM, person.user_id)
    return answer


@router.delete("/rooms/{room_id}/device", status_code=status.HTTP_204_NO_CONTENT)
def unpair_room(room_id: str, person: AdministratorDependency, parts: PartsDependency) -> None:
    """Revoke the room's device; it must be paired anew."""
    with parts.database.unit_of_work() as session:
        room = find_room_in_subtree(session, person.organisation_path, room_id)
        revoke_device(session, room, parts.clock.now())


def room_answers(session: Session, rooms: Sequence[Room], asker: Principal, now: datetime) -> list[RoomAnswer]:
    """Rooms as `asker` may see them, in the same order."""
    counties = county_names(session, [room.school for room in rooms])
    devices = devices_of_rooms(session, rooms)
    answers = []
    for room in rooms:
        device = devices.get(room.id) if asker.may_see(room.school.path) else None
        answers.append(
            RoomAnswer(
                id=room.id,
                name=room.name,
                school=RoomSchool(id=room.school.id, name=room.school.name, county=counties[room.school.id]),
                can_lead=room.can_lead,
                recording_consent=_consent(room),
                device=_device_answer(device, now) if device else None,
            )
        )
    return answers


def _device_answer(device: Device, now: datetime) -> DeviceAnswer:
    return DeviceAnswer(
        paired_at=device.paired_at, last_seen_at=device.last_seen_at, connected=is_connected(device, now)
    )


def _consent(room: Room) -> Consent:
    return cast(Consent, room.recording_consent)
