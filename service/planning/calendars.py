"""Each school's calendar for a term: bells by season, holidays and make-up days, from the rows of it and above it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.calendar.school_days import SchoolCalendar, Season
from scheduler.calendar.school_days import SpecialDay as Day
from scheduler.calendar.terms import Term as CalendarTerm
from scheduler.errors import TimetableError
from scheduler.timetable import Bells, parse_period
from service.organisation.tables import Organisation, Period, Term
from service.organisation.tree import ancestor_ids
from service.planning.tables import SeasonPeriod, SpecialDay
from service.problems import Conflict

ROWS_AT_ONCE = 500
"""Most ids in one IN list; databases limit the parameters of a statement."""


def school_calendars(
    session: Session, schools: Iterable[Organisation], term: Term, zone: ZoneInfo
) -> dict[str, SchoolCalendar]:
    """A calendar for every school that rings any bells on the term's first day; the others are left out.

    Raises Conflict `bells_unusable` naming an organisation whose bells contradict themselves.
    """
    schools = list(schools)
    known = _Rows(session, {identity for school in schools for identity in ancestor_ids(school.path)})
    frame = CalendarTerm(term.id, term.starts_on, term.ends_on)
    calendars: dict[str, SchoolCalendar] = {}
    for school in schools:
        above = ancestor_ids(school.path)
        seasons = known.seasons(above, term.starts_on)
        if seasons:
            layers = [known.days.get(identity, []) for identity in above]
            calendars[school.id] = SchoolCalendar.layered(school.id, frame, zone, seasons, *layers)
    return calendars


class _Rows:
    """The rows of bells and special days of some organisations, in as few queries as can be."""

    def __init__(self, session: Session, ids: set[str]) -> None:
        self._bells: dict[str, dict[date | None, list[tuple[int, str, str]]]] = defaultdict(lambda: defaultdict(list))
        self.days: dict[str, list[Day]] = defaultdict(list)
        for some in in_batches(ids):
            for period in session.scalars(select(Period).where(Period.organisation_id.in_(some))):
                self._bells[period.organisation_id][None].append((period.number, period.starts, period.ends))
            for row in session.scalars(select(SeasonPeriod).where(SeasonPeriod.organisation_id.in_(some))):
                self._bells[row.organisation_id][row.from_day].append((row.number, row.starts, row.ends))
            for day in session.scalars(select(SpecialDay).where(SpecialDay.organisation_id.in_(some))):
                self.days[day.organisation_id].append(
                    Day(day.day, day.runs, day.name, day.of_week)  # type: ignore[arg-type]
                )

    def seasons(self, above: list[str], first_day: date) -> list[Season]:
        """The seasons of the nearest organisation with bells; before its first the nearest plain bells ring."""
        own = next((identity for identity in reversed(above) if identity in self._bells), None)
        if own is None:
            return []
        dated = {day: _bells(own, rows) for day, rows in self._bells[own].items() if day is not None}
        begun = [day for day in dated if day <= first_day]
        seasons = [Season(day, bells) for day, bells in dated.items() if day > first_day]
        if begun:
            return [Season(first_day, dated[max(begun)]), *seasons]
        plain = next((i for i in reversed(above) if None in self._bells.get(i, {})), None)
        if plain is None:
            return []
        return [Season(first_day, _bells(plain, self._bells[plain][None])), *seasons]


def in_batches(ids: Iterable[str]) -> Iterable[list[str]]:
    """The ids in lists short enough for one statement, in order."""
    ordered = sorted(set(ids))
    return (ordered[at : at + ROWS_AT_ONCE] for at in range(0, len(ordered), ROWS_AT_ONCE))


def bells_on(calendars: Mapping[str, SchoolCalendar], on: date) -> dict[str, Bells]:
    """The bells of each school on one date."""
    return {school: calendar.bells(on) for school, calendar in calendars.items()}


def _bells(organisation_id: str, rows: list[tuple[int, str, str]]) -> Bells:
    try:
        return Bells.of(parse_period(*row) for row in rows)
    except TimetableError as error:
        raise Conflict(
            f"The bells of organisation {organisation_id} cannot be used: {error}", code="bells_unusable"
        ) from error
