"""The stages of a solve, each with a plan to show: greedy, relaxation, rounding, fairness, blocks, search, fill.

`solve` is a pure function of snapshot, budget and seed as long as the budget names no seconds; with seconds the caller
brings the clock. Progress is reported after every stage and whenever a search round improved the plan.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Budget, Watch
from scheduler.pairing.certificate import certify
from scheduler.pairing.fair_proof import prove_worst_share
from scheduler.pairing.fair_share import adopt, fair_share
from scheduler.pairing.fairness import floors, kept_floors, raise_worst, weakest_alone, worst_share
from scheduler.pairing.first_served import serve_short_first
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.linear_program import build
from scheduler.pairing.problem import Problem, compile_problem
from scheduler.pairing.prospects import Prospects
from scheduler.pairing.relaxation import solve_relaxation
from scheduler.pairing.rounding import round_down
from scheduler.pairing.search import Search

BLOCK_SIZE = 250
ALL_OPTIONS = 10_000
"""In a larger instance the question about everybody's share leaves hopeless options out."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a solve stands; `bound` and `gap_pct` are None until the relaxation is solved."""

    stage: str
    seconds: float
    score: int
    bound: int | None
    gap_pct: float | None


@dataclass(frozen=True, eq=False)
class Solution:
    """The plan found, its proven bound with the certificate, and how the worst school fares against its bound.

    `scarcity` has, for each family of rows of the relaxation, what all there is of it is worth at its prices (points).
    """

    problem: Problem
    assignment: Assignment
    bound: int
    certificate: dict[str, Any]
    worst_school: Fraction
    worst_school_bound: Fraction
    scarcity: dict[str, float]

    @property
    def gap_pct(self) -> float:
        """(bound - score) / bound in percent."""
        return gap_pct(self.bound, self.assignment.score)


def gap_pct(bound: int, score: int) -> float:
    """(bound - score) / bound in percent; 0 where there is nothing to gain."""
    return 0.0 if bound <= 0 else 100.0 * (bound - score) / bound


def solve(
    snapshot: Snapshot,
    budget: Budget,
    seed: int,
    *,
    elapsed: Callable[[], float] | None = None,
    report: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    workers: int = 1,
) -> Solution:
    """Plans the instance. `elapsed` is needed if the budget names seconds; `stop` may end the search early.

    With two workers or more the search runs in that many processes of its own.
    """
    if budget.seconds is not None and elapsed is None:
        raise ValueError("a budget in seconds needs a clock: pass elapsed")
    watch = Watch(budget, elapsed)
    return _Solve(compile_problem(snapshot), watch, seed, report, stop, workers).run()


class _Solve:
    def __init__(
        self,
        problem: Problem,
        watch: Watch,
        seed: int,
        report: Callable[[Progress], None] | None,
        stop: Callable[[], bool] | None,
        workers: int,
    ) -> None:
        self._problem = problem
        self._watch = watch
        self._random = Random(seed)  # noqa: S311 - a search, not a secret
        self._report = report
        self._stop = stop
        self._workers = workers
        self._bound: int | None = None

    def run(self) -> Solution:
        problem = self._problem
        greedy = Assignment.of(problem, sorted(problem.pinned))
        fill_weakest_first(greedy)
        self._tell("greedy", greedy)
        program = build(problem)
        left = self._watch.left
        relaxed = solve_relaxation(
            program,
            iterations=self._watch.budget.relaxation_iterations,
            seconds=None if left is None else max(1.0, self._watch.budget.relaxation_share * left),
            threads=self._workers,
        )
        certificate = certify(problem, program, relaxed.prices)
        self._bound = int(certificate["bound"])
        assignment = round_down(problem, program, relaxed)
        if assignment.score < greedy.score:
            assignment = greedy
        self._tell("rounding", assignment)
        worst_bound, certificate["worst_school"] = self._improve(assignment, Prospects.of(problem, program, relaxed))
        scarcity = {
            name: float(relaxed.prices[family.rows] @ program.right[family.rows])
            for name, family in program.families.items()
        }
        return Solution(
            problem,
            assignment,
            self._bound,
            certificate,
            worst_share(problem, assignment.school_lessons),
            worst_bound,
            scarcity,
        )

    def _improve(self, assignment: Assignment, prospects: Prospects) -> tuple[Fraction, dict[str, Any] | None]:
        """Betters the plan; gives the share above which no plan can serve its worst school, and the proof."""
        search = Search(assignment, prospects, self._random, self._watch, self._workers)
        try:
            search.block_pass(BLOCK_SIZE, self._going(0.5, assignment))
            self._tell("blocks", assignment)
            alone, weakest = weakest_alone(assignment.problem, self._watch.small_model())
            wanted = floors(assignment.problem, alone)
            going, further = self._going(0.2, assignment), self._going(0.05, assignment)
            raise_worst(assignment, search, going, alone, most_schools=10, further=further)
            if serve_short_first(assignment, wanted, self._watch.small_model(), self._going(0.1, assignment)):
                search.changed(range(assignment.problem.demands))
                raise_worst(assignment, search, self._going(0.1, assignment), alone, most_schools=3, further=further)
            large = assignment.problem.options > ALL_OPTIONS
            promising = search.promising_for(wanted) if large else None
            fair = fair_share(assignment, alone, self._watch.large_model(), promising)
            if worst_share(assignment.problem, assignment.school_lessons) < fair.reached:
                adopt(assignment, fair)
                search.changed(range(assignment.problem.demands))
            reached = worst_share(assignment.problem, assignment.school_lessons)
            proven = prove_worst_share(assignment.problem, reached, fair.bound, (alone, weakest))
            self._tell("worst_school", assignment)
            search.floors = kept_floors(assignment)
            search.improve(self._going(1.0, assignment), lambda: self._tell("search", assignment))
        finally:
            search.close()
        fill_weakest_first(assignment)
        self._tell("done", assignment)
        return proven

    def _going(self, share: float, assignment: Assignment) -> Callable[[], bool]:
        go_on = self._watch.share_left(share)

        def going() -> bool:
            if self._stop is not None and self._stop():
                return False
            return go_on() and gap_pct(self._bound or 0, assignment.score) > self._watch.budget.gap_pct

        return going

    def _tell(self, stage: str, assignment: Assignment) -> None:
        if self._report is None:
            return
        gap = None if self._bound is None else gap_pct(self._bound, assignment.score)
        self._report(Progress(stage, self._watch.seconds, assignment.score, self._bound, gap))
