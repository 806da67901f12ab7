from random import Random

import pytest

from scheduler.check.week_plan import count_plan
from scheduler.instance.generator import generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.plan import assignment_of, pairings_of
from scheduler.pairing.problem import compile_problem, quarter_sizes
from scheduler.pairing.rules import Rule

FAMILY = {
    Rule.NEED_MET: {"need"},
    Rule.OTHER_LEAD: {"one_lead"},
    Rule.CLASS_BUSY: {"class_at_once"},
    Rule.LESSON_FULL: {"seats"},
    Rule.TEACHER_LIMIT: {"teacher_limit"},
    Rule.TEACHER_BUSY: {"teacher_at_once"},
    Rule.STUDIO_BUSY: {"studio_at_once"},
    Rule.SERIES_LIMIT: {"series_limit"},
    Rule.SERIES_DAY: {"series_day"},
    Rule.UPLINK_FULL: {"uplink_at_once"},
    Rule.SCHOOL_FULL: {"school_at_once"},
    Rule.RELAY_FULL: {"relay_at_once"},
}


def state(assignment: Assignment) -> tuple:
    return (
        assignment.score,
        bytes(assignment.taken),
        list(assignment.pair_of),
        list(assignment.class_mask),
        list(assignment.teacher_mask),
        list(assignment.studio_mask),
        list(assignment.lesson_rooms),
        list(assignment.series_lessons),
        list(assignment.series_days),
        list(assignment.school_lessons),
        [bytes(load) for load in (*assignment.school_load, *assignment.node_load, *assignment.uplink_load)],
    )


def half_full(snapshot, seed: int) -> Assignment:
    problem = compile_problem(snapshot)
    assignment = Assignment(problem)
    order = list(range(problem.options))
    Random(seed).shuffle(order)
    for option in order[: len(order) // 2 + 1]:
        if assignment.fits(option):
            assignment.add(option)
    return assignment


def with_option(assignment: Assignment, option: int):
    """The pairings with one option more, whatever it breaks, as the independent check would be told of it."""
    problem, snapshot = assignment.problem, assignment.problem.snapshot
    pairings = {one.demand: one for one in pairings_of(assignment)}
    demand = snapshot.demands[problem.option_demand[option]].id
    series = problem.lesson_series[problem.option_lesson[option]]
    index = problem.option_lesson[option] - problem.series_first[series]
    old = pairings.get(demand)
    if old is not None and old.series == snapshot.series[series].id:
        changed = type(old)(demand, old.series, tuple(sorted((*old.times, index))))
        return [changed if one.demand == demand else one for one in pairings.values()]
    fresh = type(next(iter(pairings.values())))(demand, snapshot.series[series].id, (index,)) if pairings else None
    return None if fresh is None else [*pairings.values(), fresh]


@pytest.mark.parametrize("seed", range(40))
def test_an_option_fits_exactly_when_no_rule_is_named_and_the_independent_check_agrees(seed: int, tiny) -> None:
    assignment = half_full(tiny(seed, demands=6), seed)
    for option in range(assignment.problem.options):
        rules = assignment.blockers(option)
        assert assignment.fits(option) == (not rules)
        forced = None if assignment.taken[option] else with_option(assignment, option)
        if forced is None:
            continue
        broken = {violation.rule for violation in count_plan(assignment.problem.snapshot, forced).violations}
        if Rule.OTHER_LEAD in rules:
            assert "one_lead" in broken
        else:
            assert broken == {family for rule in rules for family in FAMILY[rule]}


@pytest.mark.parametrize("seed", range(20))
def test_removing_and_adding_again_restores_every_counter(seed: int, tiny) -> None:
    assignment = half_full(tiny(seed, demands=6), seed)
    before = state(assignment)
    taken = assignment.options()
    for option in taken:
        assignment.remove(option)
    assert state(assignment) == state(Assignment(assignment.problem))
    for option in reversed(taken):
        assert assignment.fits(option)
        assignment.add(option)
    assert state(assignment) == before


@pytest.mark.parametrize("seed", range(20))
def test_the_score_is_that_of_the_independent_count(seed: int, tiny) -> None:
    assignment = half_full(tiny(seed, demands=6), seed)
    count = count_plan(assignment.problem.snapshot, pairings_of(assignment))
    assert count.violations == ()
    assert count.score == assignment.score


def test_a_plan_reads_back_as_the_same_assignment() -> None:
    assignment = half_full(generate("1/20", 5), 5)
    assert state(assignment_of(assignment.problem, pairings_of(assignment))) == state(assignment)


@pytest.mark.parametrize("need", range(1, 30))
def test_the_quarters_of_a_need_hold_each_lesson_once(need: int) -> None:
    expected = [0, 0, 0, 0]
    for number in range(1, need + 1):
        expected[-(-4 * number // need) - 1] += 1
    assert list(quarter_sizes(need)) == expected
