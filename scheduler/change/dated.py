"""A proposal as dated lessons: which day, which hour, what is lost, gained or led by someone else, and who is told.

Weekly times of the planner are minutes of the lead school's week; a date counts only if both schools run that weekday.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

from scheduler.calendar.school_days import SchoolCalendar, SchoolDay
from scheduler.change.proposals import Proposal
from scheduler.check.week_plan import Pairing
from scheduler.errors import CalendarError
from scheduler.instance.snapshot import DAY_MINUTES, Snapshot
from scheduler.timetable import local_to_utc

Action = Literal["lost", "gained", "led_by_other"]


@dataclass(frozen=True, slots=True, order=True)
class DatedChange:
    """One dated lesson that changes; times are UTC. `demand` is empty where every class of the lesson is meant."""

    starts_at: datetime
    ends_at: datetime
    action: Action
    series: str
    demand: str
    teacher: str
    studio: str
    told: tuple[str, ...]


def dated_changes(
    snapshot: Snapshot,
    calendars: Mapping[str, SchoolCalendar],
    proposal: Proposal,
    from_day: date,
    to_day: date,
) -> tuple[DatedChange, ...]:
    """The lessons from a day to a day, both included, that the proposal changes, in order.

    `calendars` maps school ids. Raises CalendarError for a school without one.
    """
    dating = _Dating(snapshot, calendars, from_day, to_day)
    found: list[DatedChange] = []
    for change in proposal.changes:
        before = set(change.before.times) if change.before else set()
        after = set(change.after.times) if change.after else set()
        if change.before and change.after and change.before.series == change.after.series:
            before, after = before - after, after - before
        if change.before:
            found += dating.attendances("lost", change.before, before)
        if change.after:
            found += dating.attendances("gained", change.after, after)
    for one in sorted(set(proposal.substitutions_after) - set(proposal.substitutions_before)):
        found += dating.lessons("led_by_other", one.series, one.time, (one.teacher, one.studio))
    return tuple(sorted(found))


class _Dating:
    def __init__(
        self, snapshot: Snapshot, calendars: Mapping[str, SchoolCalendar], from_day: date, to_day: date
    ) -> None:
        self._snapshot = snapshot
        self._calendars = calendars
        self._from_day, self._to_day = from_day, to_day

    def attendances(self, action: Action, pairing: Pairing, times: set[int]) -> Iterator[DatedChange]:
        snapshot = self._snapshot
        series = snapshot.series_of[pairing.series]
        school = snapshot.class_of[snapshot.demand_of[pairing.demand].class_id].school
        told = ("school:" + school, "teacher:" + series.teacher)
        for index in sorted(times):
            for day, starts_at, ends_at in self._dates(pairing.series, index):
                receiving = self._calendar(school).day(day.on)
                if receiving is not None and receiving.weekday == day.weekday:
                    yield DatedChange(
                        starts_at, ends_at, action, series.id, pairing.demand, series.teacher, series.studio, told
                    )

    def lessons(self, action: Action, series_id: str, index: int, led: tuple[str, str]) -> Iterator[DatedChange]:
        teacher, studio = led
        told = ("teacher:" + self._snapshot.series_of[series_id].teacher, "teacher:" + teacher)
        for _, starts_at, ends_at in self._dates(series_id, index):
            yield DatedChange(starts_at, ends_at, action, series_id, "", teacher, studio, tuple(sorted(set(told))))

    def _dates(self, series_id: str, index: int) -> Iterator[tuple[SchoolDay, datetime, datetime]]:
        series = self._snapshot.series_of[series_id]
        calendar = self._calendar(self._snapshot.teacher_of[series.teacher].school)
        start, end = series.times[index]
        for day in calendar.days():
            if self._from_day <= day.on <= self._to_day and day.weekday == start // DAY_MINUTES:
                starts_at = local_to_utc(day.on, _clock(start), calendar.zone)
                yield day, starts_at, local_to_utc(day.on, _clock(end), calendar.zone)

    def _calendar(self, school: str) -> SchoolCalendar:
        try:
            return self._calendars[school]
        except KeyError:
            raise CalendarError(f"school {school} has no calendar") from None


def _clock(minute_of_week: int) -> time:
    return time(*divmod(minute_of_week % DAY_MINUTES, 60))
