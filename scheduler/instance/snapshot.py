"""The frozen input of the planner: schools, lead series, classes and their demands for one typical week.

Times are minutes of the week on a 5-minute grid (0 = Monday 00:00), intervals half-open. `Snapshot` checks on making
that everything named exists and nothing contradicts itself, so that later stages need not look again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from scheduler.errors import SnapshotError

GRID_MINUTES = 5
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
RECEIVE_KBPS = 4_000
LEAD_KBPS = 6_000
EDITION_BOUND_SUBJECTS = frozenset({"english", "science"})

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each thing is worth in the one measured score; whole points.

    `quarters` are for the first to the fourth quarter of a school's need and may not rise, else no bound would hold.
    """

    lesson: int = 100
    first_lesson: int = 40
    quarters: tuple[int, int, int, int] = (60, 40, 20, 0)
    kept_lead: int = 12
    pact: int = 8
    same_county: int = 6
    other_edition: int = -4
    late_step: int = -1
    broadcast: int = -5

    def __post_init__(self) -> None:
        if any(later > earlier for earlier, later in zip(self.quarters, self.quarters[1:], strict=False)):
            raise SnapshotError(f"weights.quarters must not rise: {self.quarters}")
        if self.quarters[-1] < 0 or self.first_lesson < 0 or self.broadcast > 0:
            raise SnapshotError("weights: quarters and first_lesson may not be negative, broadcast not positive")


@dataclass(frozen=True, slots=True)
class RelayNode:
    """A relay node and how many receiving rooms it serves at one instant."""

    id: str
    room_cap: int


