"""Dated lessons of a weekly series, across the calendars of the lead school and of every receiving school.

The lead school's calendar decides on which dates a lesson falls; a receiving side attends where its own school teaches
the same weekday's timetable that day and its bells leave the time free. Edits are replayed in order over that pattern.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from scheduler.calendar.school_days import SchoolCalendar, SchoolDay
from scheduler.calendar.series import (
    ChangeRest,
    Edit,
    EndRest,
    Extra,
    LeadSide,
    Move,
    ReceivingSide,
    Restore,
    Skip,
    WeeklySeries,
    WeeklyTime,
)
from scheduler.clashes import Claim, Resource, to_utc
from scheduler.errors import CalendarError
from scheduler.timetable import local_to_utc, minute_of_day

AbsenceReason = Literal["school_closed", "other_weekday", "other_week", "no_such_period", "outside_period"]
INSIDE_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Absence:
    """A receiving side that cannot attend a lesson, and why."""

    receiver_id: str
    reason: AbsenceReason


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One dated lesson of a series; its times are UTC.

    `id` and `on`, the date the pattern gave it, stay under moves; `sequence` rises with every edit that touched it.
    """

    id: str
    series_id: str
    title: str
    on: date
    starts_at: datetime
    ends_at: datetime
    lead: LeadSide
    attending: tuple[ReceivingSide, ...]
    absent: tuple[Absence, ...] = ()
    state: Literal["planned", "moved", "skipped"] = "planned"
    sequence: int = 0
    reason: str = ""

    @property
    def takes_place(self) -> bool:
        """Whether anyone is paired: not skipped, and at least one receiving side attends."""
        return self.state != "skipped" and bool(self.attending)


def occurrence_id(series_id: str, on: date, weekly_id: str) -> str:
    """The id of the lesson that a weekly time of a series gives on a date; moving the lesson does not change it."""
    return f"{series_id}.{on:%Y%m%d}.{weekly_id}"


def expand(
    series: WeeklySeries, calendars: Mapping[str, SchoolCalendar], edits: Sequence[Edit] = ()
) -> tuple[Occurrence, ...]:
    """All lessons of a series with edits applied, also skipped ones, ordered by time then id.

    `calendars` maps school ids. Raises CalendarError if a school has no calendar or an edit names no lesson of it.
    """
    expansion = _Expansion(series, calendars)
    for edit in edits:
        expansion.apply(edit)
    return tuple(sorted(expansion.lessons.values(), key=lambda lesson: (lesson.starts_at, lesson.id)))


def claims_of(lessons: Iterable[Occurrence]) -> tuple[Claim, ...]:
    """What the lessons that take place claim: lead room, lead teacher, lead class, and each attending side's."""
    claims: list[Claim] = []
    for lesson in lessons:
        if not lesson.takes_place:
            continue
        wanted: list[Resource] = [Resource("room", lesson.lead.room_id), Resource("teacher", lesson.lead.teacher_id)]
        if lesson.lead.class_id is not None:
            wanted.append(Resource("class", lesson.lead.class_id))
        for side in lesson.attending:
            wanted.append(Resource("room", side.room_id))
            if side.class_id is not None:
                wanted.append(Resource("class", side.class_id))
            if side.teacher_id is not None:
                wanted.append(Resource("teacher", side.teacher_id))
        claims += [Claim(resource, lesson.starts_at, lesson.ends_at, lesson.id) for resource in wanted]
    return tuple(claims)


