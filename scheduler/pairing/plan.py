"""A plan as a JSON document: pairings, what is left unserved and why, metrics, the bound and its certificate."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scheduler.check.week_plan import Pairing
from scheduler.errors import SnapshotError
from scheduler.instance.document import fingerprint
from scheduler.pairing.assignment import NOBODY, Assignment
from scheduler.pairing.metrics import measure
from scheduler.pairing.problem import Problem
from scheduler.pairing.reasons import Explainer
from scheduler.pairing.solve import Solution

FORMAT = "three-classrooms-plan"
VERSION = 1


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """A plan as read back: for which instance, what it states of itself, its pairings and its certificate."""

    instance: str
    score: int
    bound: int
    pairings: tuple[Pairing, ...]
    certificate: Any


def pairings_of(assignment: Assignment) -> list[Pairing]:
    """The pairings of an assignment, in the order of the instance's demands."""
    found = (pairing_of(assignment, demand) for demand in range(assignment.problem.demands))
    return [one for one in found if one is not None]


def pairing_of(assignment: Assignment, demand: int) -> Pairing | None:
    """The pairing of one demand; None if it has no lesson."""
    problem = assignment.problem
    pair = assignment.pair_of[demand]
    if pair == NOBODY:
        return None
    series = problem.pair_series[pair]
    times = [problem.option_lesson[option] - problem.series_first[series] for option in assignment.taken_of(demand)]
    return Pairing(problem.snapshot.demands[demand].id, problem.snapshot.series[series].id, tuple(times))


def assignment_of(problem: Problem, pairings: Sequence[Pairing]) -> Assignment:
    """The assignment of these pairings. Raises SnapshotError for one that names nothing or does not fit."""
    snapshot = problem.snapshot
    option_at: dict[tuple[str, str, int], int] = {}
    for option, lesson in enumerate(problem.option_lesson):
        series = problem.lesson_series[lesson]
        key = snapshot.demands[problem.option_demand[option]].id, snapshot.series[series].id
        option_at[*key, lesson - problem.series_first[series]] = option
    assignment = Assignment(problem)
    for pairing in pairings:
        for index in pairing.times:
            chosen = option_at.get((pairing.demand, pairing.series, index))
            if chosen is None:
                raise SnapshotError(f"demand {pairing.demand} cannot attend series {pairing.series} at time {index}")
            if not assignment.fits(chosen):
                rules = ", ".join(assignment.blockers(chosen))
                raise SnapshotError(f"demand {pairing.demand} at series {pairing.series}, time {index}: {rules}")
            assignment.add(chosen)
    return assignment


def plan_document(solution: Solution) -> dict[str, Any]:
    """The plan as plain JSON values."""
    assignment = solution.assignment
    snapshot = solution.problem.snapshot
    measured = measure(assignment)
    return {
        "format": FORMAT,
        "version": VERSION,
        "instance": fingerprint(snapshot),
        "score": assignment.score,
        "bound": solution.bound,
        "gap_pct": round(solution.gap_pct, 4),
        "coverage": measured.coverage,
        "worst_school": round(float(solution.worst_school), 6),
        "worst_school_bound": round(float(solution.worst_school_bound), 6),
        "pairings": [
            {"demand": one.demand, "series": one.series, "times": list(one.times)} for one in pairings_of(assignment)
        ],
        "unserved": Explainer(assignment).unserved(),
        "metrics": measured.document(),
        "shadow_prices": {name: round(price, 2) for name, price in solution.scarcity.items()},
        "certificate": solution.certificate,
    }


def load_plan(text: str) -> PlanDocument:
    """A plan from JSON text. Raises SnapshotError that names the place."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"the plan is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT or document.get("version") != VERSION:
        raise SnapshotError(f'the plan must say "format": "{FORMAT}" and "version": {VERSION}')
    numbers = {name: document.get(name) for name in ("score", "bound")}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise SnapshotError(f"{name} of the plan is {value!r}, not a whole number")
    listed = document.get("pairings")
    if not isinstance(listed, list):
        raise SnapshotError("pairings of the plan is not a list")
    pairings = tuple(_pairing(at, value) for at, value in enumerate(listed))
    instance = document.get("instance")
    if not isinstance(instance, str):
        raise SnapshotError("the plan does not say for which instance it was made")
    return PlanDocument(instance, document["score"], document["bound"], pairings, document.get("certificate"))


def _pairing(at: int, value: object) -> Pairing:
    entry = value if isinstance(value, dict) else {}
    demand, series, times = entry.get("demand"), entry.get("series"), entry.get("times")
    names = isinstance(demand, str) and isinstance(series, str)
    if names and isinstance(times, list) and all(type(time) is int for time in times):
        return Pairing(str(demand), str(series), tuple(times))
    raise SnapshotError(f"pairings[{at}] is not an object of demand, series and times")
