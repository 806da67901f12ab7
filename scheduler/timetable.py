"""Periods and bells of a school: what "the third period" means on a date, in a zone, as a UTC interval.

Bells are local wall-clock times; only `slot` and `slots` turn them into instants, and every instant is aware and UTC.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo

from scheduler.errors import MissingTimeError, TimetableError, UnknownPeriodError

LONGEST_NUMBER = 30


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One lesson hour of the school day (节次): local wall-clock times without a zone, whole minutes.

    Raises TimetableError if the number is not 1..30, a time carries a zone or seconds, or it ends before it starts.
    """

    number: int
    starts: time
    ends: time

    def __post_init__(self) -> None:
        if isinstance(self.number, bool) or not 1 <= self.number <= LONGEST_NUMBER:
            raise TimetableError(f"period number {self.number} is not between 1 and {LONGEST_NUMBER}")
        for at in (self.starts, self.ends):
            if at.tzinfo is not None:
                raise TimetableError(f"period {self.number}: a bell is a local time without a zone")
            if at.second or at.microsecond:
                raise TimetableError(f"period {self.number}: bells ring at whole minutes, not at {at}")
        if self.ends <= self.starts:
            raise TimetableError(f"period {self.number} must end after it starts ({self})")

    @property
    def minutes(self) -> int:
        """Length in minutes."""
        return minute_of_day(self.ends) - minute_of_day(self.starts)

    def __str__(self) -> str:
        return f"{self.starts:%H:%M}-{self.ends:%H:%M}"


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """An interval [starts_at, ends_at) in UTC, with the local date and period number it came from."""

    starts_at: datetime
    ends_at: datetime
    on: date
    number: int


@dataclass(frozen=True, slots=True)
class Bells:
    """The periods of one school day in order (作息时间).

    Raises TimetableError if numbers repeat or do not rise with time, or if two periods overlap. Periods may touch.
    """

    periods: tuple[Period, ...]
    _by_number: dict[int, Period] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for earlier, later in zip(self.periods, self.periods[1:], strict=False):
            if later.number <= earlier.number:
                raise TimetableError(f"period {later.number} is listed after period {earlier.number}")
            if later.starts < earlier.ends:
                raise TimetableError(
                    f"period {later.number} ({later}) starts before period {earlier.number} ({earlier}) has ended"
                )
        object.__setattr__(self, "_by_number", {period.number: period for period in self.periods})

    @classmethod
    def of(cls, periods: Iterable[Period]) -> "Bells":
        """Bells from periods in any order."""
        return cls(tuple(sorted(periods)))

    def __iter__(self) -> Iterator[Period]:
        return iter(self.periods)

    def __len__(self) -> int:
        return len(self.periods)

    def period(self, number: int) -> Period:
        """The period of that number. Raises UnknownPeriodError."""
        try:
            return self._by_number[number]
        except KeyError:
            known = ", ".join(str(period.number) for period in self.periods) or "none"
            raise UnknownPeriodError(f"there is no period {number}; the bells have {known}") from None


def minute_of_day(at: time) -> int:
    """Minutes since local midnight."""
    return at.hour * 60 + at.minute


def parse_period(number: int, starts: str, ends: str) -> Period:
    """A period from "HH:MM" strings. Raises TimetableError naming the malformed one."""
    return Period(number, _parse_time(number, starts), _parse_time(number, ends))


def local_to_utc(on: date, at: time, zone: tzinfo) -> datetime:
    """The UTC instant of a local wall-clock time; of an hour that happens twice, the first.

    Raises MissingTimeError if the zone's clocks skip that time on that date.
    """
    local = datetime.combine(on, at.replace(fold=0), tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise MissingTimeError(f"{on} {at:%H:%M} does not exist in {zone}: its clocks skip that time")
    return instant


def slot(bells: Bells, number: int, on: date, zone: tzinfo) -> Slot:
    """The UTC interval of a period on a date. Raises UnknownPeriodError, MissingTimeError."""
    period = bells.period(number)
    return Slot(local_to_utc(on, period.starts, zone), local_to_utc(on, period.ends, zone), on, number)


def slots(bells: Bells, dates: Iterable[date], zone: tzinfo) -> Iterator[Slot]:
    """Every period of every date, in the order given, as UTC intervals; periods the zone's clocks skip are left out."""
    for on in dates:
        for period in bells:
            try:
                yield slot(bells, period.number, on, zone)
            except MissingTimeError:
                continue


def _parse_time(number: int, text: str) -> time:
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()
    except ValueError:
        raise TimetableError(f"period {number}: {text!r} is not a time like 08:30") from None
