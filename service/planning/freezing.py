"""Freezes what the database knows of an organisation's schools into the planner's instance for one typical week.

Ids of the instance are ids of rows. A time of the week is a weekday and a period by the bells that ring on the day
planning starts, rounded to the planner's 5-minute grid.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.errors import SnapshotError
from scheduler.instance.snapshot import (
    DAY_MINUTES,
    EDITION_BOUND_SUBJECTS,
    GRID_MINUTES,
    Interval,
    RelayNode,
    School,
    Snapshot,
    Studio,
    Teacher,
)
from scheduler.instance.snapshot import Demand as WantedLessons
from scheduler.instance.snapshot import LeadSeries as Series
from scheduler.instance.snapshot import SchoolClass as ReceivingClass
from scheduler.instance.week import FreeTime, short_breaks
from scheduler.timetable import Bells, minute_of_day
from service.organisation.tables import Organisation, SchoolClass, Term
from service.organisation.tree import ancestor_ids, in_subtree
from service.planning.calendars import bells_on, in_batches, school_calendars
from service.planning.tables import ClassPeriod, Demand, LeadSeries, LeadTeacher, Pact, SchoolCapacity
from service.problems import Conflict
from service.rooms.tables import Room

USUAL_WEEKLY_LIMIT = 4
USUAL_KBPS = 100_000
ROOMS_PER_RELAY = 2_000
USUAL_RELAY = "relay"
ELSEWHERE = 15
"""Candidates offered from other counties beyond those of a pact."""


@dataclass(frozen=True)
class Frozen:
    """The instance, and what was left out of it: sentences for the administrator as (code, name) pairs."""

    snapshot: Snapshot
    left_out: list[tuple[str, str]]


def freeze(session: Session, organisation: Organisation, term: Term, zone: ZoneInfo, today: date) -> Frozen:
    """The instance of an organisation's subtree. Raises Conflict `nothing_to_plan` or `instance_unusable`."""
    freezing = _Freezing(session, organisation, term, zone, max(term.starts_on, min(today, term.ends_on)))
    try:
        return freezing.make()
    except SnapshotError as error:
        raise Conflict(f"The timetables contradict themselves: {error}", code="instance_unusable") from error


def receiving_rooms(session: Session, schools: Iterable[str], studios: Iterable[str]) -> dict[str, list[Room]]:
    """Rooms in which a school can receive: those that lead no series, or all if every room does."""
    leading = set(studios)
    rooms: dict[str, list[Room]] = defaultdict(list)
    for some in in_batches(schools):
        for room in session.scalars(select(Room).where(Room.organisation_id.in_(some)).order_by(Room.name)):
            rooms[room.organisation_id].append(room)
    return {school: [room for room in own if room.id not in leading] or own for school, own in rooms.items()}


def grade_number(grade: str) -> int:
    """The planner's number of a grade: 1 to 9, senior 10 to 12."""
    kind, _, number = grade.partition("_")
    return int(number) + (9 if kind == "senior" else 0)


def week_interval(bells: Bells, weekday: int, period: int) -> Interval | None:
    """A period of a weekday in minutes of the week on the grid; None if the bells have no such period."""
    for one in bells:
        if one.number == period:
            return _on_grid(weekday, minute_of_day(one.starts)), _on_grid(weekday, minute_of_day(one.ends))
    return None


def _on_grid(weekday: int, minute: int) -> int:
    return weekday * DAY_MINUTES + GRID_MINUTES * round(minute / GRID_MINUTES)


