"""Instances drawn from a seed under the published assumptions, from a twentieth of a prefecture to the whole.

The same size, seed and regime give the same instance on every machine.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from types import MappingProxyType

from scheduler.errors import SnapshotError
from scheduler.instance import assumptions
from scheduler.instance.assumptions import KINDS, SUBJECTS, TIGHT, Regime, SchoolKind, lessons_a_week
from scheduler.instance.snapshot import (
    DAY_MINUTES,
    EDITION_BOUND_SUBJECTS,
    Demand,
    Interval,
    LeadSeries,
    RelayNode,
    School,
    SchoolClass,
    Snapshot,
    Studio,
    Teacher,
)
from scheduler.instance.week import FreeTime, short_breaks

SIZES = MappingProxyType({"1/20": Fraction(1, 20), "1/4": Fraction(1, 4), "full": Fraction(1)})
TEACHING_DAYS = 5


def generate(size: str, seed: int, regime: Regime = TIGHT) -> Snapshot:
    """An instance of a size of SIZES. Raises SnapshotError for an unknown size."""
    if size not in SIZES:
        raise SnapshotError(f"there is no size {size!r}; choose one of {', '.join(SIZES)}")
    return _Draw(SIZES[size], Random(f"{size}/{seed}"), regime).snapshot(f"generated {size}, seed {seed}")  # noqa: S311


@dataclass(frozen=True, slots=True)
class _Bells:
    periods: tuple[Interval, ...]
    breaks: tuple[Interval, ...]


@dataclass(slots=True)
class _School:
    value: School
    kind: SchoolKind
    bells: _Bells
    editions: dict[str, str]
    studios: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


class _Draw:
    """One drawing of an instance; steps in a fixed order, so that the seed decides everything."""

    def __init__(self, fraction: Fraction, random: Random, regime: Regime) -> None:
        self._fraction = fraction
        self._random = random
        self._regime = regime
        self._schools: list[_School] = []
        self._teachers: list[Teacher] = []
        self._series: list[LeadSeries] = []
        self._classes: list[SchoolClass] = []
        self._demands: list[Demand] = []

    def snapshot(self, name: str) -> Snapshot:
        for county, pupils in enumerate(assumptions.COUNTY_PUPILS):
            self._draw_county(county, pupils)
        studios = self._draw_studios()
        for school in self._schools:
            self._draw_leads(school)
        pacts = self._draw_pacts()
        for school in self._schools:
            self._draw_classes(school)
        self._demands = [self._with_candidates(demand, pacts) for demand in self._demands]
        return Snapshot(
            name=name,
            nodes=self._nodes(),
            schools=tuple(school.value for school in self._schools),
            teachers=tuple(self._teachers),
            studios=studios,
            series=tuple(self._series),
            classes=tuple(self._classes),
            demands=tuple(self._demands),
            pacts=frozenset(pacts),
        )

    def _draw_county(self, county: int, pupils: int) -> None:
        random, name = self._random, f"county{county + 1}"
        total = self._fraction * assumptions.SCHOOLS * pupils / sum(assumptions.COUNTY_PUPILS)
        bells = _draw_bells(random)
        usual = {subject: random.choice(editions) for subject, editions in assumptions.EDITIONS.items()}
        tilt = 0.8 + 0.4 * random.random()  # a mountain county has more teaching points and fewer large schools
        for kind in KINDS:
            share = kind.share * (tilt if kind.spare_periods > 3 else 2 - tilt)
            for number in range(max(1, round(float(total) * share))):
                identity = f"{name}-{kind.name}{number + 1}"
                own = _shifted(bells, random.choice((-15, -10, -5, 5, 10, 15, 20)))
                chosen = own if random.random() < self._regime.own_bells else bells
                value = School(
                    identity,
                    name,
                    f"{name}-relay",
                    random.randint(*kind.kits),
                    1_000 * random.randint(8, 30),
                    1_000 * random.randint(12, 60),
                    chosen.breaks,
                    kind.name,
                )
                editions = {
                    subject: usual[subject] if random.random() < 0.75 else random.choice(assumptions.EDITIONS[subject])
                    for subject in SUBJECTS
                }
                self._schools.append(_School(value, kind, chosen, editions))

    def _draw_studios(self) -> tuple[Studio, ...]:
        """Every school that leads gets one, the rest go by kind until the known number is reached."""
        wanted = round(self._fraction * assumptions.STUDIOS)
        leading = [school for school in self._schools if school.kind.leads]
        chosen = leading[:wanted]
        weights = [school.kind.studios for school in self._schools]
        chosen += self._random.choices(self._schools, weights, k=wanted - len(chosen))
        for school in chosen:
            school.studios.append(f"{school.value.id}-studio{len(school.studios) + 1}")
        return tuple(Studio(studio, school.value.id) for school in self._schools for studio in school.studios)

    def _draw_leads(self, school: _School) -> None:
        random, regime = self._random, self._regime
        if not school.studios:
            return
        for subject in SUBJECTS:
            for place in range(2 if school.kind.name == "town" else 1):
                if random.random() >= school.kind.leads * regime.lead_factor:
                    continue
                teacher = Teacher(
                    f"{school.value.id}-{subject}{place + 1}", school.value.id, random.randint(*regime.weekly_limit)
                )
                self._teachers.append(teacher)
                self._draw_series(school, teacher, subject)

    def _draw_series(self, school: _School, teacher: Teacher, subject: str) -> None:
        random, regime = self._random, self._regime
        grades = range(assumptions.FIRST_GRADE[subject], 7)
        taken: set[Interval] = set()
        for grade in sorted(random.sample(grades, min(len(grades), random.randint(*regime.grades_led)))):
            lessons = lessons_a_week(subject, grade)
            dedicated = random.random() < regime.dedicated
            free = [one for one in _week(school.bells) if one not in taken]
            times = (
                _one_a_day(random, free, lessons) if not dedicated else sorted(random.sample(free, min(8, len(free))))
            )
            taken |= set(times)
            self._series.append(
                LeadSeries(
                    f"{teacher.id}-g{grade}",
                    "dedicated" if dedicated else "fixed",
                    teacher.id,
                    random.choice(school.studios),
                    subject,
                    grade,
                    school.editions[subject],
                    random.choice(regime.seats),
                    lessons if dedicated else len(times),
                    tuple(times),
                )
            )

    def _draw_pacts(self) -> list[tuple[str, str]]:
        random = self._random
        leading = [school.value for school in self._schools if any(t.school == school.value.id for t in self._teachers)]
        pacts: set[tuple[str, str]] = set()
        for school in self._schools:
            if school.kind.leads or not leading:
                continue
            for _ in range(random.randint(1, 2)):
                near = [one for one in leading if one.county == school.value.county]
                among = near if near and random.random() < self._regime.same_county_pact else leading
                pacts.add((school.value.id, random.choice(among).id))
        return sorted(pacts)

    def _draw_classes(self, school: _School) -> None:
        random, kind = self._random, school.kind
        if kind.name in ("town", "middle"):
            return
        gaps = [subject for subject in SUBJECTS if random.random() < random.uniform(*kind.gaps[subject])]
        count = random.randint(*kind.classes)
        for number in range(count):
            grade = number % kind.grades + 1
            subjects = [subject for subject in gaps if grade >= assumptions.FIRST_GRADE[subject]]
            if not subjects:
                continue
            identity = f"{school.value.id}-class{number + 1}"
            need = sum(lessons_a_week(subject, grade) for subject in subjects)
            free = _draw_free(random, school.bells, need + kind.spare_periods)
            self._classes.append(SchoolClass(identity, school.value.id, tuple(free)))
            for subject in subjects:
                lessons = lessons_a_week(subject, grade)
                edition = school.editions[subject]
                self._demands.append(Demand(f"{identity}-{subject}", identity, subject, grade, edition, lessons, ()))

    def _with_candidates(self, demand: Demand, pacts: list[tuple[str, str]]) -> Demand:
        """Every fitting series of the county and of pact schools, and the best elsewhere by hours in common."""
        school, free, partners = self._receiving(demand, pacts)
        near: list[str] = []
        far: list[tuple[int, bool, str]] = []
        for series in self._led[demand.subject, demand.grade]:
            other = series.edition != demand.edition
            if other and demand.subject in EDITION_BOUND_SUBJECTS:
                continue
            fits = sum(1 for start, end in series.times if free.offset(start, end) is not None)
            lead = self._lead_school[series.id]
            if not fits or lead.id == school.id:
                continue
            if lead.county == school.county or lead.id in partners:
                near.append(series.id)
            else:
                far.append((-min(fits, demand.lessons), other, series.id))
        candidates = near + [identity for _, _, identity in sorted(far)[: self._regime.elsewhere]]
        last = self._random.random() < self._regime.last_lead and candidates
        lead_id = self._teacher_of[self._random.choice(candidates)] if last else None
        return Demand(
            demand.id,
            demand.class_id,
            demand.subject,
            demand.grade,
            demand.edition,
            demand.lessons,
            tuple(candidates),
            lead_id,
        )

    def _receiving(self, demand: Demand, pacts: list[tuple[str, str]]) -> tuple[School, FreeTime, set[str]]:
        if not hasattr(self, "_led"):
            self._index(pacts)
        return self._receiver_of[demand.class_id]

    def _index(self, pacts: list[tuple[str, str]]) -> None:
        schools = {school.value.id: school.value for school in self._schools}
        teachers = {teacher.id: teacher for teacher in self._teachers}
        partners: dict[str, set[str]] = defaultdict(set)
        for receiving, leading in pacts:
            partners[receiving].add(leading)
        self._led: dict[tuple[str, int], list[LeadSeries]] = defaultdict(list)
        for series in self._series:
            self._led[series.subject, series.grade].append(series)
        self._lead_school = {one.id: schools[teachers[one.teacher].school] for one in self._series}
        self._teacher_of = {one.id: one.teacher for one in self._series}
        breaks = {school.value.id: short_breaks(school.value.breaks) for school in self._schools}
        self._receiver_of = {
            one.id: (schools[one.school], FreeTime(one.free, breaks[one.school]), partners[one.school])
            for one in self._classes
        }

    def _nodes(self) -> tuple[RelayNode, ...]:
        """Each county's relay takes a multiple of its mean number of receiving rooms, as supply alone would have it."""
        seats: dict[str, int] = defaultdict(int)
        limits = {teacher.id: teacher.weekly_limit for teacher in self._teachers}
        for teacher, limit in limits.items():
            seats[self._county(teacher)] += 3 * limit
        periods = TEACHING_DAYS * 7
        counties = sorted({school.value.county for school in self._schools})
        mean = sum(seats.values()) / periods / len(counties)
        return tuple(
            RelayNode(f"{county}-relay", max(3, round(self._regime.relay_factor * max(mean, seats[county] / periods))))
            for county in counties
        )

    def _county(self, teacher_id: str) -> str:
        return teacher_id.split("-", 1)[0]


