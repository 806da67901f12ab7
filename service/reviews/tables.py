"""Tables of timed notes, rubrics and critiques."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.storage.base import Base, Id, new_id

NOTE_KINDS = ("note", "praise", "question", "suggestion")
PURPOSES = ("critique", "comparison", "sample")


class LessonNote(Base):
    """What somebody wrote at one moment of a lesson. `at` is a wall-clock moment, so that a note written live needs no
    recording and finds its second on every recording made later."""

    __tablename__ = "lesson_notes"
    __table_args__ = (
        CheckConstraint(f"kind IN {NOTE_KINDS!r}", name="kind"),
        Index("ix_lesson_notes_lesson_id_at", "lesson_id", "at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"))
    author_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(String(2000))
    shared: Mapped[bool]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Rubric(Base):
    """A form of criteria with points, kept by an organisation for everyone at or below it."""

    __tablename__ = "rubrics"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(60))
    criteria: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class Critique(Base):
    """One round of critique: lessons, the rubric as it was when the round was opened, and who fills it in."""

    __tablename__ = "critiques"
    __table_args__ = (CheckConstraint(f"purpose IN {PURPOSES!r}", name="purpose"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(String(10))
    rubric_name: Mapped[str] = mapped_column(String(120))
    criteria: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    blind: Mapped[bool]
    due_on: Mapped[date | None]
    comparison_id: Mapped[str | None] = mapped_column(ForeignKey("comparisons.id", ondelete="SET NULL"), index=True)
    opened_by: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    """When everyone had handed in, or when it was closed before that."""

    opener: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    lessons: Mapped[list["CritiqueLesson"]] = relationship(
        lazy="selectin", order_by="CritiqueLesson.position", cascade="all, delete-orphan"
    )
    reviewers: Mapped[list["CritiqueReviewer"]] = relationship(
        lazy="selectin", order_by="CritiqueReviewer.position", cascade="all, delete-orphan"
    )
    sheets: Mapped[list["CritiqueSheet"]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class CritiqueLesson(Base):
    """A lesson that a critique is about."""

    __tablename__ = "critique_lessons"

    critique_id: Mapped[str] = mapped_column(ForeignKey("critiques.id", ondelete="CASCADE"), primary_key=True)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id"), primary_key=True, index=True)
    position: Mapped[int]

    lesson: Mapped[Lesson] = relationship(lazy="joined", innerjoin=True)


class CritiqueReviewer(Base):
    """Somebody assigned to a critique, and when they handed in."""

    __tablename__ = "critique_reviewers"

    critique_id: Mapped[str] = mapped_column(ForeignKey("critiques.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    position: Mapped[int]
    handed_in_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class CritiqueSheet(Base):
    """One reviewer's form about one lesson: points and a remark for each criterion by its id, and a summary."""

    __tablename__ = "critique_sheets"
    __table_args__ = (UniqueConstraint("critique_id", "lesson_id", "reviewer_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    critique_id: Mapped[str] = mapped_column(ForeignKey("critiques.id", ondelete="CASCADE"))
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id"))
    reviewer_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    scores: Mapped[dict[str, int]] = mapped_column(JSON)
    remarks: Mapped[dict[str, str]] = mapped_column(JSON)
    summary: Mapped[str] = mapped_column(String(4000))
    changed_at: Mapped[datetime]

    reviewer: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    replies: Mapped[list["CritiqueReply"]] = relationship(
        lazy="selectin", order_by="CritiqueReply.created_at", cascade="all, delete-orphan"
    )


class CritiqueReply(Base):
    """An answer to a reviewer's sheet, by the teacher or by anybody else who may read it."""

    __tablename__ = "critique_replies"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    sheet_id: Mapped[str] = mapped_column(ForeignKey("critique_sheets.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime]

    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)
