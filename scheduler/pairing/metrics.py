"""What a plan achieves, as a whole and by school, county and subject: 开齐 (at least one lesson), 开足 (all hours)."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scheduler.pairing.assignment import Assignment


@dataclass(slots=True)
class Share:
    """Demands and lessons wanted and served."""

    demands: int = 0
    started: int = 0
    needed: int = 0
    served: int = 0

    def document(self) -> dict[str, Any]:
        """As JSON values with the two shares worked out."""
        return {
            "demands": self.demands,
            "lessons_needed": self.needed,
            "lessons_served": self.served,
            "every_subject": round(self.started / self.demands, 6) if self.demands else 1.0,
            "all_hours": round(self.served / self.needed, 6) if self.needed else 1.0,
        }


@dataclass(frozen=True, slots=True)
class Metrics:
    """A plan measured."""

    total: Share
    schools: dict[str, Share]
    counties: dict[str, Share]
    subjects: dict[str, Share]
    broadcasts: int
    same_county: float
    kept_leads: float
    peak_rooms: int

    @property
    def coverage(self) -> float:
        """Lessons served of lessons needed."""
        return round(self.total.served / self.total.needed, 6) if self.total.needed else 1.0

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "total": self.total.document(),
            "broadcasts": self.broadcasts,
            "same_county": self.same_county,
            "kept_leads": self.kept_leads,
            "peak_receiving_rooms": self.peak_rooms,
            "counties": {name: share.document() for name, share in sorted(self.counties.items())},
            "subjects": {name: share.document() for name, share in sorted(self.subjects.items())},
            "schools": {name: share.document() for name, share in sorted(self.schools.items())},
        }


def measure(assignment: Assignment) -> Metrics:
    """Measures a plan."""
    problem = assignment.problem
    snapshot = problem.snapshot
    near = total = kept = had = 0
    for demand, value in enumerate(snapshot.demands):
        if value.last_lead is not None:
            had += 1
        for option in assignment.taken_of(demand):
            series = problem.lesson_series[problem.option_lesson[option]]
            total += 1
            lead = snapshot.schools[problem.series_school[series]]
            near += lead.county == snapshot.schools[problem.demand_school[demand]].county
        pair = assignment.pair_of[demand]
        if value.last_lead is not None and pair >= 0:
            kept += snapshot.series[problem.pair_series[pair]].teacher == value.last_lead
    return Metrics(
        total=_by(assignment, lambda demand: "all").get("all", Share()),
        schools=_by(assignment, lambda demand: snapshot.schools[problem.demand_school[demand]].id),
        counties=_by(assignment, lambda demand: snapshot.schools[problem.demand_school[demand]].county),
        subjects=_by(assignment, lambda demand: snapshot.demands[demand].subject),
        broadcasts=sum(1 for rooms in assignment.lesson_rooms if rooms),
        same_county=round(near / total, 6) if total else 0.0,
        kept_leads=round(kept / had, 6) if had else 0.0,
        peak_rooms=_peak_rooms(assignment),
    )


def _by(assignment: Assignment, name: Callable[[int], str]) -> dict[str, Share]:
    shares: dict[str, Share] = defaultdict(Share)
    for demand, needed in enumerate(assignment.problem.demand_need):
        share, served = shares[name(demand)], assignment.demand_lessons[demand]
        share.demands += 1
        share.started += served > 0
        share.needed += needed
        share.served += served
    return dict(shares)


def _peak_rooms(assignment: Assignment) -> int:
    """The most receiving rooms in lessons at one instant, all relays together: the load on media."""
    return max((sum(loads) for loads in zip(*assignment.node_load, strict=True)), default=0)
