"""Tables of usage: the append-only log, guarded by database triggers, and the attendance figures folded from it."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.append_only import keep_append_only
from service.storage.base import Base, Id

COMINGS_AND_GOINGS = ("party_joined", "party_left")


class UsageRow(Base):
    """One thing that happened. Rows are only ever added; the database itself refuses to change or delete them."""

    __tablename__ = "usage_log"
    __table_args__ = (Index("ix_usage_log_lesson_id_id", "lesson_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    type: Mapped[str] = mapped_column(String(40))
    lesson_id: Mapped[str | None] = mapped_column(Id)
    party_id: Mapped[str | None] = mapped_column(String(120))
    connection_id: Mapped[str | None] = mapped_column(Id)
    user_id: Mapped[str | None] = mapped_column(Id)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


# Who came and went when, without the thousands of rows between.
Index(
    "ix_usage_log_comings",
    UsageRow.party_id,
    UsageRow.lesson_id,
    sqlite_where=UsageRow.type.in_(COMINGS_AND_GOINGS),
    postgresql_where=UsageRow.type.in_(COMINGS_AND_GOINGS),
)


class AttendanceRow(Base):
    """What the log adds up to for one party of one lesson; derived, and can be rebuilt from the log.

    The names are those of the time of joining: a later renaming does not rewrite what happened.
    """

    __tablename__ = "usage_attendance"

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id"), primary_key=True)
    party_id: Mapped[str] = mapped_column(String(120), primary_key=True, index=True)
    party_role: Mapped[str] = mapped_column(String(10))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    organisation_path: Mapped[str] = mapped_column(String(200), index=True)
    county: Mapped[str] = mapped_column(String(120))
    school: Mapped[str] = mapped_column(String(120))
    room_or_person: Mapped[str] = mapped_column(String(120))
    joined_at: Mapped[float | None] = mapped_column(Float)
    left_at: Mapped[float | None] = mapped_column(Float)
    open_connection: Mapped[str | None] = mapped_column(Id)
    open_since: Mapped[float | None] = mapped_column(Float)
    last_seen_at: Mapped[float | None] = mapped_column(Float)
    joins: Mapped[int] = mapped_column(default=0)
    connected_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    lead_picture_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    lead_sound_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    published_ms: Mapped[int] = mapped_column(BigInteger, default=0)


class LogPosition(Base):
    """How far the events of a topic are in the log; written with them, so that none is missing and none is twice."""

    __tablename__ = "usage_log_positions"

    topic: Mapped[str] = mapped_column(String(60), primary_key=True)
    position: Mapped[str] = mapped_column(String(60))


keep_append_only(cast(Table, UsageRow.__table__), "the usage log is append-only")
