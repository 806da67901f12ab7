"""What binds: how much more any plan could reach if one scarcity were eased, by the bound of the eased instance.

The shadow prices of one relaxation say what a little more of something is worth; these questions are about a lot more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from scheduler.errors import SnapshotError
from scheduler.instance.snapshot import LEAD_KBPS, RECEIVE_KBPS, Snapshot
from scheduler.pairing.linear_program import build
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.relaxation import solve_relaxation

PLENTY = 1_000


@dataclass(frozen=True, slots=True)
class Outlook:
    """The relaxation of an instance: the most any plan can score and the share of lessons it serves, to a tolerance."""

    bound: float
    coverage: float


def outlook(snapshot: Snapshot, *, iterations: int = 100_000, tolerance: float = 1e-4) -> Outlook:
    """Solves the relaxation only: no plan, a second for a small prefecture."""
    problem = compile_problem(snapshot)
    relaxed = solve_relaxation(build(problem), iterations=iterations, tolerance=tolerance)
    needed = sum(problem.demand_need)
    served = float(relaxed.values[: problem.options].sum())
    return Outlook(relaxed.bound, served / needed if needed else 1.0)


def eased(snapshot: Snapshot, question: str) -> Snapshot:
    """The instance with one scarcity eased, by a name of QUESTIONS. Raises SnapshotError for another name."""
    if question not in QUESTIONS:
        raise SnapshotError(f"{question!r} is not one of {', '.join(QUESTIONS)}")
    part, change = QUESTIONS[question]
    changed: dict[str, Any] = {part: tuple(change(one) for one in getattr(snapshot, part))}
    return replace(snapshot, **changed)


QUESTIONS: Mapping[str, tuple[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "no_teacher_limit": ("teachers", lambda one: replace(one, weekly_limit=PLENTY)),
        "one_more_teacher_hour": ("teachers", lambda one: replace(one, weekly_limit=one.weekly_limit + 1)),
        "twice_the_seats": ("series", lambda one: replace(one, seats=2 * one.seats)),
        "all_dedicated_times": (
            "series",
            lambda one: replace(one, lessons=PLENTY) if one.kind == "dedicated" else one,
        ),
        "kits_and_links": (
            "schools",
            lambda one: replace(one, kits=PLENTY, down_kbps=PLENTY * RECEIVE_KBPS, up_kbps=PLENTY * LEAD_KBPS),
        ),
        "relay_capacity": ("nodes", lambda one: replace(one, room_cap=100 * PLENTY)),
    }
)
