"""A plan from a fractional one: options in the order of how much of them the relaxation takes, each if it fits."""

import numpy as np

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.greedy import add_in_order, fill_weakest_first
from scheduler.pairing.linear_program import LinearProgram
from scheduler.pairing.problem import Problem
from scheduler.pairing.relaxation import Relaxed

LEAST_VALUE = 0.01


def round_down(problem: Problem, program: LinearProgram, relaxed: Relaxed) -> Assignment:
    """A feasible plan near the relaxation, pinned pairings included; what is left over goes to the weakest schools."""
    options = relaxed.values[: problem.options]
    first_pair = program.column["y"]
    pairs = relaxed.values[first_pair : first_pair + len(problem.pair_demand)]
    score = options + np.maximum(options, pairs[np.asarray(problem.option_pair, dtype=np.int64)])
    order = np.argsort(-score, kind="stable")
    assignment = Assignment.of(problem, sorted(problem.pinned))
    add_in_order(assignment, (int(option) for option in order if options[option] > LEAST_VALUE))
    fill_weakest_first(assignment)
    return assignment
