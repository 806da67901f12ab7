"""Tables of the fleet: which relays there are, which of them carries each open lesson, and who is on stage there."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base


class RelayRow(Base):
    """A relay that has reported itself; what bookings may count on when they reserve capacity."""

    __tablename__ = "relays"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    capacity: Mapped[int]
    """Rooms and people it is meant to carry at one time; 0: it did not say."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class LessonPlacement(Base):
    """The relay that carries an open lesson; there from before the relay is told of it until after it closed it."""

    __tablename__ = "lesson_placements"

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    relay_id: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[datetime]
    moves: Mapped[int] = mapped_column(default=0)
    """How often it had to go to another relay."""


class LessonStage(Base):
    """Who is on stage in an open lesson, for the next relay that carries it; no row: nobody."""

    __tablename__ = "lesson_stages"

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    party_ids: Mapped[list[str]] = mapped_column(JSON)
