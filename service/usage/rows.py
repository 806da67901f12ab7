"""Adds rows to the usage log inside a transaction of the caller."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from service.storage.many import insert_rows
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


def append_rows(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down many things in their order, each with `at`, `type`, `lesson_id`, `party_id`, `connection_id`, `data`.

    In one statement: hundreds of lessons report every few seconds.
    """
    insert_rows(session, cast(Table, UsageRow.__table__), rows)
