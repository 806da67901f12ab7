"""The table of sample lessons: nominated, reviewed, selected, published."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.reviews.tables import Critique
from service.storage.base import Base, Id, new_id

STATES = ("nominated", "in_review", "selected", "declined", "withdrawn")


class SampleLesson(Base):
    """A lesson nominated as a sample lesson; published while `published_at` is set. A lesson is nominated once."""

    __tablename__ = "sample_lessons"
    __table_args__ = (CheckConstraint(f"state IN {STATES!r}", name="state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id"), unique=True)
    school_year: Mapped[int] = mapped_column(index=True)
    """The calendar year in which the school year of the lesson began."""
    county_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(1000))
    nominated_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    nominated_at: Mapped[datetime]
    critique_id: Mapped[str | None] = mapped_column(ForeignKey("critiques.id", ondelete="SET NULL"), index=True)
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str] = mapped_column(String(1000), default="")
    published_at: Mapped[datetime | None] = mapped_column(index=True)

    lesson: Mapped[Lesson] = relationship(lazy="joined", innerjoin=True)
    county: Mapped[Organisation | None] = relationship(lazy="selectin", foreign_keys=county_id)
    nominator: Mapped[User] = relationship(lazy="selectin", foreign_keys=nominated_by)
    critique: Mapped[Critique | None] = relationship(lazy="selectin")
