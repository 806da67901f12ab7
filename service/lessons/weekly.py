"""Lessons people repeat every week: booked together or not at all, by the calendars of all schools that take part.

The lead school's calendar says on which dates; a make-up day runs the weekday it replaces. A receiving room is left out
of dates on which its own school does not teach.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.calendar.school_days import SchoolCalendar
from scheduler.calendar.terms import week_is
from scheduler.errors import TimetableError
from scheduler.timetable import local_to_utc
from service.accounts.principal import Person
from service.lessons.booking import change_words, changeable_lesson, move_lesson, new_lesson, refuse_stale, times_of
from service.lessons.claims import release_claims, take_all_claims, wanted_claims
from service.lessons.desk import Desk
from service.lessons.overlaps import overlapping
from service.lessons.schemas import LessonChange, WeeklyRequest
from service.lessons.series_tables import WeeklyLesson, WeeklySeries
from service.lessons.tables import Lesson
from service.notices.writing import tell_receiving
from service.organisation.tables import Organisation, Term
from service.organisation.terms import term_on
from service.planning.calendars import school_calendars
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.rooms.tables import Room
from service.storage.base import new_id
from service.usage.rows import append_row

MOST_LESSONS = 60
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class BookedWeekly:
    """The lessons that were booked, and the days that were left out because something is taken."""

    series_id: str
    lessons: list[Lesson]
    left_out: list[date]


@dataclass(frozen=True)
class _Occasion:
    on: date
    starts_at: datetime
    ends_at: datetime
    closed: frozenset[str]
    """Receiving schools that do not teach that day."""


def book_weekly(session: Session, person: Person, request: WeeklyRequest, desk: Desk) -> BookedWeekly:
    """Book the lesson for every week until a day. Raises as `book_lesson`, about the first lesson that cannot be."""
    if not person.may("lessons.book"):
        raise NotAllowed
    first = new_lesson(session, person, request, desk)
    schools = {asked.room_id: session.get_one(Room, asked.room_id).school for asked in request.receivers}
    occasions = list(_occasions(session, first, request, schools, desk))[: MOST_LESSONS + 1]
    if len(occasions) > MOST_LESSONS:
        raise InvalidRequest.of_field("until", f"A series has at most {MOST_LESSONS} lessons.")
    lessons: list[tuple[date, Lesson]] = []
    for at in occasions:
        lesson = new_lesson(session, person, request, desk, (at.starts_at, at.ends_at))
        lesson.receivers = [one for one in lesson.receivers if schools[one.room_id].id not in at.closed]
        if lesson.receivers or not request.receivers:
            lessons.append((at.on, lesson))
    if not lessons:
        raise InvalidRequest.of_field("date", "The schools do not teach on this weekday until then.")
    session.add_all(lesson for _on, lesson in lessons)
    session.flush()
    left_out = _leave_out(session, lessons) if request.without_clashing else []
    kept = [(on, lesson) for on, lesson in lessons if on not in left_out]
    if not kept:
        raise Conflict("Something is taken on every one of these days.", code="nothing_to_book")
    take_all_claims(session, [lesson for _on, lesson in kept], desk)
    series = WeeklySeries(id=new_id(), booked_by=person.user_id, created_at=desk.now)
    session.add(series)
    session.flush()
    for on, lesson in kept:
        session.add(WeeklyLesson(lesson_id=lesson.id, series_id=series.id, day=on))
        append_row(session, desk.now, "lesson_booked", lesson_id=lesson.id, user_id=person.user_id)
    session.flush()
    for _on, lesson in kept:
        session.refresh(lesson)
    return BookedWeekly(series.id, [lesson for _on, lesson in kept], left_out)


def change_rest(session: Session, person: Person, lesson_id: str, change: LessonChange, desk: Desk) -> list[Lesson]:
    """Edit this lesson of a series and all after it; a move shifts each by as many days, to the same hour."""
    lesson, rest = _rest(session, person, lesson_id)
    refuse_stale(lesson, change.version)
    if change.says_when:
        starts_at, ends_at = times_of(session, change, lesson.lead_school, desk)
        _shift(rest, lesson, starts_at, ends_at, desk)
    for one in rest:
        change_words(one, change)
        one.version += 1
        append_row(session, desk.now, "lesson_changed", lesson_id=one.id, user_id=person.user_id)
    session.flush()
    if change.says_when:
        take_all_claims(session, rest, desk)
        tell_receiving(session, lesson, "series_moved", desk.now, person.user_id, count=len(rest))
    return rest


def cancel_rest(session: Session, person: Person, lesson_id: str, reason: str, desk: Desk) -> list[Lesson]:
    """Call off this lesson of a series and all after it."""
    lesson, rest = _rest(session, person, lesson_id)
    tell_receiving(session, lesson, "series_cancelled", desk.now, person.user_id, count=len(rest), reason=reason)
    for one in rest:
        one.state, one.cancel_reason = "cancelled", reason
        one.version += 1
        release_claims(session, one)
        append_row(session, desk.now, "lesson_cancelled", lesson_id=one.id, user_id=person.user_id)
    return rest


def _rest(session: Session, person: Person, lesson_id: str) -> tuple[Lesson, list[Lesson]]:
    """The lesson and what is booked of its series from it on, locked in one order."""
    lesson = changeable_lesson(session, person, lesson_id)
    mark = session.get(WeeklyLesson, lesson.id)
    if mark is None:
        raise NotFound("This lesson does not belong to a series.")
    if lesson.state != "booked":
        raise Conflict("Only a lesson that has not begun can be changed.", code="lesson_begun")
    statement = (
        select(Lesson)
        .join(WeeklyLesson, WeeklyLesson.lesson_id == Lesson.id)
        .where(WeeklyLesson.series_id == mark.series_id, Lesson.state == "booked", WeeklyLesson.day >= mark.day)
    )
    locked = session.scalars(statement.order_by(Lesson.id).with_for_update(of=Lesson)).unique().all()
    return lesson, sorted(locked, key=lambda one: one.starts_at)


def _shift(rest: Sequence[Lesson], first: Lesson, starts_at: datetime, ends_at: datetime, desk: Desk) -> None:
    wall_start, wall_end = starts_at.astimezone(desk.zone), ends_at.astimezone(desk.zone)
    days = wall_start.date() - first.starts_at.astimezone(desk.zone).date()
    for one in rest:
        on = one.starts_at.astimezone(desk.zone).date() + days
        begin, end = local_to_utc(on, wall_start.time(), desk.zone), local_to_utc(on, wall_end.time(), desk.zone)
        move_lesson(one, begin, end, desk)


def _occasions(
    session: Session, first: Lesson, request: WeeklyRequest, schools: dict[str, Organisation], desk: Desk
) -> Iterator[_Occasion]:
    starts, ends = first.starts_at.astimezone(desk.zone), first.ends_at.astimezone(desk.zone)
    if request.until < starts.date():
        raise InvalidRequest.of_field("until", "The series must not end before it begins.")
    lead = session.get_one(Organisation, first.lead_school_id)
    term = term_on(session, lead.path, starts.date())
    calendars = _calendars(session, lead, schools, term, desk)
    own = calendars.get(lead.id)
    if term is None or own is None:
        yield from _every_week(starts, ends, request, desk)
        return
    day = own.day(starts.date())
    if day is None:
        raise InvalidRequest.of_field("date", "The lead school does not teach on this day.", code="no_school_day")
    for one in own.days():
        if not starts.date() <= one.on <= request.until or one.weekday != day.weekday:
            continue
        if not week_is(1 if one.odd_week else 2, request.weeks):
            continue
        try:
            begin, end = (
                own.period_interval(one.on, request.period)
                if request.period is not None
                else (local_to_utc(one.on, starts.time(), desk.zone), local_to_utc(one.on, ends.time(), desk.zone))
            )
        except TimetableError:
            continue
        closed = {s.id for s in schools.values() if (known := calendars.get(s.id)) and known.day(one.on) is None}
        yield _Occasion(one.on, begin, end, frozenset(closed))


def _every_week(starts: datetime, ends: datetime, request: WeeklyRequest, desk: Desk) -> Iterator[_Occasion]:
    """Without a term nobody knows holidays or week numbers: simply every seven days."""
    step, on = (WEEK if request.weeks == "every" else 2 * WEEK), starts.date()
    while on <= request.until:
        begin, end = local_to_utc(on, starts.time(), desk.zone), local_to_utc(on, ends.time(), desk.zone)
        yield _Occasion(on, begin, end, frozenset())
        on += step


def _calendars(
    session: Session, lead: Organisation, schools: dict[str, Organisation], term: Term | None, desk: Desk
) -> dict[str, SchoolCalendar]:
    return {} if term is None else school_calendars(session, {lead, *schools.values()}, term, desk.zone)


def _leave_out(session: Session, lessons: Sequence[tuple[date, Lesson]]) -> list[date]:
    claims = [claim for _on, lesson in lessons for claim, _receiver in wanted_claims(lesson)]
    clashing = {clash.wanted.lesson_id for clash in overlapping(session, claims)}
    left_out = [on for on, lesson in lessons if lesson.id in clashing]
    for on, lesson in lessons:
        if on in left_out:
            session.delete(lesson)
    session.flush()
    return left_out
