from dataclasses import replace

import pytest

from scheduler.check.certificate import verify
from scheduler.check.week_plan import count_plan
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import PinnedPairing, Snapshot
from scheduler.pairing.budget import Budget
from scheduler.pairing.plan import pairings_of
from scheduler.pairing.reasons import Explainer
from scheduler.pairing.solve import Progress, Solution, solve

BUDGET = Budget(effort=0.8, small_model=0.2)


@pytest.fixture(scope="module")
def small() -> Snapshot:
    return generate("1/20", 3)


@pytest.fixture(scope="module")
def reports() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def solved(small: Snapshot, reports: list[Progress]) -> Solution:
    return solve(small, BUDGET, 1, report=reports.append)


@pytest.mark.parametrize("seed", range(12))
def test_on_tiny_instances_the_plan_is_the_best_of_all_and_no_plan_beats_the_bound(seed: int, tiny, plans) -> None:
    snapshot = tiny(seed)
    solution = solve(snapshot, BUDGET, 1)
    everything = [(count.score, min(count.shares.values())) for _, count in plans(snapshot)]
    count = count_plan(snapshot, pairings_of(solution.assignment))
    assert count.violations == ()
    assert count.score == solution.assignment.score
    assert max(score for score, _ in everything) <= solution.bound
    # The worst school comes before the score: no plan that serves it as well has more points.
    worst = min(count.shares.values())
    assert count.score == max(score for score, least in everything if least >= worst)


def test_a_plan_breaks_no_rule_and_scores_what_the_independent_check_counts(small: Snapshot, solved: Solution) -> None:
    count = count_plan(small, pairings_of(solved.assignment))
    assert count.violations == ()
    assert count.score == solved.assignment.score
    assert count.score <= verify(small, solved.certificate) == solved.bound


def test_a_small_prefecture_is_planned_within_three_percent_of_its_bound(solved: Solution) -> None:
    assert 0 <= solved.gap_pct < 3.0
    assert solved.worst_school <= solved.worst_school_bound


def test_nothing_more_can_be_added_to_a_finished_plan(solved: Solution) -> None:
    assert Explainer(solved.assignment).insertable() == []


def test_progress_tells_stages_in_order_and_never_a_worse_final_plan(reports: list[Progress], solved: Solution) -> None:
    stages = list(dict.fromkeys(one.stage for one in reports))
    assert stages == [
        one for one in ("greedy", "rounding", "blocks", "worst_school", "search", "done") if one in stages
    ]
    assert stages[0] == "greedy"
    assert stages[-1] == "done"
    assert reports[-1].score == solved.assignment.score
    assert reports[0].score < reports[-1].score


def test_the_same_seed_and_deterministic_budget_give_the_same_plan(small: Snapshot, solved: Solution) -> None:
    again = solve(small, BUDGET, 1)
    assert pairings_of(again.assignment) == pairings_of(solved.assignment)
    assert again.certificate == solved.certificate


def test_pinned_pairings_stay(small: Snapshot, solved: Solution) -> None:
    pinned = tuple(PinnedPairing(one.demand, one.series, one.times) for one in pairings_of(solved.assignment)[::7])
    again = solve(replace(small, pinned=pinned), Budget(effort=0.5, small_model=0.1), 5)
    planned = {(one.demand, one.series): set(one.times) for one in pairings_of(again.assignment)}
    assert all(set(pin.times) <= planned[pin.demand, pin.series] for pin in pinned)


def test_an_empty_instance_gives_an_empty_plan() -> None:
    solution = solve(Snapshot("empty", (), (), (), (), (), (), ()), BUDGET, 1)
    assert (solution.assignment.score, solution.bound, solution.gap_pct) == (0, 0, 0.0)


def test_a_budget_in_seconds_needs_a_clock(small: Snapshot) -> None:
    with pytest.raises(ValueError, match="clock"):
        solve(small, Budget(effort=1.0, seconds=1.0), 1)


def test_a_solve_can_be_stopped_and_still_gives_its_plan(small: Snapshot) -> None:
    solution = solve(small, BUDGET, 1, stop=lambda: True)
    assert count_plan(small, pairings_of(solution.assignment)).violations == ()
    assert solution.assignment.score > 0


def test_a_deadline_is_kept_by_the_callers_clock(small: Snapshot) -> None:
    ticks = iter(range(1_000_000))
    solution = solve(small, Budget(effort=1e9, seconds=40.0), 1, elapsed=lambda: float(next(ticks)))
    assert solution.assignment.score > 0
    assert next(ticks) < 200
