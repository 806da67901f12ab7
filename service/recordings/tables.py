"""Tables of recordings and their streams (the files people watch)."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.lessons.tables import Lesson
from service.storage.base import Base, Id, new_id

STATES = ("recording", "processing", "ready", "failed")


class Recording(Base):
    """The recording of one lesson: being taken, being made from its journals, ready, or failed with its problem."""

    __tablename__ = "recordings"
    __table_args__ = (CheckConstraint(f"state IN {STATES!r}", name="state"),)

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    problem: Mapped[str | None] = mapped_column(String(40))
    problem_detail: Mapped[str | None] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(default=0)
    origin_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    """When its files were given up for deletion; the row stays as the end of its story."""

    lesson: Mapped[Lesson] = relationship(lazy="joined", innerjoin=True)
    streams: Mapped[list["RecordingStream"]] = relationship(
        back_populates="recording", lazy="selectin", order_by="RecordingStream.position", cascade="all, delete-orphan"
    )


class RecordingStream(Base):
    """One playable file of a recording, kept in the object store under `object_key`."""

    __tablename__ = "recording_streams"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("recordings.lesson_id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    object_key: Mapped[str] = mapped_column(String(200), unique=True)
    party_id: Mapped[str] = mapped_column(String(120))
    party_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(20))
    content_type: Mapped[str] = mapped_column(String(60))
    offset_ms: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    has_picture: Mapped[bool]
    has_sound: Mapped[bool]
    video_codec: Mapped[str | None] = mapped_column(String(20))
    audio_codec: Mapped[str | None] = mapped_column(String(20))
    width: Mapped[int | None]
    height: Mapped[int | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    gaps: Mapped[list[list[int]]] = mapped_column(JSON)
    sha256: Mapped[str] = mapped_column(String(64))

    recording: Mapped[Recording] = relationship(back_populates="streams")
