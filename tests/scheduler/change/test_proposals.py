from dataclasses import replace
from itertools import product
from statistics import median

import pytest

from scheduler.change.events import (
    BellsMoved,
    DemandWithdrawn,
    Event,
    RelayDown,
    SchoolClosed,
    StudioDown,
    TeacherAbsent,
    forbidden_options,
)
from scheduler.change.proposals import Desk, Proposal, StalePlanError, WeekPlan, accept
from scheduler.change.substitutes import Engaged, substitute_teachers
from scheduler.check.week_plan import Pairing, count_plan
from scheduler.errors import SnapshotError
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import (
    Demand,
    LeadSeries,
    PinnedPairing,
    RelayNode,
    School,
    SchoolClass,
    Snapshot,
    Studio,
    Teacher,
)
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.plan import assignment_of, pairings_of
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.subproblem import Effort

EFFORT = Effort(0.3)


@pytest.fixture(scope="module")
def planned() -> Assignment:
    assignment = Assignment(compile_problem(generate("1/20", 11)))
    fill_weakest_first(assignment)
    return assignment


def busy_teachers(assignment: Assignment, count: int) -> list[str]:
    teachers = assignment.problem.snapshot.teachers
    return [teachers[at].id for at, lessons in enumerate(assignment.teacher_lessons) if lessons][:count]


