"""A week of several schools side by side: each one's bells by its own calendar, and what is free in each period.

This is what a teacher chooses a time from. Nothing here is a promise: a booking looks again and claims.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scheduler.calendar.school_days import SchoolCalendar
from scheduler.clashes import Claim, Resource
from scheduler.errors import TimetableError
from scheduler.timetable import Bells, Slot, parse_period, slots
from service.accounts.principal import Person
from service.lessons.desk import Desk
from service.lessons.overlaps import held_near
from service.lessons.schemas import NamedView, SchoolView
from service.lessons.tables import Lesson, Receiver
from service.lessons.views import county_names
from service.lessons.week_schemas import BusySpan, GridPeriod, SchoolWeek, WeekDay, WeekGrid
from service.organisation.bells import Ringing
from service.organisation.tables import Organisation, SchoolClass
from service.organisation.terms import term_on
from service.planning.calendars import school_calendars
from service.planning.tables import ClassPeriod, Pact
from service.rooms.tables import Room

DAYS = 7
FRIDAY = 4
MOST_NAMED = 8


@dataclass
class _Things:
    """What can be free at a school: its rooms and classes, and which hours classes keep free."""

    rooms: list[Room] = field(default_factory=list)
    classes: dict[str, SchoolClass] = field(default_factory=dict)
    free_hours: dict[tuple[int, int], list[str]] = field(default_factory=lambda: defaultdict(list))


def view_week(
    session: Session, person: Person, schools: Sequence[Organisation], teacher_id: str, monday: date, desk: Desk
) -> WeekGrid:
    """The week from `monday` on, of these schools in this order, with what the teacher has to do."""
    days = [monday + timedelta(days=at) for at in range(DAYS)]
    things = _things(session, schools)
    periods = {school.id: _periods(session, school, days, desk) for school in schools}
    held = _held(session, things, periods, teacher_id)
    counties = county_names(session, set(schools))
    return WeekGrid(
        monday=monday,
        schools=[
            SchoolWeek(
                school=SchoolView(id=one.id, name=one.name, county=counties[one.id]),
                own=one.id == person.organisation_id,
                days=[_day(one.id, on, periods[one.id].get(on), things[one.id], held) for on in days],
            )
            for one in schools
        ],
        busy=_busy(session, teacher_id, monday, desk),
    )


def partner_schools(session: Session, person: Person) -> list[Organisation]:
    """Schools one works with: by a pact, or by lessons of the last half year; the nearest names first."""
    own = person.organisation_id
    pacts = select(Pact.one_id, Pact.other_id).where(or_(Pact.one_id == own, Pact.other_id == own))
    ids = {row.other_id if row.one_id == own else row.one_id for row in session.execute(pacts)}
    lately = (
        select(Room.organisation_id)
        .join(Receiver, Receiver.room_id == Room.id)
        .join(Lesson, Receiver.lesson_id == Lesson.id)
        .where(or_(Lesson.lead_teacher_id == person.user_id, Lesson.lead_school_id == own))
        .order_by(Lesson.starts_at.desc())
        .limit(400)
    )
    ids |= set(session.scalars(lately))
    statement = select(Organisation).where(Organisation.id.in_(ids - {own}), Organisation.kind == "school")
    return sorted(session.scalars(statement), key=lambda school: school.name)[:50]


def _things(session: Session, schools: Sequence[Organisation]) -> dict[str, _Things]:
    things = {school.id: _Things() for school in schools}
    for room in session.scalars(select(Room).where(Room.organisation_id.in_(things)).order_by(Room.name)):
        things[room.organisation_id].rooms.append(room)
    for one in session.scalars(select(SchoolClass).where(SchoolClass.organisation_id.in_(things))):
        things[one.organisation_id].classes[one.id] = one
    school_of = {one.id: one.organisation_id for known in things.values() for one in known.classes.values()}
    hours = (
        select(ClassPeriod)
        .join(SchoolClass, ClassPeriod.class_id == SchoolClass.id)
        .where(SchoolClass.organisation_id.in_(things), ClassPeriod.free)
    )
    for hour in session.scalars(hours):
        things[school_of[hour.class_id]].free_hours[hour.weekday, hour.period].append(hour.class_id)
    return things


@dataclass(frozen=True)
class _Rung:
    """A day a school teaches: whose timetable runs, and its periods."""

    weekday: int
    make_up: bool
    slots: tuple[Slot, ...]


def _periods(session: Session, school: Organisation, days: Sequence[date], desk: Desk) -> dict[date, _Rung]:
    calendar = _calendar(session, school, days, desk)
    if calendar is not None:
        found = {}
        for on in days:
            day = calendar.day(on)
            if day is not None:
                found[on] = _Rung(day.weekday, day.make_up, tuple(slots(day.bells, [on], desk.zone)))
        return found
    ringing = Ringing(session, school)
    try:
        rung = {
            on: Bells.of(parse_period(one.number, one.starts, one.ends) for one in ringing.on(on).periods)
            for on in days
            if on.weekday() <= FRIDAY
        }
    except TimetableError:
        return {}
    return {on: _Rung(on.weekday(), False, tuple(slots(bells, [on], desk.zone))) for on, bells in rung.items()}


def _calendar(session: Session, school: Organisation, days: Sequence[date], desk: Desk) -> SchoolCalendar | None:
    """The school's calendar if a term holds on any of the days."""
    term = term_on(session, school.path, days[0]) or term_on(session, school.path, days[FRIDAY])
    return None if term is None else school_calendars(session, [school], term, desk.zone).get(school.id)


