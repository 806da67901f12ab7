"""Tables of what was watched, and of the digests (thumbnails, speech) of recorded files."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base


class WatchedLesson(Base):
    """The parts of a recording one person has really played, each part once however often it was played."""

    __tablename__ = "watched_lessons"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True, index=True)
    parts: Mapped[list[list[int]]] = mapped_column(JSON)
    watched_ms: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class Watcher(Base):
    """When a person last reported what they played: no report can claim more than fits in the time since then."""

    __tablename__ = "watchers"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    reported_at: Mapped[datetime]


class RecordingDigest(Base):
    """What was read off one recorded file for the timeline: its thumbnails' sheet and when somebody spoke in it."""

    __tablename__ = "recording_digests"

    stream_id: Mapped[str] = mapped_column(ForeignKey("recording_streams.id", ondelete="CASCADE"), primary_key=True)
    made_at: Mapped[datetime]
    problem: Mapped[str | None] = mapped_column(String(200))
    speech: Mapped[list[list[int]]] = mapped_column(JSON)
    """Parts (from_ms, to_ms) of the file in which somebody spoke."""
    sheet_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    sheet_bytes: Mapped[int] = mapped_column(default=0)
    tile_width: Mapped[int] = mapped_column(default=0)
    tile_height: Mapped[int] = mapped_column(default=0)
    columns: Mapped[int] = mapped_column(default=0)
    tiles: Mapped[list[int]] = mapped_column(JSON)
    """The ms of the file each tile shows, in order."""