def busy_events(assignment: Assignment) -> list[Event]:
    snapshot = assignment.problem.snapshot
    teacher = busy_teachers(assignment, 1)[0]
    series = next(one for one in snapshot.series if one.teacher == teacher)
    pairing = pairings_of(assignment)[0]
    one = snapshot.class_of[snapshot.demand_of[pairing.demand].class_id]
    return [
        TeacherAbsent(teacher),
        TeacherAbsent(teacher, frozenset({0, 1})),
        StudioDown(series.studio),
        RelayDown(snapshot.nodes[0].id, frozenset({2})),
        SchoolClosed(one.school),
        BellsMoved(one.id, one.free[: len(one.free) // 2]),
        DemandWithdrawn(pairing.demand),
    ]


def lost_now(plan: WeekPlan, assignment: Assignment, event: Event) -> list[tuple[str, str, int]]:
    """Lessons of a plan that the event makes impossible, unless someone else leads them."""
    problem = assignment.problem
    forbidden = forbidden_options(problem, event)
    other = {(one.series, one.time) for one in plan.substitutions}
    taken = assignment_of(problem, plan.pairings)
    found = []
    for option in forbidden:
        lesson = problem.option_lesson[option]
        series = problem.lesson_series[lesson]
        key = problem.snapshot.series[series].id, lesson - problem.series_first[series]
        if taken.taken[option] and key not in other:
            found.append((problem.snapshot.demands[problem.option_demand[option]].id, *key))
    return found


def test_every_proposal_undoes_the_damage_breaks_no_rule_and_leaves_the_plan_alone(planned: Assignment) -> None:
    desk = Desk(planned)
    before = planned.options()
    for event in busy_events(planned):
        proposals = desk.propose(event, EFFORT)
        assert planned.options() == before
        assert 1 <= len(proposals) <= 3
        assert len({one.kind for one in proposals}) == len(proposals)
        for proposal in proposals:
            after = accept(desk.plan, proposal)
            assert lost_now(after, planned, event) == []
            assert count_plan(planned.problem.snapshot, after.pairings).violations == ()
            assert 0 <= proposal.recovered <= proposal.lost


def test_what_is_told_are_the_schools_and_teachers_the_changes_name(planned: Assignment) -> None:
    teacher = busy_teachers(planned, 1)[0]
    proposal = Desk(planned).fewest_changes(TeacherAbsent(teacher))
    snapshot = planned.problem.snapshot
    schools = {snapshot.class_of[snapshot.demand_of[one.demand].class_id].school for one in proposal.changes}
    assert {"school:" + school for school in schools} | {"teacher:" + teacher} <= set(proposal.told)


def test_a_proposal_is_applied_once_and_withdrawn_without_a_trace(planned: Assignment) -> None:
    desk = Desk(planned)
    for event in busy_events(planned):
        for proposal in desk.propose(event, EFFORT):
            after = accept(desk.plan, proposal)
            if after != desk.plan:
                with pytest.raises(StalePlanError):
                    accept(after, proposal)
            assert accept(after, proposal.inverse(after)) == desk.plan


def test_an_event_that_hits_nothing_changes_nothing(planned: Assignment) -> None:
    idle = next(
        teacher.id for at, teacher in enumerate(planned.problem.snapshot.teachers) if planned.teacher_lessons[at] == 0
    )
    proposal = Desk(planned).fewest_changes(TeacherAbsent(idle))
    assert (proposal.changes, proposal.lost, proposal.recovered, proposal.told) == ((), 0, 0, ())


def test_pinned_lessons_are_not_touched(planned: Assignment) -> None:
    snapshot = planned.problem.snapshot
    pinned = tuple(PinnedPairing(one.demand, one.series, one.times) for one in pairings_of(planned)[::3])
    problem = compile_problem(replace(snapshot, pinned=pinned))
    assignment = assignment_of(problem, pairings_of(planned))
    desk = Desk(assignment)
    for event in busy_events(assignment):
        for proposal in desk.propose(event, EFFORT):
            after = {(one.demand, one.series): set(one.times) for one in accept(desk.plan, proposal).pairings}
            assert all(set(pin.times) <= after[pin.demand, pin.series] for pin in pinned)


def test_fewest_changes_touches_at_most_one_other_demand_at_the_median(planned: Assignment) -> None:
    desk = Desk(planned)
    events = [TeacherAbsent(teacher) for teacher in busy_teachers(planned, 30)]
    assert median(desk.fewest_changes(event).others_changed for event in events) <= 1


def test_best_touches_at_most_one_other_demand_at_the_median(planned: Assignment) -> None:
    desk = Desk(planned)
    made = [desk.best(TeacherAbsent(teacher), EFFORT) for teacher in busy_teachers(planned, 12)]
    assert median(one.others_changed for one in made) <= 1
    assert any(one.recovered for one in made)


def test_the_best_proposal_scores_at_least_as_much_as_fewest_changes_on_the_same_demands(planned: Assignment) -> None:
    desk = Desk(planned)
    for teacher in busy_teachers(planned, 8):
        fewest = desk.fewest_changes(TeacherAbsent(teacher))
        best = desk.best(TeacherAbsent(teacher), EFFORT)
        # Moving others costs it about a lesson each, so it may score less only by changing fewer.
        kept = sum(1 for one in fewest.changes) - sum(1 for one in best.changes)
        assert best.score >= fewest.score or kept > 0


@pytest.mark.parametrize(
    "event",
    [TeacherAbsent("nobody"), StudioDown("nowhere"), RelayDown("none"), SchoolClosed("none"), DemandWithdrawn("none")],
)
def test_an_event_that_names_nothing_is_refused(planned: Assignment, event: Event) -> None:
    with pytest.raises(SnapshotError, match="there is no"):
        Desk(planned).fewest_changes(event)


def colleagues(limits: list[int], own_times: list[list[int]], lost: list[int]) -> Snapshot:
    """Teacher t0 leads lessons at hours `lost`; others of the same school teach their own classes at theirs."""

    def hour(at: int) -> tuple[int, int]:
        return (at * 60, at * 60 + 40)

    series = [
        LeadSeries(f"c{n}", "fixed", f"t{n}", f"studio{n}", "music", 1, "A", 1, max(len(times), 1),
                   tuple(hour(at) for at in sorted(times)))
        for n, times in enumerate([lost, *own_times])
    ]  # fmt: skip
    teachers = [Teacher(f"t{n}", "town", limit) for n, limit in enumerate([len(lost), *limits])]
    return Snapshot(
        "colleagues",
        (RelayNode("n", 9),),
        (School("town", "x", "n", 9, 99_000, 99_000), School("village", "x", "n", 9, 99_000, 99_000)),
        tuple(teachers),
        tuple(Studio(f"studio{n}", "town") for n in range(len(series))),
        tuple(series),
        (SchoolClass("k", "village", tuple(hour(at) for at in range(24))),),
        (Demand("d", "k", "music", 1, "A", len(lost), ("c0",)),),
    )


@pytest.mark.parametrize("seed", range(25))
def test_as_many_lessons_find_a_substitute_as_trying_all_ways_finds(seed: int) -> None:
    random = __import__("random").Random(seed)
    lost = sorted(random.sample(range(8, 16), 4))
    limits = [random.randint(0, 2) for _ in range(3)]
    own_times = [random.sample(range(8, 16), random.randint(1, 5)) for _ in range(3)]
    snapshot = colleagues(limits, own_times, lost)
    assignment = assignment_of(compile_problem(snapshot), [Pairing("d", "c0", (0, 1, 2, 3))])
    found = substitute_teachers(assignment, range(4), Engaged({}, {}))
    most = 0
    for choice in product([None, 0, 1, 2], repeat=4):
        fits = all(one is None or lost[at] not in own_times[one] for at, one in enumerate(choice))
        if fits and all(choice.count(one) <= limits[one] for one in range(3)):
            most = max(most, sum(one is not None for one in choice))
    assert len(found) == most
    for lesson, teacher in found.items():
        assert lost[lesson] not in own_times[teacher - 1]


def test_when_the_substitute_falls_ill_too_the_next_one_takes_over_and_rooms_are_kept() -> None:
    snapshot = colleagues([1, 1], [[15], [15]], [9])
    assignment = assignment_of(compile_problem(snapshot), [Pairing("d", "c0", (0,))])
    first = Desk(assignment).substitutes(TeacherAbsent("t0"))
    assert first is not None
    (stand_in,) = first.substitutions_after
    assert stand_in.studio == "studio0"
    second = Desk(assignment, first.substitutions_after).substitutes(TeacherAbsent(stand_in.teacher))
    assert second is not None
    (next_one,) = second.substitutions_after
    assert {stand_in.teacher, next_one.teacher} == {"t1", "t2"}
    assert Desk(assignment, first.substitutions_after).fewest_changes(TeacherAbsent("t0")).lost == 0


def test_a_lead_room_that_is_down_is_replaced_by_another_of_the_school_at_the_same_time() -> None:
    snapshot = colleagues([1], [[9]], [9])
    assignment = assignment_of(compile_problem(snapshot), [Pairing("d", "c0", (0,))])
    proposal: Proposal | None = Desk(assignment).substitutes(StudioDown("studio0"))
    assert proposal is not None
    assert (proposal.changes, proposal.recovered, proposal.lost) == ((), 1, 1)
    assert proposal.substitutions_after[0].studio == "studio1"
