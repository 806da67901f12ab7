from dataclasses import replace

import pytest

from scheduler.change.proposals import accept, week_plan
from scheduler.change.revision import carry_over, propose_revision
from scheduler.check.week_plan import count_plan
from scheduler.instance.generator import generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.subproblem import Effort

EFFORT = Effort(0.2)


@pytest.fixture(scope="module")
def planned() -> Assignment:
    assignment = Assignment(compile_problem(generate("1/20", 11)))
    fill_weakest_first(assignment)
    return assignment


def test_an_unchanged_instance_gives_an_empty_diff(planned: Assignment) -> None:
    plan = week_plan(planned)
    revision = carry_over(plan, planned.problem.snapshot)
    proposals = propose_revision(revision, (), EFFORT)
    assert [(one.kind, one.changes, one.lost) for one in proposals] == [("fewest_changes", (), 0)]


def test_a_demand_added_gets_a_lesson_where_there_is_room_and_nobody_else_is_moved(planned: Assignment) -> None:
    snapshot = planned.problem.snapshot
    plan = week_plan(planned)
    served = plan.pairings[0].demand
    without = tuple(one for one in snapshot.demands if one.id != served)
    fewer = carry_over(plan, replace(snapshot, demands=without))
    (gone, *_) = propose_revision(fewer, (), EFFORT)
    smaller = accept(plan, gone)
    assert served not in {one.demand for one in smaller.pairings}
    proposal = propose_revision(carry_over(smaller, snapshot), [served], EFFORT)[0]
    assert [one.demand for one in proposal.changes] == [served]
    assert count_plan(snapshot, accept(smaller, proposal).pairings).violations == ()


def test_after_bells_moved_every_proposal_fits_the_new_free_periods(planned: Assignment) -> None:
    snapshot = planned.problem.snapshot
    plan = week_plan(planned)
    school = snapshot.class_of[snapshot.demand_of[plan.pairings[0].demand].class_id].school
    moved = tuple(
        replace(one, free=tuple((start + 30, end + 30) for start, end in one.free)) if one.school == school else one
        for one in snapshot.classes
    )
    changed = replace(snapshot, classes=moved)
    revision = carry_over(plan, changed)
    assert revision.lost > 0
    before = revision.assignment.options()
    for proposal in propose_revision(revision, (), EFFORT):
        after = accept(plan, proposal)
        assert count_plan(changed, after.pairings).violations == ()
        assert accept(after, proposal.inverse(after)) == plan
        assert "school:" + school in proposal.told
    assert revision.assignment.options() == before
