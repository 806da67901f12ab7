"""Reads the audit log: administrators see what was done by the people of their part of the organisation."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.audit.schemas import AuditEntries, AuditEntry
from service.audit.tables import AuditRow


@dataclass(frozen=True)
class AuditFilter:
    """Which acts are asked for; what is None does not restrict."""

    starts: datetime | None = None
    ends: datetime | None = None
    user_id: str | None = None
    operation: str | None = None


def list_acts(session: Session, person: Person, wanted: AuditFilter, limit: int, offset: int) -> AuditEntries:
    """Give a page of what the person may see, newest first."""
    conditions = _conditions(person, wanted)
    total = session.scalar(select(func.count()).select_from(AuditRow).where(*conditions)) or 0
    rows = session.scalars(select(AuditRow).where(*conditions).order_by(AuditRow.id.desc()).limit(limit).offset(offset))
    items = [
        AuditEntry(
            id=row.id,
            at=row.at,
            user_id=row.user_id,
            person=row.person,
            role=row.role,  # type: ignore[arg-type]
            operation=row.operation,
            about=row.about,
            client=row.client,
        )
        for row in rows
    ]
    return AuditEntries(items=items, total=total)


def _conditions(person: Person, wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [AuditRow.organisation_path.startswith(person.organisation_path)]
    if wanted.starts is not None:
        conditions.append(AuditRow.at >= wanted.starts)
    if wanted.ends is not None:
        conditions.append(AuditRow.at < wanted.ends)
    if wanted.user_id is not None:
        conditions.append(AuditRow.user_id == wanted.user_id)
    if wanted.operation is not None:
        conditions.append(AuditRow.operation == wanted.operation)
    return conditions
