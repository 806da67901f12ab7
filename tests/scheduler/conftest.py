"""Tiny planning instances, drawn so that every rule gets in someone's way, and their optimum by trying everything."""

from collections.abc import Callable, Iterator
from itertools import combinations
from random import Random

import pytest

from scheduler.check.week_plan import Count, Pairing, count_plan
from scheduler.instance.snapshot import (
    DAY_MINUTES,
    Demand,
    LeadSeries,
    RelayNode,
    School,
    SchoolClass,
    Snapshot,
    Studio,
    Teacher,
)

PERIODS = [(480, 520), (530, 570), (600, 640)]


def draw_tiny(seed: int, demands: int = 4) -> Snapshot:
    random = Random(seed)

    def times(count: int, shift: int = 0) -> tuple[tuple[int, int], ...]:
        slots = [(day * DAY_MINUTES + a + shift, day * DAY_MINUTES + b + shift) for day in (0, 1) for a, b in PERIODS]
        return tuple(sorted(random.sample(slots, count)))

    schools = tuple(
        School(f"s{n}", f"county{n % 2}", f"n{n % 2}", random.randint(1, 2), 8_000, random.choice((6_000, 12_000)),
               ((520, 530), (570, 600)))
        for n in range(3)
    )  # fmt: skip
    teachers = tuple(Teacher(f"t{n}", "s0", random.randint(1, 3)) for n in range(2))
    series = tuple(
        LeadSeries(
            f"c{n}",
            kind := random.choice(("fixed", "dedicated")),
            f"t{n % 2}",
            f"studio{random.randint(0, 1)}",
            random.choice(("music", "art")),
            1,
            random.choice(("A", "B")),
            random.randint(1, 2),
            2 if kind == "fixed" else random.randint(1, 2),
            times(2, random.choice((0, 0, 5, 10))),
        )
        for n in range(4)
    )
    classes = tuple(SchoolClass(f"k{n}", f"s{1 + n % 2}", times(4)) for n in range(2))
    wanted = []
    for n in range(demands):
        subject = random.choice(("music", "art"))
        fitting = [one for one in series if one.subject == subject]
        chosen = random.sample(fitting, min(2, len(fitting)))
        last = random.choice((None, "t0", "t1"))
        wanted.append(
            Demand(f"d{n}", f"k{n % 2}", subject, 1, "A", random.randint(1, 2), tuple(one.id for one in chosen), last)
        )
    nodes = (RelayNode("n0", random.randint(1, 3)), RelayNode("n1", random.randint(1, 3)))
    pacts = frozenset({("s1", "s0")})
    studios = (Studio("studio0", "s0"), Studio("studio1", "s0"))
    return Snapshot(f"tiny {seed}", nodes, schools, teachers, studios, series, classes, tuple(wanted), pacts)


def choices(snapshot: Snapshot, demand: Demand) -> list[Pairing | None]:
    found: list[Pairing | None] = [None]
    for candidate in demand.candidates:
        indices = range(len(snapshot.series_of[candidate].times))
        for size in range(1, demand.lessons + 1):
            for chosen in combinations(indices, size):
                pairing = Pairing(demand.id, candidate, chosen)
                if not count_plan(snapshot, [pairing]).violations:
                    found.append(pairing)
    return found


def every_plan(snapshot: Snapshot) -> Iterator[tuple[list[Pairing], Count]]:
    """Every plan that keeps all rules. A plan that breaks one does so with any more pairings too."""

    def extend(pairings: list[Pairing], at: int) -> Iterator[tuple[list[Pairing], Count]]:
        count = count_plan(snapshot, pairings)
        if count.violations:
            return
        if at == len(snapshot.demands):
            yield pairings, count
            return
        for choice in choices(snapshot, snapshot.demands[at]):
            yield from extend(pairings if choice is None else [*pairings, choice], at + 1)

    yield from extend([], 0)


@pytest.fixture
def tiny() -> Callable[..., Snapshot]:
    return draw_tiny


@pytest.fixture
def plans() -> Callable[[Snapshot], Iterator[tuple[list[Pairing], Count]]]:
    return every_plan
