"""Tables of parallel lessons laid side by side."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.storage.base import Base, Id, new_id

LOCKS = ("time", "phases")


class Comparison(Base):
    """Two to four recorded lessons to be watched together, locked to each other by time or by phases."""

    __tablename__ = "comparisons"
    __table_args__ = (CheckConstraint(f"locked_by IN {LOCKS!r}", name="locked_by"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(120))
    locked_by: Mapped[str] = mapped_column(String(10))
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    creator: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    lessons: Mapped[list["ComparedLesson"]] = relationship(
        lazy="selectin", order_by="ComparedLesson.position", cascade="all, delete-orphan"
    )


class ComparedLesson(Base):
    """A lesson of a comparison; `phases` says at which ms of its recording each marked phase begins."""

    __tablename__ = "compared_lessons"

    comparison_id: Mapped[str] = mapped_column(ForeignKey("comparisons.id", ondelete="CASCADE"), primary_key=True)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id"), primary_key=True, index=True)
    position: Mapped[int]
    phases: Mapped[dict[str, int]] = mapped_column(JSON)

    lesson: Mapped[Lesson] = relationship(lazy="joined", innerjoin=True)
