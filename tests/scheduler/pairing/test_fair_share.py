from fractions import Fraction

import pytest

from scheduler.check.week_plan import count_plan, servable_schools
from scheduler.instance.generator import generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Budget
from scheduler.pairing.fair_share import adopt, fair_share
from scheduler.pairing.fairness import worst_share, worst_share_bound
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.plan import pairings_of
from scheduler.pairing.problem import Problem, compile_problem
from scheduler.pairing.solve import solve
from scheduler.pairing.subproblem import Effort

EFFORT = Effort(2.0)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return compile_problem(generate("1/20", 8))


@pytest.mark.parametrize("seed", range(12))
def test_on_tiny_instances_the_bound_is_the_best_worst_share_of_all_plans_and_is_reached(
    seed: int, tiny, plans
) -> None:
    snapshot = tiny(seed)
    schools = servable_schools(snapshot)
    best = max(min((count.shares[one] for one in schools), default=Fraction(1)) for _, count in plans(snapshot))
    problem = compile_problem(snapshot)
    fair = fair_share(Assignment(problem), worst_share_bound(problem, EFFORT), EFFORT)
    assert (fair.bound, fair.reached) == (best, best)


def test_the_lessons_that_reach_it_keep_all_rules_and_a_plan_can_adopt_them(problem: Problem) -> None:
    plan = Assignment(problem)
    fill_weakest_first(plan)
    before = plan.options()
    fair = fair_share(plan, worst_share_bound(problem, EFFORT), EFFORT)
    assert plan.options() == before
    assert fair.reached == fair.bound
    adopt(plan, fair)
    count = count_plan(problem.snapshot, pairings_of(plan))
    assert count.violations == ()
    assert count.score == plan.score
    assert worst_share(problem, plan.school_lessons) >= fair.reached


def test_an_instance_too_large_to_ask_about_keeps_the_bound_it_had(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.pairing.fair_share.MOST_OPTIONS", 10)
    fair = fair_share(Assignment(problem), Fraction(1, 2), EFFORT)
    assert (fair.bound, fair.reached, fair.options) == (Fraction(1, 2), 0, ())


@pytest.mark.parametrize("seed", [8, 23])
def test_the_worst_school_of_a_plan_reaches_its_bound(seed: int) -> None:
    solution = solve(generate("1/20", seed), Budget(effort=1.0, small_model=0.1), 1)
    assert solution.worst_school == solution.worst_school_bound
