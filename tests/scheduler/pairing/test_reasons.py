from itertools import islice

import pytest

from scheduler.check.week_plan import Pairing, count_plan
from scheduler.errors import SnapshotError
from scheduler.instance.generator import generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.plan import assignment_of, pairings_of
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.reasons import Explainer
from scheduler.pairing.relaxations import RELAXABLE, Relaxation, relax
from scheduler.pairing.rules import Rule


@pytest.fixture(scope="module")
def planned() -> Assignment:
    assignment = Assignment(compile_problem(generate("1/20", 11)))
    fill_weakest_first(assignment)
    return assignment


def filled(snapshot) -> Assignment:
    assignment = Assignment(compile_problem(snapshot))
    fill_weakest_first(assignment)
    return assignment


def admits(assignment: Assignment, relaxation: Relaxation, demand: int) -> bool:
    """Whether the same plan takes one more lesson of the demand in the relaxed instance."""
    problem = compile_problem(relax(assignment.problem.snapshot, relaxation))
    relaxed = assignment_of(problem, pairings_of(assignment))
    return any(relaxed.fits(option) for option in problem.options_of_demand(demand))


def test_every_demand_that_lacks_lessons_is_explained_and_no_other(planned: Assignment) -> None:
    problem = planned.problem
    explained = {one["demand"] for one in Explainer(planned).unserved()}
    assert explained == {
        demand.id for at, demand in enumerate(problem.snapshot.demands) if planned.demand_lessons[at] < demand.lessons
    }


def test_the_status_says_what_kind_of_trouble_it_is(planned: Assignment) -> None:
    snapshot = planned.problem.snapshot
    led = {(one.subject, one.grade) for one in snapshot.series}
    for one in Explainer(planned).unserved():
        demand = snapshot.demand_of[one["demand"]]
        match one["status"]:
            case "no_lead_for_subject":
                assert (demand.subject, demand.grade) not in led
            case "no_lead_for_edition":
                assert demand.candidates == ()
            case "all_blocked":
                assert one["served"] == 0
                assert one["reasons"]
            case "partly_blocked":
                assert one["served"] > 0
                assert one["reasons"]
            case "lead_has_fewer_lessons":
                assert one["served"] > 0
            case status:
                assert status == "no_common_time"


@pytest.mark.parametrize("seed", range(30))
def test_every_stated_relaxation_admits_a_lesson_when_applied(seed: int, tiny) -> None:
    assignment = filled(tiny(seed, demands=7))
    explainer = Explainer(assignment)
    for demand in range(assignment.problem.demands):
        for relaxation in explainer.remedies(demand):
            assert admits(assignment, relaxation, demand)


def test_stated_relaxations_of_a_small_prefecture_admit_a_lesson_when_applied(planned: Assignment) -> None:
    explainer = Explainer(planned)
    at = {demand.id: index for index, demand in enumerate(planned.problem.snapshot.demands)}
    stated = [(at[one["demand"]], remedy) for one in explainer.unserved() for remedy in one["remedies"]]
    assert len(stated) > 20
    for demand, remedy in islice(stated, 0, None, max(1, len(stated) // 12)):
        assert admits(planned, Relaxation(Rule(remedy["rule"]), remedy["resource"]), demand)


@pytest.mark.parametrize("seed", range(30))
def test_who_is_said_to_yield_really_makes_room(seed: int, tiny) -> None:
    assignment = filled(tiny(seed, demands=7))
    snapshot = assignment.problem.snapshot
    for demand in range(assignment.problem.demands):
        for candidate in Explainer(assignment).why(demand)["candidates"]:
            for entry in candidate["times"]:
                if "would_yield" not in entry:
                    continue
                gone = {(one["demand"], one["time"]) for one in entry["would_yield"]}
                kept = {
                    one.demand: Pairing(
                        one.demand, one.series, tuple(t for t in one.times if (one.demand, t) not in gone)
                    )
                    for one in pairings_of(assignment)
                }
                name = snapshot.demands[demand].id
                own = kept.get(name)
                times = (*(own.times if own and own.series == candidate["series"] else ()), entry["time"])
                kept[name] = Pairing(name, candidate["series"], tuple(sorted(times)))
                plan = [one for one in kept.values() if one.times]
                assert count_plan(snapshot, plan).violations == ()


def test_blockers_name_the_bookings_in_the_way(planned: Assignment) -> None:
    explainer = Explainer(planned)
    booked = {(one.demand, one.series, time) for one in pairings_of(planned) for time in one.times}
    named = 0
    for demand in range(planned.problem.demands):
        for candidate in explainer.why(demand)["candidates"]:
            for entry in candidate["times"]:
                for blocker in entry["blockers"]:
                    for one in blocker["bookings"]:
                        assert (one["demand"], one["series"], one["time"]) in booked
                        named += 1
                    if blocker["rule"] in {"lesson_full", "teacher_limit", "class_busy", "studio_busy"}:
                        assert blocker["bookings"]
    assert named > 100


def test_explaining_leaves_the_plan_as_it_was(planned: Assignment) -> None:
    before, score = planned.options(), planned.score
    for demand in range(planned.problem.demands):
        Explainer(planned).why(demand)
    assert (planned.options(), planned.score) == (before, score)


def test_a_rule_that_no_number_stands_for_is_not_relaxed(planned: Assignment) -> None:
    for rule in set(Rule) - RELAXABLE:
        with pytest.raises(SnapshotError):
            relax(planned.problem.snapshot, Relaxation(rule, "x"))
