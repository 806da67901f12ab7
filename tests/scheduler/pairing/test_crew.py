import os
import signal
from dataclasses import replace

import pytest

from scheduler.check.week_plan import count_plan
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import PinnedPairing, Snapshot
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Budget
from scheduler.pairing.crew import Crew, CrewLostError, ForkedCrew, Job, OwnHands
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.plan import pairings_of
from scheduler.pairing.problem import Problem, compile_problem
from scheduler.pairing.solve import Solution, solve
from scheduler.pairing.subproblem import Effort

BUDGET = Budget(effort=0.8, small_model=0.1)


@pytest.fixture(scope="module")
def small() -> Snapshot:
    return generate("1/20", 3)


@pytest.fixture(scope="module")
def by_two(small: Snapshot) -> Solution:
    return solve(small, BUDGET, 1, workers=2)


@pytest.fixture(scope="module")
def problem(small: Snapshot) -> Problem:
    return compile_problem(small)


def test_two_workers_find_the_same_plan_every_time(small: Snapshot, by_two: Solution) -> None:
    again = solve(small, BUDGET, 1, workers=2)
    assert again.assignment.options() == by_two.assignment.options()
    assert again.certificate == by_two.certificate


def test_what_workers_find_breaks_no_rule_and_is_better_than_what_they_began_with(
    small: Snapshot, by_two: Solution, problem: Problem
) -> None:
    count = count_plan(small, pairings_of(by_two.assignment))
    assert count.violations == ()
    assert count.score == by_two.assignment.score
    assert by_two.gap_pct < 3.0


def test_workers_leave_pinned_pairings_where_they_are(small: Snapshot, by_two: Solution) -> None:
    pins = [PinnedPairing(one.demand, one.series, one.times) for one in pairings_of(by_two.assignment)[::3]]
    solution = solve(replace(small, pinned=tuple(pins)), BUDGET, 2, workers=2)
    planned = {(one.demand, one.series, time) for one in pairings_of(solution.assignment) for time in one.times}
    assert {(pin.demand, pin.series, time) for pin in pins for time in pin.times} <= planned


def answers(crew: Crew, problem: Problem) -> list[tuple[int, dict[int, list[int]]]]:
    jobs = [Job(list(range(first, first + 60)), Effort(0.05), {}, 0) for first in range(0, 240, 60)]
    found = []
    for job in jobs:
        crew.submit(job)
    for _ in jobs:
        answer = crew.answer(30.0)
        assert answer is not None
        found.append((answer.outcome.gained, {one: list(options) for one, options in answer.changes.items()}))
    crew.close()
    return found


def test_a_worker_answers_as_this_process_would_and_nobody_changes_the_plan(problem: Problem) -> None:
    assignment = Assignment(problem)
    fill_weakest_first(assignment)
    before = assignment.options()
    everything = [b"\x01" * problem.options]
    assert answers(ForkedCrew(assignment, everything, 2), problem) == answers(OwnHands(assignment, everything), problem)
    assert assignment.options() == before


def test_a_worker_that_is_killed_is_noticed(problem: Problem) -> None:
    crew = ForkedCrew(Assignment(problem), [b"\x01" * problem.options], 2)
    process = crew._processes[0]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with pytest.raises(CrewLostError):
        crew.answer(30.0)
    crew.close()


def test_a_search_whose_workers_are_killed_goes_on_alone(small: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ForkedCrew] = []
    original = ForkedCrew.__init__

    def remembering(crew: ForkedCrew, *arguments: object) -> None:
        original(crew, *arguments)  # type: ignore[arg-type]
        made.append(crew)
        for process in crew._processes:
            process.kill()

    monkeypatch.setattr(ForkedCrew, "__init__", remembering)
    solution = solve(small, BUDGET, 1, workers=2)
    assert len(made) == 1
    assert count_plan(small, pairings_of(solution.assignment)).violations == ()
    assert solution.gap_pct < 3.0
