"""Bells: the periods of a school day. A school without bells of its own rings those of the nearest node above it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.organisation.tables import Organisation, Period
from service.organisation.tree import ancestor_ids
from service.problems import InvalidRequest

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Bells:
    """The periods in force somewhere, by number, and whose they are (None when nobody has any)."""

    organisation_id: str | None
    periods: Sequence[Period]


def effective_bells(session: Session, organisation: Organisation) -> Bells:
    """The bells that ring at `organisation`."""
    ids = ancestor_ids(organisation.path)
    rows = session.scalars(select(Period).where(Period.organisation_id.in_(ids)).order_by(Period.number)).all()
    for identity in reversed(ids):
        own = [row for row in rows if row.organisation_id == identity]
        if own:
            return Bells(identity, own)
    return Bells(None, ())


def replace_bells(session: Session, organisation: Organisation, periods: Sequence[tuple[int, str, str]]) -> None:
    """Give `organisation` these bells (number, starts, ends); none at all means those from above again.

    Raises InvalidRequest unless times are "HH:MM", numbers rise and periods do not overlap.
    """
    check_periods(periods)
    session.execute(delete(Period).where(Period.organisation_id == organisation.id))
    session.add_all(
        Period(organisation_id=organisation.id, number=number, starts=starts, ends=ends)
        for number, starts, ends in periods
    )
    session.flush()


def check_periods(periods: Sequence[tuple[int, str, str]]) -> None:
    """Raise InvalidRequest unless times are "HH:MM", numbers rise and periods do not overlap."""
    last_number, last_end = 0, ""
    for index, (number, starts, ends) in enumerate(periods):
        for field, value in (("starts", starts), ("ends", ends)):
            if not _TIME.fullmatch(value):
                raise InvalidRequest.of_field(f"items.{index}.{field}", "a time such as 08:30 is expected")
        if number <= last_number:
            raise InvalidRequest.of_field(f"items.{index}.number", "numbers must rise")
        if not last_end <= starts < ends:
            raise InvalidRequest.of_field(f"items.{index}.starts", "a period must end after it starts, none overlap")
        last_number, last_end = number, ends