@dataclass(frozen=True, slots=True)
class School:
    """A school: receiving kits, usable link, relay node, and the short breaks of its day (minutes of the day)."""

    id: str
    county: str
    node: str
    kits: int
    down_kbps: int
    up_kbps: int
    breaks: tuple[Interval, ...] = ()
    kind: str = ""

    @property
    def receiving_cap(self) -> int:
        """How many lessons it can receive at one instant: by kits and by downlink."""
        return min(self.kits, self.down_kbps // RECEIVE_KBPS)

    @property
    def leading_cap(self) -> int:
        """How many lessons it can send at one instant by its uplink."""
        return self.up_kbps // LEAD_KBPS


@dataclass(frozen=True, slots=True)
class Teacher:
    """A lead teacher and how many lessons a week they broadcast at most."""

    id: str
    school: str
    weekly_limit: int


@dataclass(frozen=True, slots=True)
class Studio:
    """A recording-capable room (录播教室) of a school."""

    id: str
    school: str


@dataclass(frozen=True, slots=True)
class LeadSeries:
    """A lead class that others can attend.

    `fixed`: the teacher's real class at its own `times` (同步); `dedicated`: up to `lessons` of the possible `times`,
    at most one a day (专递). `seats` is N, the receiving rooms a lesson takes.
    """

    id: str
    kind: Literal["fixed", "dedicated"]
    teacher: str
    studio: str
    subject: str
    grade: int
    edition: str
    seats: int
    lessons: int
    times: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class SchoolClass:
    """A receiving class and the periods in which it may attend (minutes of the week)."""

    id: str
    school: str
    free: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """A class needs `lessons` a week of a subject; any of `candidates` (lead series) may lead it."""

    id: str
    class_id: str
    subject: str
    grade: int
    edition: str
    lessons: int
    candidates: tuple[str, ...]
    last_lead: str | None = None


@dataclass(frozen=True, slots=True)
class PinnedPairing:
    """A pairing that must stay: the demand attends the series at these of its times (indices)."""

    demand: str
    series: str
    times: tuple[int, ...]


@dataclass(frozen=True)
class Snapshot:
    """One planning instance. Raises SnapshotError that names the first thing that is wrong."""

    name: str
    nodes: tuple[RelayNode, ...]
    schools: tuple[School, ...]
    teachers: tuple[Teacher, ...]
    studios: tuple[Studio, ...]
    series: tuple[LeadSeries, ...]
    classes: tuple[SchoolClass, ...]
    demands: tuple[Demand, ...]
    pacts: frozenset[tuple[str, str]] = frozenset()
    pinned: tuple[PinnedPairing, ...] = ()
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        _check(self)

    @cached_property
    def school_of(self) -> Mapping[str, School]:
        """Schools by id."""
        return {school.id: school for school in self.schools}

    @cached_property
    def class_of(self) -> Mapping[str, SchoolClass]:
        """Classes by id."""
        return {one.id: one for one in self.classes}

    @cached_property
    def teacher_of(self) -> Mapping[str, Teacher]:
        """Teachers by id."""
        return {teacher.id: teacher for teacher in self.teachers}

    @cached_property
    def series_of(self) -> Mapping[str, LeadSeries]:
        """Lead series by id."""
        return {series.id: series for series in self.series}

    @cached_property
    def demand_of(self) -> Mapping[str, Demand]:
        """Demands by id."""
        return {demand.id: demand for demand in self.demands}

    @cached_property
    def need_of_school(self) -> Mapping[str, int]:
        """Lessons a week each school with demands needs."""
        need: dict[str, int] = {}
        for demand in self.demands:
            school = self.class_of[demand.class_id].school
            need[school] = need.get(school, 0) + demand.lessons
        return need


def _check(snapshot: Snapshot) -> None:
    nodes = _ids("node", (node.id for node in snapshot.nodes))
    schools = _ids("school", (school.id for school in snapshot.schools))
    teachers = _ids("teacher", (teacher.id for teacher in snapshot.teachers))
    studios = _ids("studio", (studio.id for studio in snapshot.studios))
    _ids("series", (series.id for series in snapshot.series))
    classes = _ids("class", (one.id for one in snapshot.classes))
    _ids("demand", (demand.id for demand in snapshot.demands))
    for node in snapshot.nodes:
        _at_least(0, f"node {node.id}", room_cap=node.room_cap)
    for school in snapshot.schools:
        _known(f"school {school.id}", "node", school.node, nodes)
        _at_least(0, f"school {school.id}", kits=school.kits, down_kbps=school.down_kbps, up_kbps=school.up_kbps)
        _intervals(f"school {school.id}: break", school.breaks, DAY_MINUTES)
    for teacher in snapshot.teachers:
        _known(f"teacher {teacher.id}", "school", teacher.school, schools)
        _at_least(0, f"teacher {teacher.id}", weekly_limit=teacher.weekly_limit)
    for studio in snapshot.studios:
        _known(f"studio {studio.id}", "school", studio.school, schools)
    for series in snapshot.series:
        _check_series(series, teachers, studios)
    for one in snapshot.classes:
        _known(f"class {one.id}", "school", one.school, schools)
        _intervals(f"class {one.id}: free period", one.free, WEEK_MINUTES)
    for demand in snapshot.demands:
        _known(f"demand {demand.id}", "class", demand.class_id, classes)
        _check_demand(demand, snapshot)
    for pact in snapshot.pacts:
        for side in pact:
            _known(f"pact {pact}", "school", side, schools)
    _check_pinned(snapshot)


def _check_series(series: LeadSeries, teachers: frozenset[str], studios: frozenset[str]) -> None:
    where = f"series {series.id}"
    _known(where, "teacher", series.teacher, teachers)
    _known(where, "studio", series.studio, studios)
    _at_least(1, where, seats=series.seats, lessons=series.lessons)
    if series.kind not in ("fixed", "dedicated"):
        raise SnapshotError(f"{where}: kind is {series.kind!r}, neither fixed nor dedicated")
    _intervals(f"{where}: time", series.times, WEEK_MINUTES)
    if len(set(series.times)) != len(series.times):
        raise SnapshotError(f"{where}: the same time is listed twice")
    if any(later < earlier for (_, earlier), (later, _) in zip(series.times, series.times[1:], strict=False)):
        raise SnapshotError(f"{where}: times must be in order and not overlap")
    if series.kind == "fixed" and series.lessons < len(series.times):
        raise SnapshotError(f"{where}: a fixed series has as many lessons as times")
    if any(start // DAY_MINUTES != (end - 1) // DAY_MINUTES for start, end in series.times):
        raise SnapshotError(f"{where}: a lesson runs over midnight")


def _check_demand(demand: Demand, snapshot: Snapshot) -> None:
    where = f"demand {demand.id}"
    _at_least(1, where, lessons=demand.lessons)
    if len(set(demand.candidates)) != len(demand.candidates):
        raise SnapshotError(f"{where}: a candidate is listed twice")
    for candidate in demand.candidates:
        series = snapshot.series_of.get(candidate)
        if series is None:
            raise SnapshotError(f"{where}: there is no candidate series {candidate!r}")
        if (series.subject, series.grade) != (demand.subject, demand.grade):
            raise SnapshotError(
                f"{where} is {demand.subject} grade {demand.grade}, "
                f"its candidate {candidate} is {series.subject} grade {series.grade}"
            )
        if demand.subject in EDITION_BOUND_SUBJECTS and series.edition != demand.edition:
            raise SnapshotError(
                f"{where} uses edition {demand.edition}, its candidate {candidate} edition {series.edition}"
            )


def _check_pinned(snapshot: Snapshot) -> None:
    for pin in snapshot.pinned:
        demand = snapshot.demand_of.get(pin.demand)
        if demand is None:
            raise SnapshotError(f"pinned: there is no demand {pin.demand!r}")
        if pin.series not in demand.candidates:
            raise SnapshotError(f"pinned: {pin.series!r} is no candidate of demand {pin.demand}")
        count = len(snapshot.series_of[pin.series].times)
        if any(not 0 <= index < count for index in pin.times) or len(set(pin.times)) != len(pin.times):
            raise SnapshotError(f"pinned: demand {pin.demand} names times {pin.times} of {count}")


def _ids(what: str, ids: Iterable[str]) -> frozenset[str]:
    seen: set[str] = set()
    for identity in ids:
        if not identity:
            raise SnapshotError(f"a {what} has no id")
        if identity in seen:
            raise SnapshotError(f"two entries have the {what} id {identity!r}")
        seen.add(identity)
    return frozenset(seen)


def _known(where: str, what: str, identity: str, known: frozenset[str]) -> None:
    if identity not in known:
        raise SnapshotError(f"{where}: there is no {what} {identity!r}")


def _at_least(least: int, where: str, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise SnapshotError(f"{where}: {name} is {value}, must be at least {least}")


def _intervals(where: str, intervals: Iterable[Interval], length: int) -> None:
    for start, end in intervals:
        if not 0 <= start < end <= length or start % GRID_MINUTES or end % GRID_MINUTES:
            raise SnapshotError(f"{where} {start}-{end} is not a span of minutes on the {GRID_MINUTES}-minute grid")
