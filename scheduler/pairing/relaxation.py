"""Solves the linear relaxation by PDLP, the first-order method of OR-Tools: a fractional plan, a price for every row.

The solver's tolerance does not matter for what is proven: any prices give a valid bound (see `certificate`).
"""

from dataclasses import dataclass

import numpy as np
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2
from ortools.math_opt.core.python import solver

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
    parameters = parameters_pb2.SolveParametersProto()
    parameters.pdlp.num_threads = threads
    parameters.pdlp.num_shards = SHARDS
    criteria = parameters.pdlp.termination_criteria
    criteria.simple_optimality_criteria.eps_optimal_relative = tolerance
    criteria.simple_optimality_criteria.eps_optimal_absolute = tolerance
    if iterations is not None:
        criteria.iteration_limit = iterations
    if seconds is not None:
        criteria.time_sec_limit = seconds
    result = solver.solve(
        _model(program),
        parameters_pb2.SOLVER_TYPE_PDLP,
        parameters_pb2.SolverInitializerProto(),
        parameters,
        model_parameters_pb2.ModelSolveParametersProto(),
        None,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
    values, prices = np.zeros(program.columns), np.zeros(program.rows)
    if result.solutions:
        found = result.solutions[0]
        primal, dual = found.primal_solution.variable_values, found.dual_solution.dual_values
        values[np.asarray(primal.ids, dtype=np.int64)] = np.asarray(primal.values)
        prices[np.asarray(dual.ids, dtype=np.int64)] = np.asarray(dual.values)
    prices = np.maximum(prices, 0.0)
    return Relaxed(np.clip(values, 0.0, program.upper), prices, proven_bound(program, prices))


def reduced_costs(program: LinearProgram, prices: Floats) -> Floats:
    """What each column is worth beyond the prices of the rows it is in."""
    worth = np.bincount(program.col, weights=program.value * prices[program.row], minlength=program.columns)
    return np.asarray(program.objective - worth)


def proven_bound(program: LinearProgram, prices: Floats) -> float:
    """The bound that these prices prove, in floats."""
    return float(prices @ program.right + np.maximum(reduced_costs(program, prices), 0.0) @ program.upper)


def _model(program: LinearProgram) -> model_pb2.ModelProto:
    model = model_pb2.ModelProto()
    columns, rows = np.arange(program.columns), np.arange(program.rows)
    model.objective.maximize = True
    model.variables.ids.extend(columns)
    model.variables.lower_bounds.extend(np.zeros(program.columns))
    model.variables.upper_bounds.extend(program.upper)
    model.variables.integers.extend(np.zeros(program.columns, dtype=bool))
    kept = np.flatnonzero(program.objective)
    model.objective.linear_coefficients.ids.extend(kept)
    model.objective.linear_coefficients.values.extend(program.objective[kept])
    model.linear_constraints.ids.extend(rows)
    model.linear_constraints.lower_bounds.extend(np.full(program.rows, -np.inf))
    model.linear_constraints.upper_bounds.extend(program.right)
    order = np.lexsort((program.col, program.row))
    matrix = model.linear_constraint_matrix
    matrix.row_ids.extend(program.row[order])
    matrix.column_ids.extend(program.col[order])
    matrix.coefficients.extend(program.value[order])
    return model
