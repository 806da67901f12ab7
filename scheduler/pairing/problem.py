"""A snapshot compiled to plain arrays: lessons, pairs of demand and series, and options (a demand attends a lesson).

Everything is an index. Options are ordered by demand, then pair (in candidate order), then time; the options and pairs
of a demand, and the options of a pair, are therefore ranges.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.errors import SnapshotError
from scheduler.instance.snapshot import DAY_MINUTES, GRID_MINUTES, Demand, LeadSeries, Snapshot
from scheduler.instance.week import FreeTime, mask_of, short_breaks

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Problem:
    """The compiled instance; lists are indexed by school, node, teacher, studio, series, class, demand, lesson, pair
    or option as their names say. Times are grid steps of 5 minutes."""

    snapshot: Snapshot
    # schools and nodes
    school_cap: list[int]
    school_uplink: list[int]
    school_node: list[int]
    school_need: list[int]
    node_cap: list[int]
    # lead side
    teacher_limit: list[int]
    series_teacher: list[int]
    series_studio: list[int]
    series_school: list[int]
    series_seats: list[int]
    series_limit: list[int]
    series_dedicated: list[bool]
    series_first: list[int]
    lesson_series: list[int]
    lesson_start: list[int]
    lesson_end: list[int]
    lesson_mask: list[int]
    lesson_day: list[int]
    # receiving side
    class_school: list[int]
    demand_class: list[int]
    demand_need: list[int]
    demand_pairs: list[int]
    pair_demand: list[int]
    pair_series: list[int]
    pair_options: list[int]
    option_pair: list[int]
    option_lesson: list[int]
    option_gain: list[int]
    pinned: frozenset[int]

    @property
    def demands(self) -> int:
        """How many demands there are."""
        return len(self.demand_class)

    @property
    def options(self) -> int:
        """How many options there are."""
        return len(self.option_pair)

    @cached_property
    def option_demand(self) -> list[int]:
        """The demand of each option."""
        return [self.pair_demand[pair] for pair in self.option_pair]

    @cached_property
    def demand_school(self) -> list[int]:
        """The school of each demand."""
        return [self.class_school[one] for one in self.demand_class]

    @cached_property
    def lesson_options(self) -> list[list[int]]:
        """The options that attend each lesson."""
        return _grouped(self.option_lesson, len(self.lesson_series))

    @cached_property
    def class_demands(self) -> list[list[int]]:
        """The demands of each class."""
        return _grouped(self.demand_class, len(self.class_school))

    @cached_property
    def school_demands(self) -> list[list[int]]:
        """The demands of each school."""
        return _grouped(self.demand_school, len(self.school_cap))

    @cached_property
    def teacher_series(self) -> list[list[int]]:
        """The series of each teacher."""
        return _grouped(self.series_teacher, len(self.teacher_limit))

    @cached_property
    def series_pairs(self) -> list[list[int]]:
        """The pairs of each series."""
        return _grouped(self.pair_series, len(self.series_teacher))

    def options_of_demand(self, demand: int) -> range:
        """The options of a demand."""
        return range(self.pair_options[self.demand_pairs[demand]], self.pair_options[self.demand_pairs[demand + 1]])

    def options_of_pair(self, pair: int) -> range:
        """The options of a pair."""
        return range(self.pair_options[pair], self.pair_options[pair + 1])

    def pairs_of_demand(self, demand: int) -> range:
        """The pairs of a demand."""
        return range(self.demand_pairs[demand], self.demand_pairs[demand + 1])

    def lessons_of_series(self, series: int) -> range:
        """The lessons of a series, in time order."""
        return range(self.series_first[series], self.series_first[series + 1])

    def quarter_sizes(self, school: int) -> tuple[int, int, int, int]:
        """How many lessons make up each quarter of a school's need."""
        return quarter_sizes(self.school_need[school])


