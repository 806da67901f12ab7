"""Holidays, make-up days and seasonal bells of an organisation, as administrators set them."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.organisation.bells import check_periods
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids
from service.planning.tables import SeasonPeriod, SpecialDay
from service.problems import InvalidRequest, NotFound


def special_days_of(session: Session, node: Organisation) -> Sequence[SpecialDay]:
    """The special days of a node and of those above it, by day; of two on one day the nearer comes last."""
    ids = ancestor_ids(node.path)
    rows = session.scalars(select(SpecialDay).where(SpecialDay.organisation_id.in_(ids))).all()
    return sorted(rows, key=lambda row: (row.day, ids.index(row.organisation_id)))


def set_special_day(
    session: Session, node: Organisation, day: date, runs: int | None, of_week: str | None, name: str
) -> SpecialDay:
    """Say what runs on a date at a node and below it; nothing on a day off."""
    if runs is None and of_week is not None:
        raise InvalidRequest.of_field("of_week", "A day off runs no timetable, so none of an odd or even week.")
    row = session.get(SpecialDay, (node.id, day)) or SpecialDay(organisation_id=node.id, day=day)
    row.runs, row.of_week, row.name = runs, of_week, name
    session.add(row)
    session.flush()
    return row


def remove_special_day(session: Session, node: Organisation, day: date) -> None:
    """Let a date be as usual again. Raises NotFound where it is usual."""
    row = session.get(SpecialDay, (node.id, day))
    if row is None:
        raise NotFound("This day is not special here.")
    session.delete(row)
    session.flush()


def replace_season(
    session: Session, node: Organisation, from_day: date, periods: Sequence[tuple[int, str, str]]
) -> None:
    """Give a node bells that ring from a day on; none at all take the season away. Raises InvalidRequest."""
    check_periods(periods)
    session.execute(
        delete(SeasonPeriod).where(SeasonPeriod.organisation_id == node.id, SeasonPeriod.from_day == from_day)
    )
    session.add_all(
        SeasonPeriod(organisation_id=node.id, from_day=from_day, number=number, starts=starts, ends=ends)
        for number, starts, ends in periods
    )
    session.flush()
