"""Proves by prices that no plan serves all of some schools a certain share, as `check.worst_school` verifies it.

The relaxation is solved for these schools' demands alone, to give them as many of the lessons wanted as it can. Where
even that falls short, its prices are the proof; where it does not, the question stays open.
"""

from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from scheduler.check.worst_school import of_schools, wanted_lessons, worst_share_proven
from scheduler.errors import CertificateError
from scheduler.pairing.certificate import price_list
from scheduler.pairing.fair_share import MOST_OPTIONS, possible_shares
from scheduler.pairing.fairness import most_alone
from scheduler.pairing.linear_program import LinearProgram, build
from scheduler.pairing.problem import Problem, compile_problem
from scheduler.pairing.relaxation import solve_relaxation

ITERATIONS = 20_000
TOLERANCE = 1e-5
MOST_SHARES = 3


def prove_unreachable(problem: Problem, schools: Collection[int], share: Fraction) -> dict[str, Any] | None:
    """A proof that these schools cannot all have that share of their need; None where the relaxation rules it in."""
    snapshot = problem.snapshot
    names = sorted(snapshot.schools[school].id for school in schools)
    small = compile_problem(of_schools(snapshot, frozenset(names)))
    program = _to_share(small, build(small), share)
    relaxed = solve_relaxation(program, tolerance=TOLERANCE, iterations=ITERATIONS)
    proof = {"below": [share.numerator, share.denominator], "schools": names}
    proof |= price_list(small, program, relaxed.prices)
    try:
        worst_share_proven(snapshot, proof)
    except CertificateError:
        return None
    return proof


def prove_worst_share(
    problem: Problem, reached: Fraction, bound: Fraction, alone: tuple[Fraction, int | None]
) -> tuple[Fraction, dict[str, Any] | None]:
    """The smallest bound of the worst school's share that prices prove, with its proof.

    First that all schools cannot have more than the share `reached`, then from `bound` upwards. `alone` is what the
    weakest school could have alone, and which that is: above, it is enough to look at it. In a large instance all
    schools are not looked at together.
    """
    share_alone, weakest = alone
    shares = [share for share in possible_shares(problem) if share > reached]
    everybody = list(most_alone(problem)) if problem.options <= MOST_OPTIONS else []
    together = [share for share in shares if share <= share_alone]
    groups = [
        (share, everybody) for share in (*together[:1], *(one for one in together[1:] if one > bound)) if everybody
    ]
    groups = groups[:MOST_SHARES]
    if weakest is not None:
        groups += [(share, [weakest]) for share in shares if share > share_alone][:MOST_SHARES]
    for share, schools in groups:
        proof = prove_unreachable(problem, schools, share)
        if proof is not None:
            return worst_share_proven(problem.snapshot, proof), proof
    return Fraction(1), None


def _to_share(problem: Problem, program: LinearProgram, share: Fraction) -> LinearProgram:
    """The program with a point for each lesson wanted for a school, and none for any further."""
    schools = len(problem.school_need)
    wanted = wanted_lessons({str(at): need for at, need in enumerate(problem.school_need)}, share)
    objective, upper = program.objective.copy(), program.upper.copy()
    first = program.column["b"] + 4 * np.arange(schools)
    objective[first] = 1.0
    for quarter in range(4):
        upper[first + quarter] = [wanted[str(at)] if quarter == 0 else 0.0 for at in range(schools)]
    return replace(program, objective=objective, upper=upper)
