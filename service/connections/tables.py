"""The table of connection tests: the newest few of each place, as their pages reported them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base, Id, new_id


class ConnectionReport(Base):
    """What one test found. The names are those of the time of the test."""

    __tablename__ = "connection_reports"
    __table_args__ = (Index(None, "organisation_id", "at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(index=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    place_id: Mapped[str] = mapped_column(String(120), index=True)
    """`room:<id>` or `user:<id>`, as in lessons."""
    place: Mapped[str] = mapped_column(String(120))
    receives: Mapped[str] = mapped_column(String(10))
    """What the place will get: full, small, sound, none."""
    sends: Mapped[str] = mapped_column(String(10))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
