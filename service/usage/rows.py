"""Adds rows to the usage log inside a transaction of the caller."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from service.usage.tables import UsageRow


def append_row(
    session: Session,
    at: datetime,
    kind: str,
    *,
    lesson_id: str | None = None,
    party_id: str | None = None,
    connection_id: str | None = None,
    user_id: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Write down that something happened; it counts when the caller's transaction does."""
    session.execute(
        insert(UsageRow).values(
            at=at,
            type=kind,
            lesson_id=lesson_id,
            party_id=party_id,
            connection_id=connection_id,
            user_id=user_id,
            data=data or {},
        )
    )
