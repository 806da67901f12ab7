"""Counts a plan against every hard rule and works out its score, from the instance alone.

It knows nothing of the engine: lessons are masks of the week, limits are counters, and the score is summed anew.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scheduler.instance.snapshot import (
    DAY_MINUTES,
    EDITION_BOUND_SUBJECTS,
    WEEK_MINUTES,
    Demand,
    LeadSeries,
    School,
    Snapshot,
)

SHORT_BREAK_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Pairing:
    """A demand attends these lessons (indices of the series' times)."""

    demand: str
    series: str
    times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    """A hard rule that the plan breaks, and where."""

    rule: str
    where: str


@dataclass(frozen=True, slots=True)
class Count:
    """What a plan amounts to: violations, score, lessons, and the served share of each school that needs something."""

    violations: tuple[Violation, ...]
    score: int
    lessons: int
    coverage: Fraction
    shares: Mapping[str, Fraction]


def count_plan(snapshot: Snapshot, pairings: Sequence[Pairing]) -> Count:
    """Checks and scores a plan. Pairings that name nothing in the instance are violations and count for nothing."""
    return _Counting(snapshot).count(pairings)


class _Counting:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._violations: list[Violation] = []
        self._at_once: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._rooms: Counter[tuple[str, int]] = Counter()
        self._school_lessons: Counter[str] = Counter()
        self._score = 0

    def count(self, pairings: Sequence[Pairing]) -> Count:
        seen: set[str] = set()
        for pairing in pairings:
            if pairing.demand in seen:
                self._broken("one_lead", f"demand {pairing.demand} has two leads")
            elif self._known(pairing):
                seen.add(pairing.demand)
                self._attend(pairing)
        self._broadcasts()
        self._crowds()
        self._pins(pairings)
        self._quarters()
        need = self._snapshot.need_of_school
        lessons = sum(self._school_lessons.values())
        return Count(
            tuple(self._violations),
            self._score,
            lessons,
            Fraction(lessons, max(sum(need.values()), 1)),
            {school: Fraction(self._school_lessons[school], needed) for school, needed in need.items()},
        )

    def _broken(self, rule: str, where: str) -> None:
        self._violations.append(Violation(rule, where))

    def _known(self, pairing: Pairing) -> bool:
        demand = self._snapshot.demand_of.get(pairing.demand)
        if demand is None or pairing.series not in demand.candidates:
            self._broken("unknown", f"{pairing.series!r} is no candidate of demand {pairing.demand!r}")
            return False
        count = len(self._snapshot.series_of[pairing.series].times)
        if not pairing.times or len(set(pairing.times)) != len(pairing.times):
            self._broken("unknown", f"demand {pairing.demand} names times {pairing.times}")
            return False
        if any(not 0 <= index < count for index in pairing.times):
            self._broken("unknown", f"series {pairing.series} has no time {pairing.times}")
            return False
        return True

    def _attend(self, pairing: Pairing) -> None:
        snapshot = self._snapshot
        demand, series = snapshot.demand_of[pairing.demand], snapshot.series_of[pairing.series]
        if demand.subject in EDITION_BOUND_SUBJECTS and demand.edition != series.edition:
            self._broken("edition", f"demand {demand.id} uses {demand.edition}, series {series.id} {series.edition}")
        if len(pairing.times) > demand.lessons:
            self._broken("need", f"demand {demand.id} needs {demand.lessons} lessons, gets {len(pairing.times)}")
        one = snapshot.class_of[demand.class_id]
        school = snapshot.school_of[one.school]
        self._score += snapshot.weights.first_lesson + len(pairing.times) * self._pair_points(pairing)
        for index in pairing.times:
            start, end = series.times[index]
            place = free_place(one.free, school.breaks, start, end)
            if place is None:
                self._broken("free_time", f"class {one.id} is not free at {start}-{end}")
                continue
            self._score += snapshot.weights.late_step * place
            self._rooms[series.id, index] += 1
            self._school_lessons[school.id] += 1
            for kind, identity in (("class", one.id), ("school", school.id), ("relay", school.node)):
                self._occupy(kind, identity, start, end)

    def _pair_points(self, pairing: Pairing) -> int:
        snapshot, weights = self._snapshot, self._snapshot.weights
        demand, series = snapshot.demand_of[pairing.demand], snapshot.series_of[pairing.series]
        school = snapshot.school_of[snapshot.class_of[demand.class_id].school]
        lead = snapshot.school_of[snapshot.teacher_of[series.teacher].school]
        points = weights.lesson
        points += weights.kept_lead if demand.last_lead == series.teacher else 0
        points += weights.pact if {(school.id, lead.id), (lead.id, school.id)} & snapshot.pacts else 0
        points += weights.same_county if school.county == lead.county else 0
        return points + (weights.other_edition if series.edition != demand.edition else 0)

    def _broadcasts(self) -> None:
        snapshot = self._snapshot
        hours: Counter[str] = Counter()
        held: dict[str, list[int]] = defaultdict(list)
        for (identity, index), rooms in self._rooms.items():
            series = snapshot.series_of[identity]
            start, end = series.times[index]
            self._score += snapshot.weights.broadcast
            hours[series.teacher] += 1
            held[identity].append(index)
            if rooms > series.seats:
                self._broken("seats", f"series {identity} at {start} has {rooms} rooms for {series.seats} seats")
            lead = snapshot.teacher_of[series.teacher].school
            for kind, one in (("teacher", series.teacher), ("studio", series.studio), ("uplink", lead)):
                self._occupy(kind, one, start, end)
        for teacher, lessons in hours.items():
            if lessons > snapshot.teacher_of[teacher].weekly_limit:
                self._broken("teacher_limit", f"teacher {teacher} leads {lessons} lessons")
        for identity, indices in held.items():
            self._dedicated(snapshot.series_of[identity], indices)

    def _dedicated(self, series: LeadSeries, indices: list[int]) -> None:
        if series.kind != "dedicated":
            return
        if len(indices) > series.lessons:
            self._broken("series_limit", f"series {series.id} has {len(indices)} lessons for {series.lessons}")
        days = Counter(series.times[index][0] // DAY_MINUTES for index in indices)
        if any(lessons > 1 for lessons in days.values()):
            self._broken("series_day", f"series {series.id} has two lessons on one day")

    def _occupy(self, kind: str, identity: str, start: int, end: int) -> None:
        counter = self._at_once[kind, identity]
        for minute in range(start, end, 5):
            counter[minute] += 1

    def _crowds(self) -> None:
        snapshot = self._snapshot
        caps = {("relay", node.id): node.room_cap for node in snapshot.nodes}
        caps |= {("school", school.id): school.receiving_cap for school in snapshot.schools}
        caps |= {("uplink", school.id): school.leading_cap for school in snapshot.schools}
        for key, counter in self._at_once.items():
            most = max(counter.values())
            if most > caps.get(key, 1):
                self._broken(f"{key[0]}_at_once", f"{key[0]} {key[1]} has {most} at once, at most {caps.get(key, 1)}")

    def _pins(self, pairings: Sequence[Pairing]) -> None:
        planned = {(one.demand, one.series, index) for one in pairings for index in one.times}
        for pin in self._snapshot.pinned:
            if any((pin.demand, pin.series, index) not in planned for index in pin.times):
                self._broken("pinned", f"demand {pin.demand} no longer attends series {pin.series} as pinned")

    def _quarters(self) -> None:
        for school, need in self._snapshot.need_of_school.items():
            for number in range(1, self._school_lessons[school] + 1):
                quarter = -(-4 * number // need)
                self._score += self._snapshot.weights.quarters[min(quarter, 4) - 1]


def servable_schools(snapshot: Snapshot) -> list[str]:
    """Schools for which some lesson could be received at all, were there no other school."""
    servable: set[str] = set()
    for demand in snapshot.demands:
        one = snapshot.class_of[demand.class_id]
        school = snapshot.school_of[one.school]
        if school.id not in servable and school.receiving_cap > 0 and _attendable(snapshot, demand, one.free, school):
            servable.add(school.id)
    return sorted(servable)


def _attendable(snapshot: Snapshot, demand: Demand, free: Sequence[tuple[int, int]], school: School) -> bool:
    return any(
        free_place(free, school.breaks, start, end) is not None
        for candidate in demand.candidates
        for start, end in snapshot.series_of[candidate].times
    )


def free_place(free: Iterable[tuple[int, int]], breaks: Iterable[tuple[int, int]], start: int, end: int) -> int | None:
    """Grid steps between the starts of a lesson and of the free period that holds three quarters of it.

    None if the lesson touches a minute that is neither free nor in a break of ten minutes or less.
    """
    missing = set(range(start, end, 5))
    places: list[int] = []
    for free_start, free_end in free:
        if free_start < end and start < free_end:
            missing.difference_update(range(free_start, free_end, 5))
            if 4 * (min(end, free_end) - max(start, free_start)) >= 3 * (end - start):
                places.append(abs(start - free_start) // 5)
    if not places:
        return None
    for first, last in breaks:
        if last - first <= SHORT_BREAK_MINUTES:
            for day in range(0, WEEK_MINUTES, DAY_MINUTES):
                missing.difference_update(range(day + first, day + last, 5))
    return None if missing else places[0]
