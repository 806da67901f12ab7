"""Weekly series of paired lessons and the people, rooms and classes that take part.

A series says "every Tuesday, third period of the lead school"; `occurrences` says on which dates that really happens.
"""

from dataclasses import dataclass
from datetime import date, datetime, time

from scheduler.calendar.terms import Weeks
from scheduler.errors import CalendarError


@dataclass(frozen=True, slots=True)
class LeadSide:
    """Who leads: school, room, teacher and, in a synchronous lesson, the class that sits in front of the teacher."""

    school_id: str
    room_id: str
    teacher_id: str
    class_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivingSide:
    """One receiving room with its class and accompanying teacher."""

    id: str
    school_id: str
    room_id: str
    class_id: str | None = None
    teacher_id: str | None = None


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """One weekly hour of a series: a weekday (0 = Monday) and a period of the lead school, in every, odd or even weeks.

    `receiving_periods` gives, for a receiving side's id, the period its class keeps free for the lesson; the lesson
    must then lie in it by at least three quarters and touch no other period.
    """

    id: str
    weekday: int
    period: int
    weeks: Weeks = "every"
    receiving_periods: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6:
            raise CalendarError(f"weekday {self.weekday} is not between 0 (Monday) and 6 (Sunday)")

    def period_of(self, receiver_id: str) -> int | None:
        """The period a receiving side keeps free for it, if one is given."""
        return dict(self.receiving_periods).get(receiver_id)


@dataclass(frozen=True, slots=True)
class WeeklySeries:
    """A paired lesson that repeats weekly from a day to a day, both included."""

    id: str
    title: str
    lead: LeadSide
    receivers: tuple[ReceivingSide, ...]
    weekly: tuple[WeeklyTime, ...]
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise CalendarError(f"series {self.id} ends on {self.last_day}, before it starts on {self.first_day}")
        _unique("weekly times", [one.id for one in self.weekly])
        _unique("receiving sides", [one.id for one in self.receivers])


@dataclass(frozen=True, slots=True)
class Skip:
    """One lesson of the series does not take place."""

    occurrence_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Restore:
    """One lesson takes place again as the series has it: undoes Skip and Move."""

    occurrence_id: str


@dataclass(frozen=True, slots=True)
class Move:
    """One lesson takes place at another time, or with another room or teacher; None keeps what the series has.

    Times are aware and given together. A moved lesson is attended by every receiving side: people agreed on the time.
    """

    occurrence_id: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    room_id: str | None = None
    teacher_id: str | None = None

    def __post_init__(self) -> None:
        if (self.starts_at is None) != (self.ends_at is None):
            raise CalendarError(f"{self.occurrence_id}: a move gives both its start and its end, or neither")
        if self.starts_at is not None and self.ends_at is not None:
            if self.starts_at.utcoffset() is None or self.ends_at.utcoffset() is None:
                raise CalendarError(f"{self.occurrence_id}: the new time has no zone")
            if self.ends_at <= self.starts_at:
                raise CalendarError(f"{self.occurrence_id}: the lesson must end after it starts")


@dataclass(frozen=True, slots=True)
class ChangeRest:
    """From a date on, the rest of the series has other weekly times, lead or receiving sides; None keeps them."""

    from_day: date
    weekly: tuple[WeeklyTime, ...] | None = None
    lead: LeadSide | None = None
    receivers: tuple[ReceivingSide, ...] | None = None


@dataclass(frozen=True, slots=True)
class EndRest:
    """From a date on there are no more lessons."""

    from_day: date


@dataclass(frozen=True, slots=True)
class Extra:
    """A lesson outside the weekly pattern, on a date, by local wall-clock times of the lead school."""

    id: str
    on: date
    starts: time
    ends: time

    def __post_init__(self) -> None:
        if self.ends <= self.starts:
            raise CalendarError(f"extra lesson {self.id} must end after it starts")


Edit = Skip | Restore | Move | ChangeRest | EndRest | Extra


def _unique(what: str, ids: list[str]) -> None:
    if len(set(ids)) != len(ids):
        raise CalendarError(f"two {what} have the same id ({', '.join(ids)})")
