"""What can happen to a plan, each as the options of the weekly problem that it makes impossible.

A day's absence forbids one weekday, a week's or a term's all of them; over which dates a change holds is the matter of
`scheduler.change.dated`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scheduler.errors import SnapshotError
from scheduler.instance.snapshot import GRID_MINUTES, Interval
from scheduler.instance.week import FreeTime, short_breaks
from scheduler.pairing.problem import Problem

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class TeacherAbsent:
    """A lead teacher cannot lead on these weekdays (0 = Monday)."""

    teacher: str
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class StudioDown:
    """A lead room cannot be used on these weekdays."""

    studio: str
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class RelayDown:
    """A relay node serves nobody on these weekdays; lessons to rooms on it are lost."""

    node: str
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class SchoolClosed:
    """A school neither leads nor receives on these weekdays (a holiday of its own, a closed receiving room)."""

    school: str
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class BellsMoved:
    """A receiving class has other free periods now; lessons that no longer lie in one are lost."""

    class_id: str
    free: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class DemandWithdrawn:
    """A demand needs nothing any more."""

    demand: str


Event = TeacherAbsent | StudioDown | RelayDown | SchoolClosed | BellsMoved | DemandWithdrawn


def forbidden_options(problem: Problem, event: Event) -> frozenset[int]:
    """The options that the event makes impossible. Raises SnapshotError if it names nothing in the instance."""
    snapshot = problem.snapshot
    match event:
        case TeacherAbsent():
            teacher = _at(snapshot.teachers, event.teacher, "teacher")
            return _led(problem, (s for s, own in enumerate(problem.series_teacher) if own == teacher), event.days)
        case StudioDown():
            studio = _at(snapshot.studios, event.studio, "studio")
            return _led(problem, (s for s, own in enumerate(problem.series_studio) if own == studio), event.days)
        case RelayDown():
            node = _at(snapshot.nodes, event.node, "relay node")
            schools = [school for school, own in enumerate(problem.school_node) if own == node]
            return frozenset(one for school in schools for one in _received(problem, school, event.days))
        case SchoolClosed():
            school = _at(snapshot.schools, event.school, "school")
            led = _led(problem, (s for s, own in enumerate(problem.series_school) if own == school), event.days)
            return led | _received(problem, school, event.days)
        case BellsMoved():
            return _outside(problem, event)
        case DemandWithdrawn():
            return frozenset(problem.options_of_demand(_at(snapshot.demands, event.demand, "demand")))


def _led(problem: Problem, series: Iterable[int], days: frozenset[int]) -> frozenset[int]:
    return frozenset(
        option
        for one in series
        for lesson in problem.lessons_of_series(one)
        if problem.lesson_day[lesson] in days
        for option in problem.lesson_options[lesson]
    )


def _received(problem: Problem, school: int, days: frozenset[int]) -> frozenset[int]:
    return _of_demands(problem, problem.school_demands[school], lambda lesson: problem.lesson_day[lesson] in days)


def _outside(problem: Problem, event: BellsMoved) -> frozenset[int]:
    one = _at(problem.snapshot.classes, event.class_id, "class")
    school = problem.snapshot.schools[problem.class_school[one]]
    free = FreeTime(event.free, short_breaks(school.breaks))

    def lost(lesson: int) -> bool:
        start, end = problem.lesson_start[lesson] * GRID_MINUTES, problem.lesson_end[lesson] * GRID_MINUTES
        return free.offset(start, end) is None

    return _of_demands(problem, problem.class_demands[one], lost)


def _of_demands(problem: Problem, demands: Iterable[int], lost: Callable[[int], bool]) -> frozenset[int]:
    return frozenset(
        option
        for demand in demands
        for option in problem.options_of_demand(demand)
        if lost(problem.option_lesson[option])
    )


def _at(entries: Iterable[object], identity: str, what: str) -> int:
    for at, entry in enumerate(entries):
        if getattr(entry, "id", None) == identity:
            return at
    raise SnapshotError(f"there is no {what} {identity!r}")