class _Expansion:
    """Lessons of a series while edits are replayed: the pattern's versions by first day, and the extra lessons."""

    def __init__(self, series: WeeklySeries, calendars: Mapping[str, SchoolCalendar]) -> None:
        self._calendars = calendars
        self._versions = [series]
        self._extras: dict[str, Occurrence] = {}
        self.lessons = {lesson.id: lesson for lesson in self._pattern(series)}

    def apply(self, edit: Edit) -> None:
        match edit:
            case Skip():
                lesson = self._named(edit.occurrence_id)
                self._put(replace(lesson, state="skipped", reason=edit.reason))
            case Restore():
                self._put(self._original(self._named(edit.occurrence_id)))
            case Move():
                self._move(edit)
            case ChangeRest():
                self._change_rest(edit)
            case EndRest():
                self._end_rest(edit.from_day)
            case Extra():
                self._add_extra(edit)

    def _pattern(self, version: WeeklySeries) -> list[Occurrence]:
        for school_id in {version.lead.school_id, *(one.school_id for one in version.receivers)}:
            _calendar(self._calendars, school_id)
        return list(_dated(version, self._calendars, version.first_day, version.last_day))

    def _version_on(self, on: date) -> WeeklySeries:
        return next(version for version in reversed(self._versions) if version.first_day <= on)

    def _named(self, identity: str) -> Occurrence:
        try:
            return self.lessons[identity]
        except KeyError:
            raise CalendarError(f"there is no lesson {identity} in the series") from None

    def _put(self, lesson: Occurrence) -> None:
        before = self.lessons.get(lesson.id)
        self.lessons[lesson.id] = replace(lesson, sequence=0 if before is None else before.sequence + 1)

    def _original(self, lesson: Occurrence) -> Occurrence:
        if lesson.id in self._extras:
            return self._extras[lesson.id]
        for one in _dated(self._version_on(lesson.on), self._calendars, lesson.on, lesson.on):
            if one.id == lesson.id:
                return one
        raise CalendarError(f"lesson {lesson.id} is no longer part of the series; add an extra lesson instead")

    def _move(self, edit: Move) -> None:
        lesson = self._named(edit.occurrence_id)
        if lesson.state == "skipped":
            raise CalendarError(f"lesson {lesson.id} is skipped; restore it before moving it")
        lead = replace(
            lesson.lead,
            room_id=edit.room_id or lesson.lead.room_id,
            teacher_id=edit.teacher_id or lesson.lead.teacher_id,
        )
        moved = replace(lesson, lead=lead, state="moved", reason="")
        if edit.starts_at is not None and edit.ends_at is not None:
            moved = replace(
                moved,
                starts_at=to_utc(edit.starts_at),
                ends_at=to_utc(edit.ends_at),
                attending=self._version_on(lesson.on).receivers,
                absent=(),
            )
        self._put(moved)

    def _end_rest(self, from_day: date, *, keep_extras: bool = False) -> WeeklySeries:
        """Skips every lesson from that day on and gives the version that held then, cut to the days from there."""
        first, last = self._versions[0].first_day, self._versions[0].last_day
        if not first <= from_day <= last:
            raise CalendarError(f"{from_day} is not in series {self._versions[0].id} ({first} to {last})")
        base = replace(self._version_on(from_day), first_day=from_day)
        for lesson in list(self.lessons.values()):
            if lesson.on >= from_day and not (keep_extras and lesson.id in self._extras):
                self._put(replace(lesson, state="skipped", reason="series_changed"))
        self._versions = [version for version in self._versions if version.first_day < from_day]
        self._versions.append(replace(base, weekly=()))
        return base

    def _change_rest(self, edit: ChangeRest) -> None:
        base = self._end_rest(edit.from_day, keep_extras=True)
        changed = replace(
            base,
            weekly=base.weekly if edit.weekly is None else edit.weekly,
            lead=edit.lead or base.lead,
            receivers=base.receivers if edit.receivers is None else edit.receivers,
        )
        self._versions[-1] = changed
        for lesson in self._pattern(changed):
            self._put(lesson)

    def _add_extra(self, edit: Extra) -> None:
        version = self._version_on(max(edit.on, self._versions[0].first_day))
        identity = occurrence_id(version.id, edit.on, f"extra-{edit.id}")
        if identity in self.lessons:
            raise CalendarError(f"series {version.id} already has the extra lesson {edit.id} on {edit.on}")
        zone = _calendar(self._calendars, version.lead.school_id).zone
        self._extras[identity] = Occurrence(
            identity,
            version.id,
            version.title,
            edit.on,
            local_to_utc(edit.on, edit.starts, zone),
            local_to_utc(edit.on, edit.ends, zone),
            version.lead,
            version.receivers,
        )
        self._put(self._extras[identity])


def _dated(
    series: WeeklySeries, calendars: Mapping[str, SchoolCalendar], first_day: date, last_day: date
) -> Iterable[Occurrence]:
    lead_calendar = _calendar(calendars, series.lead.school_id)
    for day in lead_calendar.days():
        if not first_day <= day.on <= last_day:
            continue
        for weekly in series.weekly:
            if weekly.weekday == day.weekday and _in_week(weekly, day):
                yield _occurrence(series, weekly, day, calendars)


def _in_week(weekly: WeeklyTime, day: SchoolDay) -> bool:
    return weekly.weeks == "every" or (weekly.weeks == "odd") == day.odd_week


def _occurrence(
    series: WeeklySeries, weekly: WeeklyTime, day: SchoolDay, calendars: Mapping[str, SchoolCalendar]
) -> Occurrence:
    starts_at, ends_at = _calendar(calendars, series.lead.school_id).period_interval(day.on, weekly.period)
    attending: list[ReceivingSide] = []
    absent: list[Absence] = []
    for side in series.receivers:
        calendar = _calendar(calendars, side.school_id)
        reason = _why_absent(calendar, weekly, side.id, day, (starts_at, ends_at))
        if reason is None:
            attending.append(side)
        else:
            absent.append(Absence(side.id, reason))
    identity = occurrence_id(series.id, day.on, weekly.id)
    return Occurrence(
        identity, series.id, series.title, day.on, starts_at, ends_at, series.lead, tuple(attending), tuple(absent)
    )


def _why_absent(
    calendar: SchoolCalendar,
    weekly: WeeklyTime,
    receiver_id: str,
    lead_day: SchoolDay,
    interval: tuple[datetime, datetime],
) -> AbsenceReason | None:
    day = calendar.day(lead_day.on)
    if day is None:
        return "school_closed"
    if day.weekday != lead_day.weekday:
        return "other_weekday"
    if weekly.weeks != "every" and day.odd_week != lead_day.odd_week:
        return "other_week"
    period_number = weekly.period_of(receiver_id)
    if period_number is None:
        return None
    return _why_outside(calendar, day, period_number, *interval)


def _why_outside(
    calendar: SchoolCalendar, day: SchoolDay, period_number: int, starts_at: datetime, ends_at: datetime
) -> AbsenceReason | None:
    """A lesson may reach into the breaks around its period, into no other period, and lies in it by three quarters."""
    local_start, local_end = calendar.local_interval(starts_at, ends_at)
    first, last = minute_of_day(local_start.time()), minute_of_day(local_end.time())
    if all(period.number != period_number for period in day.bells):
        return "no_such_period"
    for period in day.bells:
        inside = min(last, minute_of_day(period.ends)) - max(first, minute_of_day(period.starts))
        if period.number == period_number:
            if inside < INSIDE_SHARE * (last - first):
                return "outside_period"
        elif inside > 0:
            return "outside_period"
    return None


def _calendar(calendars: Mapping[str, SchoolCalendar], school_id: str) -> SchoolCalendar:
    try:
        return calendars[school_id]
    except KeyError:
        raise CalendarError(f"school {school_id} has no calendar") from None