@dataclass
class _Freezing:
    session: Session
    organisation: Organisation
    term: Term
    zone: ZoneInfo
    on: date
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def make(self) -> Frozen:
        session = self.session
        nodes = select(Organisation).where(in_subtree(self.organisation.path), Organisation.kind == "school")
        self.places = {school.id: school for school in session.scalars(nodes)}
        self.bells = bells_on(school_calendars(session, self.places.values(), self.term, self.zone), self.on)
        series = self._series()
        classes, demands = self._demands()
        if not series or not demands:
            raise Conflict("There are no lead series or no demands to pair here.", code="nothing_to_plan")
        schools = self._schools(series.values())
        pacts = self._pacts()
        counties = {school.id: school.county for school in schools}
        breaks = {school.id: short_breaks(school.breaks) for school in schools}
        free = {one.id: FreeTime(one.free, breaks[one.school]) for one in classes}
        choice = _Candidates(series, counties, pacts)
        wanted = tuple(
            WantedLessons(
                demand.id,
                demand.class_id,
                demand.subject,
                grade_number(demand.grade),
                demand.edition,
                demand.lessons,
                choice.of(demand, demand.school_class.organisation_id, free[demand.class_id]),
                demand.last_lead_id,
            )
            for demand in demands
        )
        snapshot = Snapshot(
            name=self.organisation.name,
            nodes=tuple(RelayNode(node, ROOMS_PER_RELAY) for node in sorted({school.node for school in schools})),
            schools=schools,
            teachers=self._teachers(series.values()),
            studios=tuple(
                {row.room_id: Studio(row.room_id, row.room.organisation_id) for row, _ in series.values()}.values()
            ),
            series=tuple(one for _, one in series.values()),
            classes=classes,
            demands=wanted,
            pacts=pacts,
        )
        return Frozen(snapshot, self.left_out)

    def _series(self) -> dict[str, tuple[LeadSeries, Series]]:
        statement = (
            select(LeadSeries)
            .join(Organisation, LeadSeries.organisation_id == Organisation.id)
            .where(in_subtree(self.organisation.path), LeadSeries.active)
            .order_by(LeadSeries.id)
        )
        found: dict[str, tuple[LeadSeries, Series]] = {}
        for row in self.session.scalars(statement):
            times = self._times(row)
            if not times or row.teacher.disabled or row.room.organisation_id not in self.places:
                self.left_out.append(("series", f"{row.school.name} {row.code}"))
                continue
            lessons = max(row.lessons, len(times)) if row.kind == "fixed" else row.lessons
            found[row.id] = (
                row,
                Series(
                    row.id,
                    row.kind,  # type: ignore[arg-type]
                    row.teacher_id,
                    row.room_id,
                    row.subject,
                    grade_number(row.grade),
                    row.edition,
                    row.seats,
                    lessons,
                    times,
                ),
            )
        return found

    def _times(self, row: LeadSeries) -> tuple[Interval, ...]:
        bells = self.bells.get(row.organisation_id)
        if bells is None:
            return ()
        found = (week_interval(bells, time.weekday, time.period) for time in row.times)
        return tuple(sorted({one for one in found if one is not None}))

    def _demands(self) -> tuple[tuple[ReceivingClass, ...], list[Demand]]:
        statement = (
            select(Demand)
            .join(SchoolClass, Demand.class_id == SchoolClass.id)
            .join(Organisation, SchoolClass.organisation_id == Organisation.id)
            .where(in_subtree(self.organisation.path))
            .order_by(Demand.id)
        )
        rows = list(self.session.scalars(statement))
        free = self._free_periods({row.class_id for row in rows})
        demands: list[Demand] = []
        classes: dict[str, ReceivingClass] = {}
        for row in rows:
            school, bells = row.school_class.organisation_id, self.bells.get(row.school_class.organisation_id)
            if bells is None:
                self.left_out.append(("demand", f"{self.places[school].name} {row.school_class.name}"))
                continue
            spans = (week_interval(bells, weekday, period) for weekday, period in free.get(row.class_id, ()))
            own = tuple(sorted(span for span in spans if span is not None))
            classes[row.class_id] = ReceivingClass(row.class_id, school, own)
            demands.append(row)
        return tuple(classes[identity] for identity in sorted(classes)), demands

    def _free_periods(self, classes: Iterable[str]) -> Mapping[str, list[tuple[int, int]]]:
        free: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for some in in_batches(classes):
            statement = select(ClassPeriod.class_id, ClassPeriod.weekday, ClassPeriod.period)
            for class_id, weekday, period in self.session.execute(
                statement.where(ClassPeriod.class_id.in_(some), ClassPeriod.free)
            ):
                free[class_id].append((weekday, period))
        return free

    def _schools(self, series: Iterable[tuple[LeadSeries, Series]]) -> tuple[School, ...]:
        capacities = {
            row.organisation_id: row
            for some in in_batches(self.places)
            for row in self.session.scalars(select(SchoolCapacity).where(SchoolCapacity.organisation_id.in_(some)))
        }
        rooms = receiving_rooms(self.session, self.places, (row.room_id for row, _ in series))
        return tuple(
            self._school(self.places[identity], capacities.get(identity), len(rooms.get(identity, ())))
            for identity in sorted(self.places)
            if identity in self.bells
        )

    def _school(self, place: Organisation, capacity: SchoolCapacity | None, rooms: int) -> School:
        above = ancestor_ids(place.path)
        return School(
            place.id,
            above[-2] if len(above) > 1 else place.id,
            (capacity.relay if capacity else "") or USUAL_RELAY,
            rooms if capacity is None else min(rooms, capacity.receiving_kits),
            capacity.down_kbps if capacity else USUAL_KBPS,
            capacity.up_kbps if capacity else USUAL_KBPS,
            breaks_of(self.bells[place.id]),
        )

    def _teachers(self, series: Iterable[tuple[LeadSeries, Series]]) -> tuple[Teacher, ...]:
        schools = {row.teacher_id: row.organisation_id for row, _ in series}
        limits = {
            row.user_id: row.weekly_limit
            for some in in_batches(schools)
            for row in self.session.scalars(select(LeadTeacher).where(LeadTeacher.user_id.in_(some)))
        }
        return tuple(Teacher(one, schools[one], limits.get(one, USUAL_WEEKLY_LIMIT)) for one in sorted(schools))

    def _pacts(self) -> frozenset[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for some in in_batches(self.places):
            for pact in self.session.scalars(select(Pact).where(Pact.one_id.in_(some))):
                if pact.one_id in self.bells and pact.other_id in self.bells:
                    found.add((pact.one_id, pact.other_id))
        return frozenset(found)


class _Candidates:
    """Which series may lead a demand: those of the county, of pacts and of last term, then some from elsewhere."""

    def __init__(
        self,
        series: Mapping[str, tuple[LeadSeries, Series]],
        counties: Mapping[str, str],
        pacts: frozenset[tuple[str, str]],
    ) -> None:
        self._counties, self._pacts = counties, pacts
        self._led: dict[tuple[str, int], list[tuple[str, Series]]] = defaultdict(list)
        for row, one in series.values():
            self._led[one.subject, one.grade].append((row.organisation_id, one))

    def of(self, demand: Demand, school: str, free: FreeTime) -> tuple[str, ...]:
        """Ids of the series that teach it in its edition."""
        near: list[str] = []
        far: list[str] = []
        bound = demand.subject in EDITION_BOUND_SUBJECTS
        for lead, one in self._led.get((demand.subject, grade_number(demand.grade)), ()):
            if lead == school or (bound and one.edition != demand.edition):
                continue
            known = self._counties[lead] == self._counties[school] or one.teacher == demand.last_lead_id
            paired = (lead, school) in self._pacts or (school, lead) in self._pacts
            if known or paired:
                near.append(one.id)  # even without a common time: the explanation then says so
            elif len(far) < ELSEWHERE and any(free.offset(*time) is not None for time in one.times):
                far.append(one.id)
        return (*near, *far)


def breaks_of(bells: Bells) -> tuple[Interval, ...]:
    """The breaks between periods in minutes of the day."""
    periods: Sequence[Interval] = [week_interval(bells, 0, one.number) or (0, 0) for one in bells]
    return tuple((end, start) for (_, end), (start, _) in itertools.pairwise(periods) if start > end)
