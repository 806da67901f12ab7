"""Bells: the periods of a school day. A school without bells of its own rings those of the nearest node above it.

Bells of its own are the usual ones or those of a season; of seasons that have begun the latest rings, and before the
first of them the nearest usual bells.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.organisation.tables import Organisation, Period
from service.organisation.tree import ancestor_ids
from service.planning.tables import SeasonPeriod
from service.problems import InvalidRequest

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Bells:
    """The periods in force somewhere, by number, and whose they are (None when nobody has any)."""

    organisation_id: str | None
    periods: Sequence[Period | SeasonPeriod]
    since: date | None = None
    """The first day of the season whose they are; None for the usual bells."""


class Ringing:
    """What rings at one organisation, read once for any number of days."""

    def __init__(self, session: Session, organisation: Organisation) -> None:
        ids = ancestor_ids(organisation.path)
        usual: dict[str, list[Period]] = defaultdict(list)
        for row in session.scalars(select(Period).where(Period.organisation_id.in_(ids)).order_by(Period.number)):
            usual[row.organisation_id].append(row)
        seasons: dict[str, dict[date, list[SeasonPeriod]]] = defaultdict(lambda: defaultdict(list))
        statement = select(SeasonPeriod).where(SeasonPeriod.organisation_id.in_(ids))
        for one in session.scalars(statement.order_by(SeasonPeriod.from_day, SeasonPeriod.number)):
            seasons[one.organisation_id][one.from_day].append(one)
        nearest = list(reversed(ids))
        self.usual = next((Bells(one, usual[one]) for one in nearest if one in usual), Bells(None, ()))
        self.owner = next((one for one in nearest if one in usual or one in seasons), None)
        self.seasons = dict(seasons[self.owner]) if self.owner in seasons else {}

    def on(self, day: date) -> Bells:
        """The bells of a day."""
        begun = [one for one in self.seasons if one <= day]
        return Bells(self.owner, self.seasons[max(begun)], max(begun)) if begun else self.usual


def effective_bells(session: Session, organisation: Organisation, on: date | None = None) -> Bells:
    """The bells that ring at `organisation` on a day; without one the usual bells, whatever the season."""
    ringing = Ringing(session, organisation)
    return ringing.usual if on is None else ringing.on(on)


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
