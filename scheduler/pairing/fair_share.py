"""How well the worst school can be served when all schools must be: a share no plan beats, and lessons that reach it.

A small model without points asks whether every school can have so many lessons at once. Shares are fractions of small
whole numbers, so few questions settle it; each "no" is a proof, each "yes" comes with the lessons.
"""

from dataclasses import dataclass
from fractions import Fraction

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.fairness import floors, most_alone, worst_share
from scheduler.pairing.greedy import add_in_order, fill_weakest_first
from scheduler.pairing.problem import Problem
from scheduler.pairing.subproblem import Effort, reach

MOST_UNANSWERED = 2
MOST_OPTIONS = 60_000
"""Above that the question takes longer than the search that would answer it by a plan."""


@dataclass(frozen=True, slots=True)
class FairShare:
    """No plan's worst share is above `bound`; `options` serve every school at least `reached`, and fit together."""

    bound: Fraction
    reached: Fraction
    options: tuple[int, ...]


def fair_share(
    assignment: Assignment, bound: Fraction, effort: Effort, promising: bytes | bytearray | None = None
) -> FairShare:
    """Asks for more than the plan's worst share and at most a bound already known, each question with this effort.

    The plan is only read. Where nothing more is found its own lessons are the answer. With `promising` only options
    that are not 0 there are looked at, and a "no" does not lower the bound.
    """
    problem = assignment.problem
    plan = tuple(assignment.options())
    reached, options = worst_share(problem, assignment.school_lessons), plan
    possible = [share for share in possible_shares(problem) if reached < share <= bound]
    if problem.options > MOST_OPTIONS or not possible:
        return FairShare(max(bound, reached), reached, options)
    # The largest share first: it is often reached; then halving what is left.
    low, high, at = -1, len(possible), len(possible) - 1
    unanswered = 0
    while low + 1 < high and unanswered < MOST_UNANSWERED:
        empty = Assignment.of(problem, sorted(problem.pinned))
        least = floors(problem, possible[at])
        found, decided, _ = reach(empty, range(problem.demands), effort, least, plan, promising=promising)
        if found is not None:
            low, reached, options = at, possible[at], tuple(found)
        else:
            high = at
            unanswered += not decided
            if decided:
                bound = min(bound, possible[at - 1] if at else reached)
        at = (low + high) // 2
    return FairShare(bound, reached, options)


def adopt(assignment: Assignment, fair: FairShare) -> None:
    """Makes the plan serve every school at least the share reached: those lessons first, then all that still fits."""
    problem = assignment.problem
    before = assignment.options()
    least = floors(problem, fair.reached)
    for option in before:
        assignment.remove(option)
    taken = frozenset(before)
    for option in sorted(fair.options, key=lambda one: (one not in problem.pinned, one not in taken, one)):
        school = problem.demand_school[problem.option_demand[option]]
        if option in problem.pinned or assignment.school_lessons[school] < least.get(school, 0):
            assignment.add(option)
    add_in_order(assignment, before)
    fill_weakest_first(assignment)


def possible_shares(problem: Problem) -> list[Fraction]:
    """Every share above 0 that a worst school could have, in order."""
    return sorted(
        {
            Fraction(lessons, problem.school_need[school])
            for school, most in most_alone(problem).items()
            for lessons in range(1, most + 1)
        }
    )
