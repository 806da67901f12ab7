"""Reports of connection tests: kept for each place, read by the administrators above it. Blocks on the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person, Principal, RoomDevice
from service.connections.tables import ConnectionReport
from service.live.joining import school_of
from service.organisation.tables import Organisation

KEPT_FOR_A_PLACE = 20


@dataclass(frozen=True)
class Report:
    """What a page found."""

    receives: str
    sends: str
    facts: dict[str, Any]


def keep_report(session: Session, principal: Principal, report: Report, now: datetime) -> ConnectionReport:
    """Write a report down; the oldest of the same place make room."""
    place_id, place = place_of(principal)
    row = ConnectionReport(
        at=now,
        organisation_id=school_of(principal),
        place_id=place_id,
        place=place,
        receives=report.receives,
        sends=report.sends,
        facts=report.facts,
    )
    session.add(row)
    session.flush()
    newest = (
        select(ConnectionReport.id)
        .where(ConnectionReport.place_id == place_id)
        .order_by(ConnectionReport.at.desc(), ConnectionReport.id)
        .limit(KEPT_FOR_A_PLACE)
    )
    keep = list(session.scalars(newest))
    session.execute(
        delete(ConnectionReport).where(ConnectionReport.place_id == place_id, ConnectionReport.id.not_in(keep))
    )
    return row


def find_reports(
    session: Session, person: Person, limit: int, offset: int
) -> tuple[int, Sequence[tuple[ConnectionReport, str]]]:
    """Give how many reports lie in the person's subtree, and a page of them with their schools, newest first."""
    inside = Organisation.path.startswith(person.organisation_path, autoescape=True)
    within = ConnectionReport.organisation_id.in_(select(Organisation.id).where(inside))
    total = session.scalar(select(func.count()).select_from(ConnectionReport).where(within))
    newest = (ConnectionReport.at.desc(), ConnectionReport.id)
    # Which rows the page has is decided without their facts: thousands of those are too much to sort in memory.
    page = select(ConnectionReport.id).where(within).order_by(*newest).limit(limit).offset(offset).subquery()
    rows = session.execute(
        select(ConnectionReport, Organisation.name)
        .join(page, page.c.id == ConnectionReport.id)
        .join(Organisation, Organisation.id == ConnectionReport.organisation_id)
        .order_by(*newest)
    ).all()
    return total or 0, [(report, school) for report, school in rows]


def place_of(principal: Principal) -> tuple[str, str]:
    """Give who tests: its id, as parties of lessons have it, and its name."""
    if isinstance(principal, RoomDevice):
        return f"room:{principal.room_id}", principal.room_name
    return f"user:{principal.user_id}", principal.display_name
