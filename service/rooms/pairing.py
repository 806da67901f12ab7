"""Pairing a device with a room: the device shows a code, an administrator of the school types it in.

The device also gets a secret it never shows. Whoever reads the code from the screen can confirm it but cannot become
the device; whoever guesses codes gets nothing but the right to give a strange screen a room, and is counted.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.problems import Conflict, NotFound, TooManyAttempts
from service.rooms.devices import device_of_room
from service.rooms.tables import Device, Pairing, Room
from service.security.tokens import derive_token, hash_token, new_token, same_token
from service.storage.base import new_id

LIFETIME = timedelta(minutes=10)
MOST_WAITING = 5_000
"""Of a million codes; keeps a guess unlikely to hit and the table small."""


@dataclass(frozen=True)
class StartedPairing:
    """What the device is told: the code to show and the secret to keep."""

    pairing_id: str
    code: str
    secret: str
    expires_at: datetime


def start_pairing(session: Session, now: datetime) -> StartedPairing:
    """A new code. Raises TooManyAttempts when unreasonably many devices wait."""
    session.execute(delete(Pairing).where(Pairing.expires_at < now))
    taken = set(session.scalars(select(Pairing.code)))
    if len(taken) >= MOST_WAITING:
        raise TooManyAttempts(int(LIFETIME.total_seconds()))
    code = next(code for code in iter(_random_code, None) if code not in taken)
    secret = new_token()
    pairing = Pairing(
        id=new_id(), code=code, token_hash=hash_token(device_token(secret)), created_at=now, expires_at=now + LIFETIME
    )
    session.add(pairing)
    session.flush()
    return StartedPairing(pairing.id, code, secret, pairing.expires_at)


def device_token(secret: str) -> str:
    """The token a device with this secret speaks with once it is paired."""
    return derive_token(secret, "room device")


def pairing_state(
    session: Session, pairing_id: str, secret: str, now: datetime
) -> Literal["waiting", "paired", "expired"]:
    """How far the pairing is. "paired" is repeated, in case the answer got lost, until the token is first used.

    Raises NotFound for a wrong secret.
    """
    pairing = session.get(Pairing, pairing_id)
    if pairing is None:
        return "expired"
    if not same_token(hash_token(device_token(secret)), pairing.token_hash):
        raise NotFound("There is no such pairing.")
    if pairing.expires_at <= now:
        return "expired"
    if pairing.device is None:
        return "waiting"
    is_spent = pairing.device.last_seen_at is not None or pairing.device.revoked_at is not None
    return "expired" if is_spent else "paired"


def confirm_pairing(session: Session, room: Room, code: str, by: Person, now: datetime) -> Device:
    """Give the device that shows `code` the room. Raises NotFound for an unknown code, Conflict if the room has one."""
    pairing = session.scalar(
        select(Pairing).where(Pairing.code == code, Pairing.expires_at > now, Pairing.device_id.is_(None))
    )
    if pairing is None:
        raise NotFound("No device shows this code now.", code="code_unknown")
    if device_of_room(session, room.id) is not None:
        raise Conflict("The room has a device already; revoke it first.", code="already_paired")
    device = Device(id=new_id(), room=room, token_hash=pairing.token_hash, paired_at=now, paired_by=by.user_id)
    session.add(device)
    session.flush()
    pairing.device_id = device.id
    session.flush()
    return device


def revoke_device(session: Session, room: Room, now: datetime) -> None:
    """Take the room from its device. Raises NotFound if it has none."""
    device = device_of_room(session, room.id)
    if device is None:
        raise NotFound("The room has no device.", code="not_paired")
    device.revoked_at = now
    session.flush()


def _random_code() -> str:
    return f"{secrets.randbelow(1_000_000):06d}"
