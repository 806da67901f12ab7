"""When a lesson may be: the plain rules for its start and end. Pure; the moment of asking is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta

JOINING_OPENS_BEFORE = timedelta(minutes=15)
ENDS_BY_ITSELF_AFTER = timedelta(minutes=10)
SHORTEST = timedelta(minutes=5)
LONGEST = timedelta(hours=4)
LATE_BOOKING = timedelta(minutes=5)
FURTHEST_AHEAD = timedelta(days=400)


@dataclass(frozen=True)
class TimeFault:
    """Why a time is refused: the request's field and a sentence for the person who asked."""

    field: str
    message: str


def fault_of_times(starts_at: datetime, ends_at: datetime, now: datetime) -> TimeFault | None:
    """Say what is wrong with a lesson from `starts_at` to `ends_at` booked at `now` (all aware), or None."""
    if ends_at <= starts_at:
        return TimeFault("ends_at", "The lesson must end after it starts.")
    length = ends_at - starts_at
    if length < SHORTEST:
        return TimeFault("ends_at", f"A lesson lasts at least {_minutes(SHORTEST)} minutes.")
    if length > LONGEST:
        return TimeFault("ends_at", f"A lesson lasts at most {_minutes(LONGEST)} minutes.")
    if starts_at < now - LATE_BOOKING:
        return TimeFault("starts_at", "This time has already passed.")
    if starts_at > now + FURTHEST_AHEAD:
        return TimeFault("starts_at", f"A lesson can be booked at most {FURTHEST_AHEAD.days} days ahead.")
    return None


def is_open_for_joining(state: str, starts_at: datetime, now: datetime) -> bool:
    """Tell whether parties may connect: from 15 minutes before the start until the lesson is over."""
    return state == "live" or (state == "booked" and now >= starts_at - JOINING_OPENS_BEFORE)


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)
