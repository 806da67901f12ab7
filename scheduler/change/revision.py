"""Proposals after the instance itself changed: a demand added, bells moved to other periods, kits or teachers gained.

The old plan is carried over as far as the new instance allows; what no longer fits, and what is new, is put in again.
"""

from collections.abc import Collection
from dataclasses import dataclass

from scheduler.change.insertion import Insertion, Journal
from scheduler.change.proposals import MOST_MOVED, STEADY_POINTS, DemandChange, Proposal, WeekPlan
from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.plan import pairing_of
from scheduler.pairing.problem import Problem, compile_problem
from scheduler.pairing.subproblem import Aim, Effort, replan

BEST_DEMANDS = 220


@dataclass(frozen=True, eq=False)
class Revision:
    """The old plan in the new instance: what still fits, the demands that lost lessons, and how many were lost."""

    base: WeekPlan
    assignment: Assignment
    hit: frozenset[int]
    lost: int


def carry_over(plan: WeekPlan, snapshot: Snapshot) -> Revision:
    """Takes the plan's pairings over into another instance, each lesson that still exists and fits."""
    problem = compile_problem(snapshot)
    assignment = Assignment(problem)
    demand_at = {demand.id: at for at, demand in enumerate(snapshot.demands)}
    series_at = {series.id: at for at, series in enumerate(snapshot.series)}
    hit: set[int] = set()
    lost = 0
    for pairing in plan.pairings:
        demand, series = demand_at.get(pairing.demand), series_at.get(pairing.series)
        for time in pairing.times:
            option = None if demand is None or series is None else _option(problem, demand, series, time)
            if option is not None and assignment.fits(option):
                assignment.add(option)
                continue
            lost += 1
            if demand is not None:
                hit.add(demand)
    return Revision(plan, assignment, frozenset(hit), lost)


def propose_revision(revision: Revision, added: Collection[str], effort: Effort) -> list[Proposal]:
    """Fewest changes, and best if it scores more; `added` names new demands. The revision is left as it was."""
    problem, assignment = revision.assignment.problem, revision.assignment
    wanted = set(revision.hit) | {at for at, demand in enumerate(problem.snapshot.demands) if demand.id in set(added)}
    journal = Journal(assignment)
    Insertion(assignment, journal, frozenset()).refill(wanted, MOST_MOVED)
    proposals = [_proposal("fewest_changes", revision, wanted)]
    demands = _rivals(assignment, wanted)
    before = [option for demand in demands for option in assignment.taken_of(demand)]
    replan(assignment, demands, effort, Aim(steady=STEADY_POINTS, hurt=frozenset(wanted)))
    if assignment.score > proposals[0].score:
        proposals.append(_proposal("best", revision, wanted))
    for demand in demands:
        assignment.remove_demand(demand)
    for option in before:
        assignment.add(option)
    journal.undo()
    return proposals


def _option(problem: Problem, demand: int, series: int, time: int) -> int | None:
    for pair in problem.pairs_of_demand(demand):
        if problem.pair_series[pair] == series:
            for option in problem.options_of_pair(pair):
                if problem.option_lesson[option] - problem.series_first[series] == time:
                    return option
    return None


def _rivals(assignment: Assignment, wanted: set[int]) -> list[int]:
    problem = assignment.problem
    found = dict.fromkeys(sorted(wanted))
    for demand in sorted(wanted):
        for pair in problem.pairs_of_demand(demand):
            for other in problem.series_pairs[problem.pair_series[pair]]:
                if assignment.pair_of[problem.pair_demand[other]] == other:
                    found[problem.pair_demand[other]] = None
    return sorted(list(found)[: max(BEST_DEMANDS, len(wanted))])


def _proposal(kind: str, revision: Revision, wanted: set[int]) -> Proposal:
    assignment = revision.assignment
    snapshot = assignment.problem.snapshot
    before = {one.demand: one for one in revision.base.pairings}
    after = {demand.id: pairing_of(assignment, at) for at, demand in enumerate(snapshot.demands)}
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    changes = tuple(DemandChange(name, before.get(name), after.get(name)) for name in names)
    hit = {snapshot.demands[demand].id for demand in wanted}
    gone = sum(len(one.before.times) for one in changes if one.before and one.demand in hit)
    back = sum(len(one.after.times) for one in changes if one.after and one.demand in hit)
    told = {"school:" + snapshot.class_of[snapshot.demand_of[name].class_id].school for name in names if name in after}
    pairings = [side for one in changes for side in (one.before, one.after) if side]
    told |= {
        "teacher:" + snapshot.series_of[side.series].teacher for side in pairings if side.series in snapshot.series_of
    }
    return Proposal(
        "best" if kind == "best" else "fewest_changes",
        revision.base.version,
        changes,
        revision.base.substitutions,
        revision.base.substitutions,
        revision.lost,
        max(0, revision.lost - max(0, gone - back)),
        sum(1 for name in names if name not in hit),
        assignment.score,
        tuple(sorted(told)),
    )
