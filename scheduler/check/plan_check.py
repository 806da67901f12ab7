"""The verdict on a plan document: its pairings counted, its score compared, its certificate verified."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from types import MappingProxyType

from scheduler.check.certificate import verify
from scheduler.check.week_plan import Count, Pairing, count_plan, servable_schools
from scheduler.check.worst_school import worst_share_proven
from scheduler.errors import CertificateError, SnapshotError
from scheduler.instance.document import fingerprint
from scheduler.instance.snapshot import Snapshot

PLAN_FORMAT = "three-classrooms-plan"
PLAN_VERSION = 1
STATED_SHARES = ("gap_pct", "coverage", "worst_school", "worst_school_bound")
ROUNDING = MappingProxyType({"gap_pct": 1e-3, "coverage": 1e-5, "worst_school": 1e-5})


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """A plan as its document states it: for which instance, score, bound, pairings, the certificate (any JSON).

    `shares` has what it states about gap_pct, coverage, worst_school and worst_school_bound; `unserved` names demands.
    """

    instance: str
    score: int
    bound: int
    pairings: tuple[Pairing, ...]
    certificate: object
    shares: Mapping[str, float]
    unserved: tuple[str, ...]


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
    return PlanDocument(
        instance,
        document["score"],
        document["bound"],
        pairings,
        document.get("certificate"),
        {name: _share(name, document.get(name)) for name in STATED_SHARES},
        _unserved(document.get("unserved")),
    )


def check_plan(snapshot: Snapshot, plan: PlanDocument) -> Verdict:
    """Counts and verifies a plan of the instance; never raises for what the plan says."""
    count = count_plan(snapshot, plan.pairings)
    faults = [f"{violation.rule}: {violation.where}" for violation in count.violations]
    if plan.instance != fingerprint(snapshot):
        faults.append("instance: the plan was made for another instance")
    if plan.score != count.score:
        faults.append(f"score: the plan states {plan.score}, its pairings score {count.score}")
    faults += _false_shares(snapshot, plan, count)
    faults += _false_unserved(snapshot, plan)
    faults += _false_worst_bound(snapshot, plan)
    proven: int | None = None
    try:
        proven = verify(snapshot, plan.certificate)
        if plan.bound < proven:
            faults.append(f"bound: the plan states {plan.bound}, its certificate proves only {proven}")
    except CertificateError as error:
        faults.append(f"certificate: {error}")
    return Verdict(tuple(faults), count, proven)


def _false_shares(snapshot: Snapshot, plan: PlanDocument, count: Count) -> list[str]:
    """What the plan states about itself against what its pairings amount to."""
    stated = plan.shares
    gap = 100.0 * (plan.bound - plan.score) / plan.bound if plan.bound > 0 else 0.0
    worst = min((count.shares[school] for school in servable_schools(snapshot)), default=Fraction(1))
    true = {"gap_pct": gap, "coverage": float(count.coverage), "worst_school": float(worst)}
    faults = [
        f"{name}: the plan states {stated[name]}, it is {value:.6f}"
        for name, value in true.items()
        if abs(stated[name] - value) > ROUNDING[name]
    ]
    if stated["worst_school_bound"] < float(worst) - ROUNDING["worst_school"]:
        faults.append(f"worst_school_bound: the plan states {stated['worst_school_bound']}, yet reaches {worst}")
    return faults


def _false_worst_bound(snapshot: Snapshot, plan: PlanDocument) -> list[str]:
    """The bound of the worst school's share against what its proof, a part of the certificate, rules out."""
    proof = plan.certificate.get("worst_school") if isinstance(plan.certificate, dict) else None
    stated = plan.shares["worst_school_bound"]
    try:
        proven = worst_share_proven(snapshot, proof)
    except CertificateError as error:
        return [f"certificate: {error}"]
    if stated < float(proven) - ROUNDING["worst_school"]:
        return [f"worst_school_bound: the plan states {stated}, its certificate proves only {float(proven):.6f}"]
    return []


def _false_unserved(snapshot: Snapshot, plan: PlanDocument) -> list[str]:
    served = Counter({one.demand: len(one.times) for one in plan.pairings})
    short = {demand.id for demand in snapshot.demands if served[demand.id] < demand.lessons}
    listed = Counter(plan.unserved)
    faults = [f"unserved: demand {one} is short of lessons and not listed" for one in sorted(short - listed.keys())]
    wrong = sorted(one for one, times in listed.items() if one not in short or times > 1)
    return faults + [f"unserved: demand {one} is listed wrongly" for one in wrong]


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


def _share(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise SnapshotError(f"{name} of the plan is {value!r}, not a number")
    return float(value)


def _unserved(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise SnapshotError("unserved of the plan is not a list")
    names = [one.get("demand") if isinstance(one, dict) else None for one in value]
    for at, name in enumerate(names):
        if not isinstance(name, str):
            raise SnapshotError(f"unserved[{at}] names no demand")
    return tuple(str(name) for name in names)


def _pairing(at: int, value: object) -> Pairing:
    entry = value if isinstance(value, dict) else {}
    demand, series, times = entry.get("demand"), entry.get("series"), entry.get("times")
    names = isinstance(demand, str) and isinstance(series, str)
    if names and isinstance(times, list) and all(type(time) is int for time in times):
        return Pairing(str(demand), str(series), tuple(times))
    raise SnapshotError(f"pairings[{at}] is not an object of demand, series and times")
