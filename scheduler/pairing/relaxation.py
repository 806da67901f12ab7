"""Solves the linear relaxation by PDLP, the first-order method of OR-Tools: a fractional plan, a price for every row.

The solver's tolerance does not matter for what is proven: any prices give a valid bound (see `certificate`).
"""

import ctypes
from dataclasses import dataclass

import numpy as np
from ortools.linear_solver import linear_solver_pb2
from ortools.pdlp import solvers_pb2
from ortools.pdlp.python import pdlp

from scheduler.pairing.linear_program import Floats, LinearProgram

SHARDS = 8


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Values of the columns, prices of the rows (not negative); `bound` is what the prices prove, in floats."""

    values: Floats
    prices: Floats
    bound: float


def solve_relaxation(
    program: LinearProgram,
    *,
    tolerance: float = 1e-4,
    iterations: int | None = None,
    seconds: float | None = None,
    threads: int = 1,
) -> Relaxed:
    """Solves to a relative tolerance, or as far as iterations and seconds allow.

    The sums are split the same way however many threads share them, hence the result does not depend on their number.
    """
    parameters = solvers_pb2.PrimalDualHybridGradientParams()
    parameters.num_threads = threads
    parameters.num_shards = SHARDS
    criteria = parameters.termination_criteria
    criteria.simple_optimality_criteria.eps_optimal_relative = tolerance
    criteria.simple_optimality_criteria.eps_optimal_absolute = tolerance
    if iterations is not None:
        criteria.iteration_limit = iterations
    if seconds is not None:
        criteria.time_sec_limit = seconds
    values, prices = np.zeros(program.columns), np.zeros(program.rows)
    if program.columns and program.rows:
        quadratic = _quadratic_program(program)
        _give_back()
        found = pdlp.primal_dual_hybrid_gradient(quadratic, parameters)
        del quadratic
        _give_back()
        if len(found.primal_solution) == len(values) and len(found.dual_solution) == len(prices):
            # It minimises what is to be maximised here, so its prices have the other sign.
            values, prices = np.asarray(found.primal_solution), np.maximum(-np.asarray(found.dual_solution), 0.0)
    return Relaxed(np.clip(values, 0.0, program.upper), prices, proven_bound(program, prices))


def reduced_costs(program: LinearProgram, prices: Floats) -> Floats:
    """What each column is worth beyond the prices of the rows it is in."""
    worth = np.bincount(program.col, weights=program.value * prices[program.row], minlength=program.columns)
    return np.asarray(program.objective - worth)


def proven_bound(program: LinearProgram, prices: Floats) -> float:
    """The bound that these prices prove, in floats."""
    return float(prices @ program.right + np.maximum(reduced_costs(program, prices), 0.0) @ program.upper)


def _give_back() -> None:
    """Returns freed memory to the system where the C library can: of the message and the copies, hundreds of MiB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _quadratic_program(program: LinearProgram) -> pdlp.QuadraticProgram:
    """The program as PDLP holds it. The message it is read from is gone before the solving, when memory is short."""
    message = linear_solver_pb2.MPModelProto()
    message.maximize = True
    for upper, worth in zip(program.upper.tolist(), program.objective.tolist(), strict=True):
        variable = message.variable.add()
        variable.lower_bound, variable.upper_bound = 0.0, upper
        if worth:
            variable.objective_coefficient = worth
    order = np.lexsort((program.col, program.row))
    columns, values = program.col[order], program.value[order]
    ends = np.searchsorted(program.row[order], np.arange(program.rows + 1)).tolist()
    for row, right in enumerate(program.right.tolist()):
        constraint = message.constraint.add()
        constraint.lower_bound, constraint.upper_bound = -np.inf, right
        constraint.var_index.extend(columns[ends[row] : ends[row + 1]])
        constraint.coefficient.extend(values[ends[row] : ends[row + 1]])
    return pdlp.qp_from_mpmodel_proto(message, relax_integer_variables=False)
