"""A plan as a JSON document: pairings, what is left unserved and why, metrics, the bound and its certificate."""

from collections.abc import Sequence
from typing import Any

from scheduler.check.plan_check import PLAN_FORMAT, PLAN_VERSION
from scheduler.check.week_plan import Pairing
from scheduler.errors import SnapshotError
from scheduler.instance.document import fingerprint
from scheduler.pairing.assignment import NOBODY, Assignment
from scheduler.pairing.metrics import measure
from scheduler.pairing.problem import Problem
from scheduler.pairing.reasons import Explainer
from scheduler.pairing.solve import Solution


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
        "format": PLAN_FORMAT,
        "version": PLAN_VERSION,
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
