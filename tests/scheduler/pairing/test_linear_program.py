from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.pairing.cliques import maximal_cliques
from scheduler.pairing.linear_program import build
from scheduler.pairing.plan import assignment_of
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.prospects import Prospects
from scheduler.pairing.relaxation import proven_bound, solve_relaxation

intervals = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=12)


@given(intervals)
def test_cliques_are_the_maximal_sets_that_share_an_instant(drawn: list[tuple[int, int]]) -> None:
    starts = [start for start, _ in drawn]
    ends = [start + length for start, length in drawn]
    present = {frozenset(m for m in range(len(drawn)) if starts[m] <= at < ends[m]) for at in range(30)}
    maximal = {one for one in present if len(one) >= 2 and not any(one < other for other in present)}
    found = maximal_cliques(range(len(drawn)), starts, ends)
    assert {frozenset(members) for _, members in found} == maximal
    assert len(found) == len(maximal)
    assert all(starts[member] <= at < ends[member] for at, members in found for member in members)


@pytest.mark.parametrize("seed", range(15))
def test_every_plan_keeps_every_row_and_scores_its_objective(seed: int, tiny, plans) -> None:
    snapshot = tiny(seed)
    problem = compile_problem(snapshot)
    program = build(problem)
    matrix = np.zeros((program.rows, program.columns))
    np.add.at(matrix, (program.row, program.col), program.value)
    relaxed = solve_relaxation(program)
    prospects = Prospects.of(problem, program, relaxed)
    for number, (pairings, count) in enumerate(plans(snapshot)):
        if number % 7:
            continue
        columns = prospects.columns(assignment_of(problem, pairings))
        assert np.all(matrix @ columns <= program.right + 1e-9)
        assert np.all(columns <= program.upper + 1e-9)
        assert program.objective @ columns == pytest.approx(count.score)
        assert count.score <= relaxed.bound + 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_no_prices_prove_less_than_the_relaxation(seed: int, tiny) -> None:
    program = build(compile_problem(tiny(seed)))
    best = solve_relaxation(program, tolerance=1e-7).bound
    random = np.random.default_rng(seed)
    for _ in range(20):
        assert proven_bound(program, 100 * random.random(program.rows)) >= best * (1 - 1e-5)


def test_an_instance_without_demands_has_a_relaxation_worth_nothing(tiny) -> None:
    program = build(compile_problem(replace(tiny(0), demands=())))
    relaxed = solve_relaxation(program)
    assert (relaxed.bound, relaxed.values.sum()) == (0.0, 0.0)
