"""Tables of weekly series that people book themselves; those of a plan have tables of their own."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base, Id, new_id


class WeeklySeries(Base):
    """Lessons booked together, one a week of teaching."""

    __tablename__ = "weekly_series"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    booked_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]


class WeeklyLesson(Base):
    """A lesson of a weekly series, and the day for which it was booked."""

    __tablename__ = "weekly_lessons"
    __table_args__ = (UniqueConstraint("series_id", "day"),)

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    series_id: Mapped[str] = mapped_column(ForeignKey("weekly_series.id", ondelete="CASCADE"))
    day: Mapped[date]
