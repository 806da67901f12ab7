"""Times in query strings: a date of the deployment's zone or an instant; `to` includes the whole day it names."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query

from service.lessons.schemas import EARLIEST_YEAR, LATEST_YEAR
from service.problems import InvalidRequest

DATE_LENGTH = len("2026-11-22")

From = Annotated[
    str | None,
    Query(
        alias="from", max_length=40, description="Date (YYYY-MM-DD, deployment's zone) or instant (ISO 8601 with zone)."
    ),
]
To = Annotated[
    str | None,
    Query(
        alias="to", max_length=40, description="Date, whole day included, or instant (ISO 8601 with zone), excluded."
    ),
]


def interval_of(starts: str | None, ends: str | None, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Give [from, to) in UTC. Raises InvalidRequest naming the parameter that is no time, or an order reversed."""
    first = None if not starts else _moment("from", starts, zone, end_of_day=False)
    last = None if not ends else _moment("to", ends, zone, end_of_day=True)
    if first is not None and last is not None and last < first:
        raise InvalidRequest.of_field("to", "must not be before from")
    return first, last


def _moment(field: str, text: str, zone: ZoneInfo, *, end_of_day: bool) -> datetime:
    try:
        if len(text) == DATE_LENGTH:
            day = date.fromisoformat(text)
            _check_year(field, day.year)
            day += timedelta(days=1) if end_of_day else timedelta()
            return datetime.combine(day, time(), zone).astimezone(UTC)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest.of_field(field, "must be like 2026-09-01 or 2026-09-01T08:00:00Z") from None
    if instant.tzinfo is None:
        raise InvalidRequest.of_field(field, "a time of day needs its zone, such as Z or +08:00")
    _check_year(field, instant.year)
    return instant.astimezone(UTC)


def _check_year(field: str, year: int) -> None:
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise InvalidRequest.of_field(field, f"must be between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
