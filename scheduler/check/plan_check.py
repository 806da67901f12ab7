"""The verdict on a plan document: its pairings counted, its score compared, its certificate verified."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.check.certificate import verify
from scheduler.check.week_plan import Count, Pairing, count_plan
from scheduler.errors import CertificateError, SnapshotError
from scheduler.instance.document import fingerprint
from scheduler.instance.snapshot import Snapshot

PLAN_FORMAT = "three-classrooms-plan"
PLAN_VERSION = 1


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """A plan as its document states it: for which instance, score, bound, pairings and the certificate (any JSON)."""

    instance: str
    score: int
    bound: int
    pairings: tuple[Pairing, ...]
    certificate: object


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found: `faults` is empty exactly when everything the plan states is true."""

    faults: tuple[str, ...]
    count: Count
    proven_bound: int | None

    @property
    def gap_pct(self) -> float | None:
        """The gap of the counted score to the proven bound; None if the certificate proves nothing."""
        if self.proven_bound is None:
            return None
        return 100.0 * (self.proven_bound - self.count.score) / self.proven_bound if self.proven_bound else 0.0


def read_plan(text: str) -> PlanDocument:
    """A plan from JSON text. Raises SnapshotError that names the place."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"the plan is not JSON: {error}") from None
    wanted = {"format": PLAN_FORMAT, "version": PLAN_VERSION}
    if not isinstance(document, dict) or any(document.get(name) != value for name, value in wanted.items()):
        raise SnapshotError(f'the plan must say "format": "{PLAN_FORMAT}" and "version": {PLAN_VERSION}')
    for name in ("score", "bound"):
        if type(document.get(name)) is not int:
            raise SnapshotError(f"{name} of the plan is {document.get(name)!r}, not a whole number")
    listed, instance = document.get("pairings"), document.get("instance")
    if not isinstance(listed, list):
        raise SnapshotError("pairings of the plan is not a list")
    if not isinstance(instance, str):
        raise SnapshotError("the plan does not say for which instance it was made")
    pairings = tuple(_pairing(at, value) for at, value in enumerate(listed))
    return PlanDocument(instance, document["score"], document["bound"], pairings, document.get("certificate"))


def check_plan(snapshot: Snapshot, plan: PlanDocument) -> Verdict:
    """Counts and verifies a plan of the instance; never raises for what the plan says."""
    count = count_plan(snapshot, plan.pairings)
    faults = [f"{violation.rule}: {violation.where}" for violation in count.violations]
    if plan.instance != fingerprint(snapshot):
        faults.append("instance: the plan was made for another instance")
    if plan.score != count.score:
        faults.append(f"score: the plan states {plan.score}, its pairings score {count.score}")
    proven: int | None = None
    try:
        proven = verify(snapshot, plan.certificate)
        if plan.bound < proven:
            faults.append(f"bound: the plan states {plan.bound}, its certificate proves only {proven}")
    except CertificateError as error:
        faults.append(f"certificate: {error}")
    return Verdict(tuple(faults), count, proven)


def describe(verdict: Verdict) -> Iterable[str]:
    """The verdict in lines for a person to read."""
    count = verdict.count
    yield f"score {count.score}, {count.lessons} lessons, coverage {float(count.coverage):.4f}"
    served = [share for share in count.shares.values() if share]
    yield f"schools served: {len(served)} of {len(count.shares)}"
    if verdict.proven_bound is not None:
        yield f"proven bound {verdict.proven_bound}, gap {verdict.gap_pct:.3f} %"
    yield from (f"FAULT {fault}" for fault in verdict.faults)
    yield "the plan is right" if not verdict.faults else f"{len(verdict.faults)} faults"


def _pairing(at: int, value: object) -> Pairing:
    entry = value if isinstance(value, dict) else {}
    demand, series, times = entry.get("demand"), entry.get("series"), entry.get("times")
    names = isinstance(demand, str) and isinstance(series, str)
    if names and isinstance(times, list) and all(type(time) is int for time in times):
        return Pairing(str(demand), str(series), tuple(times))
    raise SnapshotError(f"pairings[{at}] is not an object of demand, series and times")
