"""Solves one frozen instance in a process of its own, at low priority, so that live lessons are not disturbed.

What goes in and comes out are texts in the scheduler's JSON formats; progress comes back while it works.
"""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from scheduler.instance.document import load
from scheduler.pairing.budget import Budget
from scheduler.pairing.plan import plan_document
from scheduler.pairing.solve import Progress, solve

NICENESS = 10
EFFORT_PER_SECOND = 4.0
"""The seconds decide: the deterministic effort only stops an instance so small that nothing is left to try."""
GOOD_ENOUGH_PCT = 0.1


class SolvingFailedError(Exception):
    """The solver refused, broke or was stopped; the text says why."""


@dataclass(frozen=True)
class Order:
    """What to solve: the instance's text, how many seconds it may take, and the seed of the search."""

    snapshot: str
    seconds: int
    seed: int


Report = Callable[[Progress], None]


def solve_here(order: Order, report: Report) -> str:
    """The plan document of an order, solved in this process."""
    started = time.monotonic()
    budget = Budget(effort=EFFORT_PER_SECOND * order.seconds, seconds=float(order.seconds), gap_pct=GOOD_ENOUGH_PCT)
    solution = solve(
        load(order.snapshot), budget, order.seed, elapsed=lambda: time.monotonic() - started, report=report
    )
    return json.dumps(plan_document(solution), ensure_ascii=False, separators=(",", ":"))


class SubprocessSolver:
    """Solves orders in spawned processes and waits for them; safe to use from several threads."""

    def __init__(self) -> None:
        self._processes: dict[str, BaseProcess] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def solve(self, name: str, order: Order, report: Report) -> str:
        """The plan document. Raises SolvingFailedError, also when the process dies, is cancelled or stopped."""
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(order, sending), daemon=True)
        with self._lock:
            if self._stopped:
                raise SolvingFailedError("the service stops")
            process.start()
            self._processes[name] = process
        sending.close()
        try:
            return _follow(receiving, report)
        finally:
            receiving.close()
            with self._lock:
                del self._processes[name]
            process.terminate()
            process.join()
            process.close()

    def cancel(self, name: str) -> None:
        """End one solve under way, if it is."""
        with self._lock:
            if name in self._processes:
                self._processes[name].terminate()

    def stop(self) -> None:
        """End everything under way; the service solves it again when it comes back."""
        with self._lock:
            self._stopped = True
            for process in self._processes.values():
                process.terminate()


def _follow(receiving: Connection, report: Report) -> str:
    while True:
        try:
            kind, value = receiving.recv()
        except (EOFError, OSError):
            raise SolvingFailedError("the process that plans ended") from None
        if kind == "progress":
            report(value)
        elif kind == "done":
            return str(value)
        else:
            raise SolvingFailedError(value)


def _work(order: Order, sending: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this process itself
    os.nice(NICENESS)
    try:
        sending.send(("done", solve_here(order, lambda progress: sending.send(("progress", progress)))))
    except Exception as error:
        sending.send(("failed", f"{type(error).__name__}: {error}"))
