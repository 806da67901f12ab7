"""Lessons of a plan after bells were moved: each rings with its lead school now, and who cannot follow attends less.

The bells are changed first (page "Organisation", or an import); then this says what it means for the lessons booked.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.calendar.school_days import SchoolCalendar
from scheduler.errors import TimetableError
from scheduler.instance.snapshot import DAY_MINUTES
from scheduler.instance.week import FreeTime, short_breaks
from service.lessons.tables import Lesson, Receiver
from service.organisation.tables import Organisation
from service.planning.calendars import in_batches, school_calendars
from service.planning.freezing import breaks_of, week_interval
from service.planning.plan_tables import Plan
from service.planning.tables import ClassPeriod, LeadSeries


@dataclass(frozen=True)
class Rung:
    """When a lesson rings now, None if its period is gone; and the receivers whose class is not free then."""

    times: tuple[datetime, datetime] | None
    cannot: tuple[Receiver, ...]


class NewBells:
    """The bells and calendars as they are now, for some lessons of a plan."""

    def __init__(self, session: Session, plan: Plan, lessons: Iterable[Lesson], zone: ZoneInfo) -> None:
        lessons = list(lessons)
        self._zone = zone
        schools: dict[str, Organisation] = {one.lead_school_id: one.lead_school for one in lessons}
        for receiver in (receiver for one in lessons for receiver in one.receivers):
            schools[receiver.room.organisation_id] = receiver.room.school
        self._calendars = school_calendars(session, schools.values(), plan.term, zone)
        classes = {receiver.class_id for one in lessons for receiver in one.receivers if receiver.class_id}
        self._free = _free_periods(session, classes)

    def rings(self, lesson: Lesson, series: LeadSeries, index: int, on: date) -> Rung:
        """When the lesson of a date rings, and who cannot attend it then."""
        times = self._times(series, index, on)
        if times is None:
            return Rung(None, ())
        cannot = [one for one in lesson.receivers if one.counts and not self._is_free(one, on, *times)]
        return Rung(times, tuple(cannot))

    def _times(self, series: LeadSeries, index: int, on: date) -> tuple[datetime, datetime] | None:
        calendar = self._calendars.get(series.organisation_id)
        hours = sorted((one.weekday, one.period) for one in series.times)
        if calendar is None or index >= len(hours):
            return None
        try:
            return calendar.period_interval(on, hours[index][1])
        except TimetableError:
            return None

    def _is_free(self, receiver: Receiver, on: date, starts_at: datetime, ends_at: datetime) -> bool:
        """By the class's timetable; a receiver without class or bells attends whenever."""
        calendar = self._calendars.get(receiver.room.organisation_id)
        if receiver.class_id is None or calendar is None:
            return True
        day = calendar.day(on)
        if day is None:
            return False
        free = self._free_time(calendar, receiver.class_id, on, day.weekday)
        start, end = (_minute(at, self._zone) for at in (starts_at, ends_at))
        return free.offset(day.weekday * DAY_MINUTES + start, day.weekday * DAY_MINUTES + end) is not None

    def _free_time(self, calendar: SchoolCalendar, class_id: str, on: date, weekday: int) -> FreeTime:
        bells = calendar.bells(on)
        spans = (week_interval(bells, weekday, period) for period in self._free.get((class_id, weekday), ()))
        return FreeTime((span for span in spans if span is not None), short_breaks(breaks_of(bells)))


def _free_periods(session: Session, classes: Iterable[str]) -> Mapping[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for some in in_batches(classes):
        for row in session.scalars(select(ClassPeriod).where(ClassPeriod.class_id.in_(some), ClassPeriod.free)):
            found[row.class_id, row.weekday].append(row.period)
    return found


def _minute(at: datetime, zone: ZoneInfo) -> int:
    local = at.astimezone(zone)
    return 5 * round((local.hour * 60 + local.minute) / 5)
