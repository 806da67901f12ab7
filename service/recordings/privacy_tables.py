"""Tables of who may watch beyond those who took part, what is released, what a policy demands, and what was deleted."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base, Id, new_id

DELETION_REASONS = ("retention", "asked")


class RecordingRelease(Base):
    """A school let its pupils' room be seen by those who watch a published lesson; withdrawn ones are kept as trail."""

    __tablename__ = "recording_releases"
    __table_args__ = (
        Index(
            "ix_recording_releases_standing",
            "lesson_id",
            "party_id",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("recordings.lesson_id", ondelete="CASCADE"), index=True)
    party_id: Mapped[str] = mapped_column(String(120))
    released_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    released_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_at: Mapped[datetime | None]


class RecordingPublication(Base):
    """The lesson may be watched, without unreleased pupils' rooms, by everybody in the audience's subtree."""

    __tablename__ = "recording_publications"

    lesson_id: Mapped[str] = mapped_column(ForeignKey("recordings.lesson_id", ondelete="CASCADE"), primary_key=True)
    audience_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    published_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    published_at: Mapped[datetime]


class RecordingInvitation(Base):
    """One person was invited to watch the lesson, without unreleased pupils' rooms, until a moment if one is given."""

    __tablename__ = "recording_invitations"
    __table_args__ = (UniqueConstraint("lesson_id", "user_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("recordings.lesson_id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    invited_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    invited_at: Mapped[datetime]
    until: Mapped[datetime | None]


class RecordingPolicy(Base):
    """What an organisation decided for the recordings of its lead schools; the nearest one above a school counts."""

    __tablename__ = "recording_policies"
    __table_args__ = (CheckConstraint("retention_days IS NULL OR retention_days > 0", name="retention_days"),)

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True)
    retention_days: Mapped[int | None]
    """Days after the lesson until its recording is deleted; None keeps it."""
    watermark: Mapped[bool]
    """Whether the viewer's name moves over the picture."""
    changed_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime]


class RecordingDeletion(Base):
    """The trail of one deletion: what went, when, and by whose word. Rows are only ever added."""

    __tablename__ = "recording_deletions"
    __table_args__ = (CheckConstraint(f"reason IN {DELETION_REASONS!r}", name="reason"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id"), index=True)
    reason: Mapped[str] = mapped_column(String(10))
    policy_of: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"))
    retention_days: Mapped[int | None]
    asked_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str] = mapped_column(String(500), default="")
    began_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    """When the last file was gone from the store; None while some could not be deleted yet."""
    files: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class DoomedObject(Base):
    """A file that is to vanish from the store; the row goes when the file is gone, so no crash can forget it."""

    __tablename__ = "doomed_objects"

    object_key: Mapped[str] = mapped_column(String(200), primary_key=True)
    deletion_id: Mapped[str | None] = mapped_column(ForeignKey("recording_deletions.id"), index=True)
    doomed_at: Mapped[datetime]


class MediaKey(Base):
    """The secret by which the addresses of files are signed; one row, made at the first need."""

    __tablename__ = "media_keys"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(String(64))
