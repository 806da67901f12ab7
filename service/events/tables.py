"""Tables of events, their dated lessons and who signed up."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation, SchoolClass
from service.rooms.tables import Room
from service.storage.base import Base, Id, new_id

EVENT_KINDS = ("famous_teacher", "famous_school")
EVENT_STATES = ("open", "cancelled")
SIGNUP_STATES = ("seat", "waiting", "withdrawn")


class Event(Base):
    """A public lesson or a course of them; schools below `organisation` may sign up until `signup_until`.

    `county_quota` is how many of the seats the schools of one county may have; none: as many as there are.
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(f"kind IN {EVENT_KINDS!r}", name="kind"),
        CheckConstraint(f"state IN {EVENT_STATES!r}", name="state"),
        CheckConstraint("quota >= 1 AND waiting_limit >= 0", name="amounts"),
        CheckConstraint("county_quota IS NULL OR county_quota >= 1", name="county_quota"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(40))
    grade: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(Text, default="")
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    lead_school_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    lead_teacher_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    quota: Mapped[int]
    waiting_limit: Mapped[int]
    county_quota: Mapped[int | None]
    signup_until: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="open")
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship(foreign_keys=organisation_id, lazy="joined", innerjoin=True)
    lead_school: Mapped[Organisation] = relationship(foreign_keys=lead_school_id, lazy="joined", innerjoin=True)
    lead_teacher: Mapped[User] = relationship(foreign_keys=lead_teacher_id, lazy="selectin")
    meetings: Mapped[list["EventLesson"]] = relationship(
        lazy="selectin", order_by="EventLesson.position", cascade="all, delete-orphan"
    )


class EventLesson(Base):
    """One dated lesson of an event. What concerns its time and its room is the lesson's own matter."""

    __tablename__ = "event_lessons"
    __table_args__ = (UniqueConstraint("event_id", "position"),)

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    position: Mapped[int]

    lesson: Mapped[Lesson] = relationship(lazy="selectin")


class EventSignup(Base):
    """A room signed up for all lessons of an event. `position` is the order of sign-ups; withdrawn ones are history.

    Only a `seat` claims anything. `passed_over_at`: when it was this one's turn but its room, teacher or class was
    taken; it keeps its place.
    """

    __tablename__ = "event_signups"
    __table_args__ = (
        CheckConstraint(f"state IN {SIGNUP_STATES!r}", name="state"),
        UniqueConstraint("event_id", "position"),
        Index(
            "uq_event_signups_counting_room",
            "event_id",
            "room_id",
            unique=True,
            sqlite_where=text("state <> 'withdrawn'"),
            postgresql_where=text("state <> 'withdrawn'"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    position: Mapped[int]
    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id"), index=True)
    class_id: Mapped[str | None] = mapped_column(ForeignKey("classes.id"))
    accompanying_teacher_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(String(10))
    passed_over_at: Mapped[datetime | None]
    signed_up_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    signed_up_at: Mapped[datetime]
    decided_at: Mapped[datetime]

    room: Mapped[Room] = relationship(lazy="selectin")
    school_class: Mapped[SchoolClass | None] = relationship(lazy="selectin")
    accompanying_teacher: Mapped[User | None] = relationship(foreign_keys=accompanying_teacher_id, lazy="selectin")
