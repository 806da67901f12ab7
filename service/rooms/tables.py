"""Tables of rooms, their devices and pairings under way."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.organisation.tables import Organisation
from service.storage.base import Base, Id, new_id


class Room(Base):
    """A classroom that can take part in lessons."""

    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(60))
    can_lead: Mapped[bool]
    recording_consent: Mapped[str] = mapped_column(String(10), default="unknown")
    created_at: Mapped[datetime]

    school: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class Device(Base):
    """A device that was paired with a room; its token is known to itself only, here is the SHA-256."""

    __tablename__ = "room_devices"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    paired_at: Mapped[datetime]
    paired_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    last_seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    room: Mapped[Room] = relationship(lazy="joined", innerjoin=True)


# A room has at most one device that counts, whatever two administrators do at the same moment.
Index(
    "uq_room_devices_one_per_room",
    Device.room_id,
    unique=True,
    sqlite_where=Device.revoked_at.is_(None),
    postgresql_where=Device.revoked_at.is_(None),
)


class Pairing(Base):
    """A device that shows a code and waits for an administrator to confirm it.

    The device keeps a secret; its token is derived from that, so the token need not be stored to be delivered.
    """

    __tablename__ = "room_pairings"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(6), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    device_id: Mapped[str | None] = mapped_column(ForeignKey("room_devices.id"))

    device: Mapped[Device | None] = relationship(lazy="joined")
