"""What each school does on each date: which weekday's timetable runs, in an odd or even week, by which season's bells.

A holiday or a make-up day (调休) comes from the nation, the county or the school itself; the nearest one wins. Which
weekday a make-up day runs is always an input: no public list knows it, and two schools of one county may differ.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Literal

from scheduler.calendar.terms import WEEKDAY_NAMES, Term
from scheduler.errors import CalendarError
from scheduler.timetable import Bells, Slot, local_to_utc, slots

FRIDAY = 4


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date that does not run as its own weekday.

    `runs` is None for a day off, else the weekday (0 = Monday) whose timetable runs. `of_week` says that the odd or the
    even week's timetable runs ("补单周周四课程"); None: that of the week the date lies in.
    """

    on: date
    runs: int | None
    name: str = ""
    of_week: Literal["odd", "even"] | None = None

    def __post_init__(self) -> None:
        if self.runs is not None and not 0 <= self.runs <= 6:
            raise CalendarError(f"{self.on}: weekday {self.runs} is not between 0 (Monday) and 6 (Sunday)")
        if self.runs is None and self.of_week is not None:
            raise CalendarError(f"{self.on}: a day off runs no timetable, so none of an {self.of_week} week")


@dataclass(frozen=True, slots=True)
class Season:
    """Bells that ring from a date on, until the next season begins (夏季/冬季作息)."""

    from_day: date
    bells: Bells
    name: str = ""


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """A date on which a school teaches: weekday (0 = Monday) and week parity of the timetable that runs; its bells."""

    on: date
    weekday: int
    week: int
    odd_week: bool
    bells: Bells
    make_up: bool

    def __str__(self) -> str:
        return f"{self.on} as {WEEKDAY_NAMES[self.weekday]} of an {'odd' if self.odd_week else 'even'} week"


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """One school's term: seasons of bells and special days over the usual Monday to Friday, in its zone.

    Raises CalendarError if there is no season on the first day of the term, or two seasons or special days on one date.
    """

    school_id: str
    term: Term
    zone: tzinfo
    seasons: tuple[Season, ...]
    special_days: tuple[SpecialDay, ...] = ()
    _by_date: dict[date, SpecialDay] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [season.from_day for season in self.seasons]
        if not starts or starts[0] > self.term.first_day:
            raise CalendarError(f"school {self.school_id} has no bells on {self.term.first_day}, the term's first day")
        if any(later <= earlier for earlier, later in itertools.pairwise(starts)):
            raise CalendarError(f"school {self.school_id}: each season must begin after the one listed before it")
        by_date = {day.on: day for day in self.special_days}
        if len(by_date) != len(self.special_days):
            twice = next(day.on for day in self.special_days if by_date[day.on] is not day)
            raise CalendarError(f"school {self.school_id} has two special days on {twice}")
        object.__setattr__(self, "_by_date", by_date)

    @classmethod
    def layered(
        cls,
        school_id: str,
        term: Term,
        zone: tzinfo,
        seasons: Iterable[Season],
        *layers: Sequence[SpecialDay],
    ) -> "SchoolCalendar":
        """A calendar whose special days come from layers (nation, county, school): on one date the last layer wins."""
        merged: dict[date, SpecialDay] = {}
        for layer in layers:
            merged |= {day.on: day for day in layer}
        days = tuple(merged[on] for on in sorted(merged))
        return cls(school_id, term, zone, tuple(sorted(seasons, key=lambda season: season.from_day)), days)

    def day(self, on: date) -> SchoolDay | None:
        """What the school runs on a date; None if it does not teach (weekend, holiday, outside the term)."""
        if on not in self.term:
            return None
        special = self._by_date.get(on)
        if special is None:
            weekday: int | None = on.weekday() if on.weekday() <= FRIDAY else None
        else:
            weekday = special.runs
        if weekday is None:
            return None
        week = self.term.week_of(on)
        odd = week % 2 == 1
        if special is not None and special.of_week is not None:
            odd = special.of_week == "odd"
        return SchoolDay(on, weekday, week, odd, self.bells(on), special is not None)

    def bells(self, on: date) -> Bells:
        """The bells of the season that holds on a date."""
        current = self.seasons[0]
        for season in self.seasons:
            if season.from_day <= on:
                current = season
        return current.bells

    def days(self) -> Iterator[SchoolDay]:
        """Every day of the term on which the school teaches, in order."""
        for on in self.term.days():
            day = self.day(on)
            if day is not None:
                yield day

    def slots(self, dates: Iterable[date]) -> Iterator[Slot]:
        """Every period, as a UTC interval, of those of the dates on which the school teaches."""
        for on in dates:
            day = self.day(on)
            if day is not None:
                yield from slots(day.bells, [on], self.zone)

    def local_interval(self, starts_at: datetime, ends_at: datetime) -> tuple[datetime, datetime]:
        """An interval as this school's wall clock shows it."""
        return starts_at.astimezone(self.zone), ends_at.astimezone(self.zone)

    def period_interval(self, on: date, number: int) -> tuple[datetime, datetime]:
        """A period of a date as a UTC interval, by that day's bells. Raises UnknownPeriodError, MissingTimeError."""
        period = self.bells(on).period(number)
        return local_to_utc(on, period.starts, self.zone), local_to_utc(on, period.ends, self.zone)
