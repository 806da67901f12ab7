"""Tables of lessons, their receivers, the claims and amounts both hold, and idempotency keys."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.accounts.tables import User
from service.organisation.tables import Organisation, SchoolClass
from service.rooms.tables import Room
from service.storage.base import Base, Id, new_id

KINDS = ("synchronous", "famous_teacher", "famous_school")
STATES = ("booked", "live", "ended", "cancelled")
RECEIVER_STATES = ("pending", "accepted", "declined", "withdrawn")
CLAIMED_KINDS = ("room", "teacher", "class")
COUNTED_KINDS = ("kit", "link_up", "link_down", "relay")


class Lesson(Base):
    """A booked lesson. `version` grows with every change of it or its receivers, so that a stale edit is seen."""

    __tablename__ = "lessons"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS!r}", name="kind"),
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        CheckConstraint("ends_at > starts_at", name="times"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(40))
    grade: Mapped[str] = mapped_column(String(20))
    class_id: Mapped[str | None] = mapped_column(ForeignKey("classes.id"))
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="booked", index=True)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None] = mapped_column(String(500))
    lead_school_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    lead_room_id: Mapped[str | None] = mapped_column(ForeignKey("rooms.id"), index=True)
    lead_teacher_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    recorded: Mapped[bool]
    version: Mapped[int] = mapped_column(default=1)
    booked_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]

    lead_school: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    lead_room: Mapped[Room | None] = relationship(lazy="selectin")
    lead_teacher: Mapped[User] = relationship(foreign_keys=lead_teacher_id, lazy="selectin")
    lead_class: Mapped[SchoolClass | None] = relationship(lazy="selectin")
    receivers: Mapped[list["Receiver"]] = relationship(
        back_populates="lesson", lazy="selectin", order_by="Receiver.position", cascade="all, delete-orphan"
    )
    observers: Mapped[list["LessonObserver"]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class Receiver(Base):
    """A receiving room of a lesson, with its school's answer. A declined or withdrawn one stays as history."""

    __tablename__ = "lesson_receivers"
    __table_args__ = (CheckConstraint(f"state IN {RECEIVER_STATES!r}", name="state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id"), index=True)
    accompanying_teacher_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    class_id: Mapped[str | None] = mapped_column(ForeignKey("classes.id"))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str] = mapped_column(String(500), default="")
    answer_by: Mapped[datetime | None]
    """When an unanswered request lets go of what it claims; none: it waits for ever."""

    lesson: Mapped[Lesson] = relationship(back_populates="receivers")
    room: Mapped[Room] = relationship(lazy="selectin")
    accompanying_teacher: Mapped[User | None] = relationship(foreign_keys=accompanying_teacher_id, lazy="selectin")
    receiving_class: Mapped[SchoolClass | None] = relationship(lazy="selectin")

    @property
    def counts(self) -> bool:
        """Whether the receiver holds its claims: until it is declined or withdrawn, an open answer included."""
        return self.state in ("pending", "accepted")

    @property
    def has_expired(self) -> bool:
        """Whether nobody answered in time: declined, but by the clock."""
        return self.state == "declined" and self.decided_by is None


class LessonObserver(Base):
    """A person who signed up to watch a public lesson by themselves, without a room."""

    __tablename__ = "lesson_observers"

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    signed_up_at: Mapped[datetime]


# A room takes part in a lesson once, however often it was asked before.
Index(
    "uq_lesson_receivers_counting_room",
    Receiver.lesson_id,
    Receiver.room_id,
    unique=True,
    sqlite_where=Receiver.state.in_(("pending", "accepted")),
    postgresql_where=Receiver.state.in_(("pending", "accepted")),
)


# What the clock looks for twice a second.
Index(
    "ix_lesson_receivers_waiting",
    Receiver.answer_by,
    sqlite_where=Receiver.state == "pending",
    postgresql_where=Receiver.state == "pending",
)


class LessonClaim(Base):
    """A room, teacher or class held by a lesson over [starts_at, ends_at). A release deletes or shortens the row.

    `claim_guards` lets the database itself refuse two rows that overlap.
    """

    __tablename__ = "lesson_claims"
    __table_args__ = (
        CheckConstraint(f"resource_kind IN {CLAIMED_KINDS!r}", name="resource_kind"),
        CheckConstraint("ends_at > starts_at", name="times"),
        UniqueConstraint("lesson_id", "resource_kind", "resource_id"),
        Index("ix_lesson_claims_resource", "resource_kind", "resource_id", "starts_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"))
    receiver_id: Mapped[str | None] = mapped_column(ForeignKey("lesson_receivers.id", ondelete="CASCADE"))
    resource_kind: Mapped[str] = mapped_column(String(10))
    resource_id: Mapped[str] = mapped_column(Id)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


# Half of all claims are for no receiver.
Index(
    "ix_lesson_claims_receiver_id",
    LessonClaim.receiver_id,
    sqlite_where=LessonClaim.receiver_id.is_not(None),
    postgresql_where=LessonClaim.receiver_id.is_not(None),
)


class LessonAmount(Base):
    """What a lesson takes of a counted thing in each five-minute bucket of [first_bucket, end_bucket)."""

    __tablename__ = "lesson_amounts"
    __table_args__ = (
        CheckConstraint(f"resource_kind IN {COUNTED_KINDS!r}", name="resource_kind"),
        CheckConstraint("amount > 0 AND end_bucket > first_bucket", name="amount"),
    )

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    resource_kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    resource_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    amount: Mapped[int]
    first_bucket: Mapped[int]
    end_bucket: Mapped[int]


class CapacitySlot(Base):
    """How much of a counted thing is in use in one bucket (Unix time / 300), never above what there is."""

    __tablename__ = "capacity_slots"
    __table_args__ = (CheckConstraint("used >= 0 AND used <= cap", name="cap"),)

    resource_kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    resource_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    used: Mapped[int]
    cap: Mapped[int]


class IdempotencyKey(Base):
    """A booking already answered: the same person sending the same key again gets the same lesson."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
