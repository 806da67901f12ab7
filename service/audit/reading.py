"""Reads the audit log: administrators see what was done by the people of their part of the organisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.accounts.principal import Person
from service.accounts.tables import User
from service.audit.schemas import AuditEntries, AuditEntry
from service.audit.tables import AuditRow
from service.events.tables import Event
from service.exchange.tables import Import
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation, SchoolClass, Term
from service.planning.plan_tables import Plan
from service.reviews.comparison_tables import Comparison
from service.reviews.tables import Critique, Rubric
from service.rooms.tables import Room


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
    page = select(AuditRow.id).where(*conditions).order_by(AuditRow.id.desc()).limit(limit).offset(offset).subquery()
    rows = session.scalars(select(AuditRow).join(page, page.c.id == AuditRow.id).order_by(AuditRow.id.desc())).all()
    names = _present_names(session, rows)
    items = [
        AuditEntry(
            id=row.id,
            at=row.at,
            user_id=row.user_id or None,
            person=row.person or None,
            role=row.role or None,  # type: ignore[arg-type]
            operation=row.operation,
            about=row.about,
            subject=next((names[one] for one in row.about.items() if one in names), None),
            client=row.client,
        )
        for row in rows
    ]
    return AuditEntries(items=items, total=total)


NAMES: dict[str, tuple[InstrumentedAttribute[str], InstrumentedAttribute[str]]] = {
    "lesson_id": (Lesson.id, Lesson.title),
    "room_id": (Room.id, Room.name),
    "user_id": (User.id, User.display_name),
    "organisation_id": (Organisation.id, Organisation.name),
    "event_id": (Event.id, Event.title),
    "class_id": (SchoolClass.id, SchoolClass.name),
    "term_id": (Term.id, Term.name),
    "plan_id": (Plan.id, Plan.name),
    "critique_id": (Critique.id, Critique.title),
    "comparison_id": (Comparison.id, Comparison.title),
    "rubric_id": (Rubric.id, Rubric.name),
    "import_id": (Import.id, Import.file_name),
}
"""What addresses name, and what people call it."""


def _present_names(session: Session, rows: Sequence[AuditRow]) -> dict[tuple[str, str], str]:
    names: dict[tuple[str, str], str] = {}
    for parameter, (identity, name) in NAMES.items():
        wanted = {row.about[parameter] for row in rows if parameter in row.about}
        if wanted:
            found = session.execute(select(identity, name).where(identity.in_(wanted)))
            names |= {(parameter, one): text for one, text in found}
    return names


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
