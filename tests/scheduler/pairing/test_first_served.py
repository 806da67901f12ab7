import pytest

from scheduler.check.week_plan import count_plan
from scheduler.instance.generator import generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.fairness import floors, worst_share_bound
from scheduler.pairing.first_served import serve_short_first
from scheduler.pairing.greedy import add_in_order, fill_weakest_first
from scheduler.pairing.plan import pairings_of
from scheduler.pairing.problem import Problem, compile_problem
from scheduler.pairing.subproblem import Effort

EFFORT = Effort(0.5)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return compile_problem(generate("1/20", 11))


@pytest.fixture
def unfair(problem: Problem) -> Assignment:
    """A plan of whoever comes first in the list."""
    assignment = Assignment(problem)
    add_in_order(assignment, range(problem.options))
    return assignment


def short(assignment: Assignment, wanted: dict[int, int]) -> int:
    return sum(max(0, lessons - assignment.school_lessons[school]) for school, lessons in wanted.items())


def test_schools_that_were_short_are_served_and_all_rules_are_kept(unfair: Assignment) -> None:
    problem = unfair.problem
    wanted = floors(problem, worst_share_bound(problem, EFFORT))
    before = short(unfair, wanted)
    assert before > 0
    assert serve_short_first(unfair, wanted, EFFORT, lambda: True)
    assert short(unfair, wanted) < before
    count = count_plan(problem.snapshot, pairings_of(unfair))
    assert (count.violations, count.score) == ((), unfair.score)


def test_where_nobody_is_short_or_no_time_is_left_the_plan_stays_as_it_is(unfair: Assignment) -> None:
    problem = unfair.problem
    before = unfair.options()
    wanted = floors(problem, worst_share_bound(problem, EFFORT))
    assert not serve_short_first(unfair, wanted, EFFORT, lambda: False)
    assert not serve_short_first(unfair, dict.fromkeys(wanted, 0), EFFORT, lambda: True)
    assert unfair.options() == before


def test_more_than_there_is_changes_nothing_for_the_worse(unfair: Assignment) -> None:
    problem = unfair.problem
    fill_weakest_first(unfair)
    wanted = {school: problem.school_need[school] for school in floors(problem, worst_share_bound(problem, EFFORT))}
    lessons = list(unfair.school_lessons)
    smallest = min(lessons[school] / wanted[school] for school in wanted)
    once = iter((True, False))
    serve_short_first(unfair, wanted, Effort(0.05), lambda: next(once))
    assert min(unfair.school_lessons[school] / wanted[school] for school in wanted) >= smallest
