"""Tables of the files made to be handed out, and of what administrators must know about recordings."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base, Id, new_id

HANDOUT_STATES = ("waiting", "making", "ready", "failed")


class Handout(Base):
    """The one MP4 of a lesson, asked for, being made, ready or failed."""

    __tablename__ = "recording_handouts"
    __table_args__ = (CheckConstraint(f"state IN {HANDOUT_STATES!r}", name="state"),)

    lesson_id: Mapped[str] = mapped_column(ForeignKey("recordings.lesson_id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(Id, default=new_id, unique=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    problem_detail: Mapped[str | None] = mapped_column(String(500))
    parties: Mapped[list[str]] = mapped_column(JSON)
    """Whose tracks it shows; when a room is released or withdrawn, it is out of date and goes."""
    object_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    asked_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime]


class RecordingNotice(Base):
    """Something about recordings that an administrator must know; stands until it is over or somebody has seen it."""

    __tablename__ = "recording_notices"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(120))
    """What it is about: a lesson's id or a relay's; one notice stands for each kind and subject."""
    lesson_id: Mapped[str | None] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"))
    detail: Mapped[str] = mapped_column(String(500))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    over_at: Mapped[datetime | None]
    seen_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    seen_at: Mapped[datetime | None]
