"""Verifies plans by the independent checker: small ones here, large ones in a process of their own.

A whole prefecture's plan takes seconds of pure computing, in which every other request of this process would wait.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from scheduler.check.plan_check import check_plan, read_plan
from scheduler.errors import SnapshotError
from scheduler.instance.document import load
from service.planning.child_processes import ChildProcesses
from service.storage.base import new_id

LARGE_TEXT = 1_000_000
"""Characters of an instance from which on verifying it is work for a process of its own."""


class PlanRefusedError(Exception):
    """The plan does not prove what it states: forged, stale or damaged. The text names the first fault."""


@dataclass(frozen=True)
class Texts:
    """An instance and a plan of it, as they are kept."""

    snapshot: str
    plan: str

    @property
    def are_large(self) -> bool:
        """Whether they take seconds to read."""
        return len(self.snapshot) >= LARGE_TEXT


@dataclass(frozen=True)
class Proven:
    """What a plan states and proves of itself."""

    score: int
    bound: int
    gap_pct: float


def verify_here(texts: Texts) -> Proven:
    """Count the pairings and verify the certificate. Raises PlanRefusedError."""
    try:
        snapshot, plan = load(texts.snapshot), read_plan(texts.plan)
        faults = check_plan(snapshot, plan).faults
    except SnapshotError as error:
        raise PlanRefusedError(str(error)) from error
    if faults:
        raise PlanRefusedError(faults[0])
    return Proven(plan.score, plan.bound, float(json.loads(texts.plan)["gap_pct"]))


class Verifier:
    """Verifies one plan after the other; safe to use from several threads."""

    def __init__(self) -> None:
        self._children = ChildProcesses()

    def verify(self, texts: Texts) -> Proven:
        """Count the pairings and verify the certificate. Raises PlanRefusedError; ChildFailedError while stopping."""
        if not texts.are_large:
            return verify_here(texts)
        proven = self._children.run(f"verify {new_id()}", _verdict, texts, lambda _progress: None)
        if not isinstance(proven, Proven):
            raise PlanRefusedError(str(proven))
        return proven

    def stop(self) -> None:
        """End what is under way."""
        self._children.stop()


def _verdict(texts: Texts, report: Callable[[object], None]) -> Proven | str:
    try:
        return verify_here(texts)
    except PlanRefusedError as error:
        return str(error)
