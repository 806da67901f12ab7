"""Keeps the attendance figures in step with the log, and can rebuild them from it."""

from dataclasses import asdict, fields
from typing import cast

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from media.contract import Delivered, PartyJoined, PartyLeft, Published
from service.storage.many import one_of
from service.usage.attendance import Attendance, AttendanceEvent, fold
from service.usage.attending import new_rows
from service.usage.tables import AttendanceRow, UsageRow

_FIGURES = tuple(field.name for field in fields(Attendance))
_EVENTS: dict[str, type[AttendanceEvent]] = {
    "party_joined": PartyJoined,
    "party_left": PartyLeft,
    "delivered": Delivered,
    "published": Published,
}


def count_in(session: Session, events: list[AttendanceEvent]) -> None:
    """Fold events into the attendance rows, in order; parties and lessons nobody knows stay in the log only."""
    rows = _known_rows(session, events)
    joined = {(event.lesson_id, event.party_id): event for event in events if isinstance(event, PartyJoined)}
    fresh = new_rows(session, [event for key, event in joined.items() if key not in rows])
    figures: dict[tuple[str, str], Attendance] = {}
    for event in events:
        key = (event.lesson_id, event.party_id)
        row = rows.get(key)
        if row is None and isinstance(event, PartyJoined) and (row := fresh.get(key)) is not None:
            _store(row, Attendance())
            session.add(row)
        if row is not None:
            rows[key] = row
            figures[key] = fold(figures.get(key) or _load(row), event)
    for key, attendance in figures.items():
        _store(rows[key], attendance)
    session.flush()


def _known_rows(session: Session, events: list[AttendanceEvent]) -> dict[tuple[str, str], AttendanceRow]:
    lessons = {event.lesson_id for event in events}
    of_lessons = one_of(session, cast(ColumnElement[str], AttendanceRow.lesson_id), lessons)
    return {(row.lesson_id, row.party_id): row for row in session.scalars(select(AttendanceRow).where(of_lessons))}


def rebuild(session: Session, lesson_id: str) -> None:
    """Throw the lesson's attendance rows away and make them again from the log."""
    session.execute(delete(AttendanceRow).where(AttendanceRow.lesson_id == lesson_id))
    session.expire_all()
    log = session.scalars(
        select(UsageRow).where(UsageRow.lesson_id == lesson_id, UsageRow.type.in_(_EVENTS)).order_by(UsageRow.id)
    )
    count_in(session, [_event(row) for row in log])


def _event(row: UsageRow) -> AttendanceEvent:
    known = _EVENTS[row.type]
    own = {"lesson_id": row.lesson_id, "party_id": row.party_id, "connection_id": row.connection_id}
    return known.model_validate({name: own[name] for name in own.keys() & known.model_fields.keys()} | row.data)


def _load(row: AttendanceRow) -> Attendance:
    return Attendance(**{name: getattr(row, name) for name in _FIGURES})


def _store(row: AttendanceRow, attendance: Attendance) -> None:
    for name, value in asdict(attendance).items():
        setattr(row, name, value)
