"""Terms and teaching weeks: week 1 is the calendar week (Monday to Sunday) that holds the first day of the term.

Weeks are counted through holidays, as schools print them, so that odd and even weeks (单双周) stay where people expect.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from scheduler.errors import CalendarError

Weeks = Literal["every", "odd", "even"]
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Term:
    """A term with its first and last day, both included. Raises CalendarError if it ends before it starts."""

    id: str
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise CalendarError(f"term {self.id} ends on {self.last_day}, before it starts on {self.first_day}")
        if (self.last_day - self.first_day).days > 366:
            raise CalendarError(f"term {self.id} is longer than a year ({self.first_day} to {self.last_day})")

    def __contains__(self, on: date) -> bool:
        return self.first_day <= on <= self.last_day

    def days(self) -> Iterator[date]:
        """Every date of the term, weekends and holidays included."""
        for offset in range((self.last_day - self.first_day).days + 1):
            yield self.first_day + timedelta(days=offset)

    def week_of(self, on: date) -> int:
        """The number of the teaching week that holds the date, from 1. Raises CalendarError outside the term."""
        if on not in self:
            raise CalendarError(f"{on} is not in term {self.id} ({self.first_day} to {self.last_day})")
        return (_monday(on) - _monday(self.first_day)).days // 7 + 1

    @property
    def weeks(self) -> int:
        """How many teaching weeks the term has."""
        return self.week_of(self.last_day)


def week_is(number: int, weeks: Weeks) -> bool:
    """Whether a teaching week of that number is meant by "every", "odd" or "even"."""
    return weeks == "every" or (number % 2 == 1) == (weeks == "odd")


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())