def quarter_sizes(need: int) -> tuple[int, int, int, int]:
    """A need cut into quarters of whole lessons: the j-th lesson lies in quarter ceil(4j / need)."""
    ends = [quarter * need // 4 for quarter in range(5)]
    return ends[1], ends[2] - ends[1], ends[3] - ends[2], ends[4] - ends[3]


def compile_problem(snapshot: Snapshot) -> Problem:
    """The instance as arrays. Pairs without a lesson the class can attend are left out.

    Raises SnapshotError if a pinned pairing is at a time the class cannot attend.
    """
    return _Compiler(snapshot).problem()


class _Compiler:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._schools = {school.id: at for at, school in enumerate(snapshot.schools)}
        self._series = {series.id: at for at, series in enumerate(snapshot.series)}
        self._classes = {one.id: at for at, one in enumerate(snapshot.classes)}
        self._lead_school = {
            series.id: snapshot.school_of[snapshot.teacher_of[series.teacher].school] for series in snapshot.series
        }
        self._pairs: list[tuple[int, int]] = []
        self._pair_options = [0]
        self._demand_pairs = [0]
        self._option_pair: list[int] = []
        self._option_lesson: list[int] = []
        self._option_gain: list[int] = []

    def problem(self) -> Problem:
        snapshot = self._snapshot
        nodes = {node.id: at for at, node in enumerate(snapshot.nodes)}
        teachers = {teacher.id: at for at, teacher in enumerate(snapshot.teachers)}
        studios = {studio.id: at for at, studio in enumerate(snapshot.studios)}
        times = [(at, start, end) for at, series in enumerate(snapshot.series) for start, end in series.times]
        first = [0]
        for series in snapshot.series:
            first.append(first[-1] + len(series.times))
        self._first = first
        self._compile_options()
        need = snapshot.need_of_school
        return Problem(
            snapshot=snapshot,
            school_cap=[school.receiving_cap for school in snapshot.schools],
            school_uplink=[school.leading_cap for school in snapshot.schools],
            school_node=[nodes[school.node] for school in snapshot.schools],
            school_need=[need.get(school.id, 0) for school in snapshot.schools],
            node_cap=[node.room_cap for node in snapshot.nodes],
            teacher_limit=[teacher.weekly_limit for teacher in snapshot.teachers],
            series_teacher=[teachers[series.teacher] for series in snapshot.series],
            series_studio=[studios[series.studio] for series in snapshot.series],
            series_school=[self._schools[self._lead_school[series.id].id] for series in snapshot.series],
            series_seats=[series.seats for series in snapshot.series],
            series_limit=[series.lessons for series in snapshot.series],
            series_dedicated=[series.kind == "dedicated" for series in snapshot.series],
            series_first=first,
            lesson_series=[at for at, _, _ in times],
            lesson_start=[start // GRID_MINUTES for _, start, _ in times],
            lesson_end=[end // GRID_MINUTES for _, _, end in times],
            lesson_mask=[mask_of(start, end) for _, start, end in times],
            lesson_day=[start // DAY_MINUTES for _, start, _ in times],
            class_school=[self._schools[one.school] for one in snapshot.classes],
            demand_class=[self._classes[demand.class_id] for demand in snapshot.demands],
            demand_need=[demand.lessons for demand in snapshot.demands],
            demand_pairs=self._demand_pairs,
            pair_demand=[demand for demand, _ in self._pairs],
            pair_series=[series for _, series in self._pairs],
            pair_options=self._pair_options,
            option_pair=self._option_pair,
            option_lesson=self._option_lesson,
            option_gain=self._option_gain,
            pinned=self._pinned_options(),
        )

    def _compile_options(self) -> None:
        snapshot = self._snapshot
        breaks = {school.id: short_breaks(school.breaks) for school in snapshot.schools}
        for at, demand in enumerate(snapshot.demands):
            one = snapshot.class_of[demand.class_id]
            free = _CachedFreeTime(FreeTime(one.free, breaks[one.school]))
            for candidate in demand.candidates:
                self._compile_pair(at, demand, snapshot.series_of[candidate], free)
            self._demand_pairs.append(len(self._pairs))

    def _compile_pair(self, at: int, demand: Demand, series: LeadSeries, free: "_CachedFreeTime") -> None:
        offsets = [free.offset(*interval) for interval in series.times]
        if all(offset is None for offset in offsets):
            return
        index = self._series[series.id]
        gain = self._pair_gain(demand, series)
        for number, offset in enumerate(offsets):
            if offset is not None:
                self._option_pair.append(len(self._pairs))
                self._option_lesson.append(self._first[index] + number)
                self._option_gain.append(gain + self._snapshot.weights.late_step * offset)
        self._pairs.append((at, index))
        self._pair_options.append(len(self._option_pair))

    def _pair_gain(self, demand: Demand, series: LeadSeries) -> int:
        weights = self._snapshot.weights
        school = self._snapshot.school_of[self._snapshot.class_of[demand.class_id].school]
        lead = self._lead_school[series.id]
        gain = weights.lesson
        if demand.last_lead == series.teacher:
            gain += weights.kept_lead
        if (school.id, lead.id) in self._snapshot.pacts or (lead.id, school.id) in self._snapshot.pacts:
            gain += weights.pact
        if school.county == lead.county:
            gain += weights.same_county
        if series.edition != demand.edition:
            gain += weights.other_edition
        return gain

    def _pinned_options(self) -> frozenset[int]:
        demands = {demand.id: at for at, demand in enumerate(self._snapshot.demands)}
        pinned: set[int] = set()
        for pin in self._snapshot.pinned:
            at, series = demands[pin.demand], self._series[pin.series]
            for number in pin.times:
                pinned.add(self._option_at(at, series, self._first[series] + number, pin.demand))
        return frozenset(pinned)

    def _option_at(self, demand: int, series: int, lesson: int, name: str) -> int:
        for pair in range(self._demand_pairs[demand], self._demand_pairs[demand + 1]):
            if self._pairs[pair][1] == series:
                for option in range(self._pair_options[pair], self._pair_options[pair + 1]):
                    if self._option_lesson[option] == lesson:
                        return option
        raise SnapshotError(f"pinned: the class of demand {name} cannot attend at the pinned time")


class _CachedFreeTime:
    """Free time of one class, asked many times about the same few lesson intervals."""

    def __init__(self, free: FreeTime) -> None:
        self._free = free
        self._known: dict[tuple[int, int], int | None] = {}

    def offset(self, start: int, end: int) -> int | None:
        key = (start, end)
        if key not in self._known:
            self._known[key] = self._free.offset(start, end)
        return self._known[key]


def _grouped(keys: Sequence[int], count: int) -> list[list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for at, key in enumerate(keys):
        groups[key].append(at)
    return [groups.get(at, []) for at in range(count)]
