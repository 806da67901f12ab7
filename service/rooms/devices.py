"""Paired devices: found by their token, noted as seen, revoked."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from service.accounts.principal import RoomDevice
from service.rooms.tables import Device, Room
from service.security.tokens import hash_token
from service.storage.many import one_of

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


def paired_devices(session: Session, device_ids: Collection[str]) -> dict[str, datetime | None]:
    """Of many devices those that are still paired, each with when it was last seen."""
    chosen = one_of(session, cast(ColumnElement[str], Device.id), device_ids)
    found = session.execute(select(Device.id, Device.last_seen_at).where(chosen, Device.revoked_at.is_(None)))
    return {row.id: row.last_seen_at for row in found}


def saw_device(session: Session, device_id: str, now: datetime) -> None:
    """Note that the device is there."""
    saw_devices(session, [device_id], now)


def saw_devices(session: Session, device_ids: Collection[str], now: datetime) -> None:
    """Note that the devices are there."""
    chosen = one_of(session, cast(ColumnElement[str], Device.id), device_ids)
    session.execute(
        update(Device).where(chosen).values(last_seen_at=now), execution_options={"synchronize_session": False}
    )


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
