"""Solves one frozen instance in a process of its own, at low priority, so that live lessons are not disturbed.

What goes in and comes out are texts in the scheduler's JSON formats; progress comes back while it works.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from scheduler.instance.document import load
from scheduler.pairing.budget import Budget
from scheduler.pairing.plan import plan_document
from scheduler.pairing.solve import Progress, solve
from service.planning.child_processes import ChildFailedError, ChildProcesses

EFFORT_PER_SECOND = 4.0
"""The seconds decide: the deterministic effort only stops an instance so small that nothing is left to try."""
GOOD_ENOUGH_PCT = 0.1


class SolvingFailedError(Exception):
    """The solver refused, broke or was stopped; the text says why."""


@dataclass(frozen=True)
class Order:
    """What to solve: the instance's text, how many seconds it may take, the seed, and how many processes search."""

    snapshot: str
    seconds: int
    seed: int
    workers: int = 1


Report = Callable[[Progress], None]


def solve_here(order: Order, report: Report) -> str:
    """The plan document of an order; with several workers they are processes of this one."""
    started = time.monotonic()
    budget = Budget(effort=EFFORT_PER_SECOND * order.seconds, seconds=float(order.seconds), gap_pct=GOOD_ENOUGH_PCT)
    elapsed = lambda: time.monotonic() - started  # noqa: E731 - it reads better where it is used
    solution = solve(load(order.snapshot), budget, order.seed, elapsed=elapsed, report=report, workers=order.workers)
    return json.dumps(plan_document(solution), ensure_ascii=False, separators=(",", ":"))


class SubprocessSolver:
    """Solves orders in spawned processes and waits for them; safe to use from several threads.

    At most `workers` processes search for one plan, never more than this one may use cores.
    """

    def __init__(self, workers: int = 1) -> None:
        self._children = ChildProcesses()
        self._workers = min(workers, len(os.sched_getaffinity(0)))

    def solve(self, name: str, order: Order, report: Report) -> str:
        """The plan document. Raises SolvingFailedError, also when the process dies, is cancelled or stopped."""
        try:
            return str(self._children.run(name, solve_here, replace(order, workers=self._workers), report))
        except ChildFailedError as error:
            raise SolvingFailedError(str(error)) from error

    def cancel(self, name: str) -> None:
        """End one solve under way, if it is."""
        self._children.cancel(name)

    def stop(self) -> None:
        """End everything under way; the service solves it again when it comes back."""
        self._children.stop()