def _draw_bells(random: Random) -> _Bells:
    """Four periods before noon with a long break after the second, three after it."""
    minutes = random.choice((40, 40, 45))
    at, periods, breaks = random.choice((480, 490, 500, 510)), [], []
    for number in range(7):
        if number == 4:
            at = random.choice((840, 850, 860, 870))
        periods.append((at, at + minutes))
        pause = 30 if number == 1 else 10
        if number not in (3, 6):
            breaks.append((at + minutes, at + minutes + pause))
        at += minutes + pause
    return _Bells(tuple(periods), tuple(breaks))


def _shifted(bells: _Bells, minutes: int) -> _Bells:
    def shift(spans: tuple[Interval, ...]) -> tuple[Interval, ...]:
        return tuple((start + minutes, end + minutes) for start, end in spans)

    return _Bells(shift(bells.periods), shift(bells.breaks))


def _week(bells: _Bells) -> list[Interval]:
    return [
        (day * DAY_MINUTES + start, day * DAY_MINUTES + end)
        for day in range(TEACHING_DAYS)
        for start, end in bells.periods
    ]


def _one_a_day(random: Random, free: list[Interval], lessons: int) -> list[Interval]:
    by_day: dict[int, list[Interval]] = defaultdict(list)
    for one in free:
        by_day[one[0] // DAY_MINUTES].append(one)
    days = random.sample(sorted(by_day), min(lessons, len(by_day)))
    return sorted(random.choice(by_day[day]) for day in days)


def _draw_free(random: Random, bells: _Bells, count: int) -> list[Interval]:
    """Free periods of the week; those after noon are twice as likely."""
    week = _week(bells)
    keyed = sorted(week, key=lambda one: random.random() ** (0.5 if one[0] % DAY_MINUTES >= 720 else 1.0), reverse=True)
    return sorted(keyed[: min(count, len(week))])