def _held(
    session: Session, things: dict[str, _Things], periods: dict[str, dict[date, _Rung]], teacher_id: str
) -> dict[tuple[str, str], list[Claim]]:
    wanted: list[Claim] = []
    for school, rungs in periods.items():
        known = things[school]
        resources = [Resource("room", room.id) for room in known.rooms]
        resources += [Resource("class", one) for one in known.classes]
        resources.append(Resource("teacher", teacher_id))
        for rung in rungs.values():
            if rung.slots:
                first, last = rung.slots[0].starts_at, rung.slots[-1].ends_at
                wanted += [Claim(resource, first, last, "-") for resource in resources]
    held: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for claim in held_near(session, wanted):
        held[claim.resource.kind, claim.resource.id].append(claim)
    return held


def _day(
    school: str, on: date, rung: _Rung | None, things: _Things, held: dict[tuple[str, str], list[Claim]]
) -> WeekDay:
    if rung is None:
        return WeekDay(date=on, runs=None, make_up=False, periods=[])
    periods = [_period(slot, rung.weekday, things, held) for slot in rung.slots]
    return WeekDay(date=on, runs=rung.weekday, make_up=rung.make_up, periods=periods)


def _period(slot: Slot, weekday: int, things: _Things, held: dict[tuple[str, str], list[Claim]]) -> GridPeriod:
    def is_free(kind: str, identity: str) -> bool:
        return _free(held.get((kind, identity), ()), slot.starts_at, slot.ends_at)

    rooms = [room for room in things.rooms if is_free("room", room.id)]
    classes = [one for one in things.free_hours.get((weekday, slot.number), ()) if is_free("class", one)]
    return GridPeriod(
        number=slot.number,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        rooms_free=len(rooms),
        lead_rooms_free=sum(1 for room in rooms if room.can_lead),
        rooms=len(things.rooms),
        classes_free=len(classes),
        classes=[
            NamedView(id=one, name=things.classes[one].name)
            for one in sorted(classes, key=lambda it: things.classes[it].name)[:MOST_NAMED]
        ],
    )


def _free(claims: Iterable[Claim], starts_at: datetime, ends_at: datetime) -> bool:
    return not any(one.starts_at < ends_at and one.ends_at > starts_at for one in claims)


def _busy(session: Session, teacher_id: str, monday: date, desk: Desk) -> list[BusySpan]:
    from_at = datetime.combine(monday, datetime.min.time(), desk.zone)
    counts = Receiver.state.in_(("pending", "accepted"))
    attends = select(Receiver.lesson_id).where(Receiver.accompanying_teacher_id == teacher_id, counts)
    statement = (
        select(Lesson)
        .where(or_(Lesson.lead_teacher_id == teacher_id, Lesson.id.in_(attends)), Lesson.state != "cancelled")
        .where(Lesson.ends_at > from_at, Lesson.starts_at < from_at + timedelta(days=DAYS))
        .order_by(Lesson.starts_at)
    )
    return [
        BusySpan(
            lesson_id=one.id,
            title=one.title,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            leads=one.lead_teacher_id == teacher_id,
            waits=any(receiver.state == "pending" for receiver in one.receivers),
        )
        for one in session.scalars(statement).unique()
    ]
