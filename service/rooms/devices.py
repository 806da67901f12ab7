"""Paired devices: found by their token, noted as seen, revoked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.accounts.principal import RoomDevice
from service.rooms.tables import Device, Room
from service.security.tokens import hash_token

SEEN_EVERY = timedelta(seconds=20)
"""How stale `last_seen_at` may grow; the device page asks for its lesson more often than that."""

CONNECTED_WITHIN = timedelta(seconds=60)
"""A device heard of within this time counts as connected."""


def find_device(session: Session, token: str, now: datetime) -> tuple[RoomDevice, bool] | None:
    """The device with this token, and whether `last_seen_at` should be renewed; None if unknown or revoked."""
    device = session.scalar(select(Device).where(Device.token_hash == hash_token(token), Device.revoked_at.is_(None)))
    if device is None:
        return None
    room = device.room
    found = RoomDevice(
        device_id=device.id,
        room_id=room.id,
        room_name=room.name,
        school_id=room.school.id,
        school_name=room.school.name,
        organisation_path=room.school.path,
    )
    return found, device.last_seen_at is None or device.last_seen_at + SEEN_EVERY < now


def saw_device(session: Session, device_id: str, now: datetime) -> None:
    """Note that the device is there."""
    session.execute(update(Device).where(Device.id == device_id).values(last_seen_at=now))


def device_of_room(session: Session, room_id: str) -> Device | None:
    """The device that is paired with the room now."""
    return session.scalar(select(Device).where(Device.room_id == room_id, Device.revoked_at.is_(None)))


def devices_of_rooms(session: Session, rooms: Sequence[Room]) -> dict[str, Device]:
    """The paired devices of many rooms, by room id."""
    statement = select(Device).where(Device.room_id.in_([room.id for room in rooms]), Device.revoked_at.is_(None))
    return {device.room_id: device for device in session.scalars(statement)}


def is_connected(device: Device, now: datetime) -> bool:
    """Whether the device was heard of just now."""
    return device.last_seen_at is not None and device.last_seen_at + CONNECTED_WITHIN >= now
