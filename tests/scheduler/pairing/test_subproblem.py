from random import Random

import pytest

from scheduler.check.week_plan import count_plan
from scheduler.instance.generator import generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Budget, Watch
from scheduler.pairing.fairness import floors, kept_floors, most_alone, raise_worst, worst_share, worst_share_bound
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.linear_program import build
from scheduler.pairing.neighbourhoods import Neighbourhoods
from scheduler.pairing.plan import pairings_of
from scheduler.pairing.problem import Problem, compile_problem
from scheduler.pairing.prospects import Prospects
from scheduler.pairing.relaxation import solve_relaxation
from scheduler.pairing.search import Search
from scheduler.pairing.subproblem import Aim, Effort, reach, replan

EFFORT = Effort(0.2)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return compile_problem(generate("1/20", 11))


@pytest.fixture
def greedy(problem: Problem) -> Assignment:
    assignment = Assignment(problem)
    fill_weakest_first(assignment)
    return assignment


@pytest.mark.parametrize("seed", range(10))
def test_planning_any_demands_again_never_costs_points_nor_breaks_a_rule(greedy: Assignment, seed: int) -> None:
    random = Random(seed)
    before = greedy.score
    demands = random.sample(range(greedy.problem.demands), random.randint(1, 120))
    outcome = replan(greedy, demands, EFFORT)
    assert greedy.score == before + outcome.gained >= before
    count = count_plan(greedy.problem.snapshot, pairings_of(greedy))
    assert (count.violations, count.score) == ((), greedy.score)


def test_only_the_demands_named_are_touched(greedy: Assignment) -> None:
    others = {demand: greedy.taken_of(demand) for demand in range(200, greedy.problem.demands)}
    replan(greedy, range(200), EFFORT)
    assert {demand: greedy.taken_of(demand) for demand in others} == others


@pytest.mark.parametrize("seed", range(15))
def test_with_all_demands_free_a_tiny_plan_becomes_the_best_of_all(seed: int, tiny, plans) -> None:
    snapshot = tiny(seed)
    assignment = Assignment(compile_problem(snapshot))
    outcome = replan(assignment, range(assignment.problem.demands), Effort(2.0))
    assert outcome.optimal
    assert assignment.score == max(count.score for _, count in plans(snapshot))


def test_a_floor_keeps_a_schools_lessons(greedy: Assignment) -> None:
    problem = greedy.problem
    school = max(range(len(problem.school_need)), key=lambda one: greedy.school_lessons[one])
    lessons = greedy.school_lessons[school]
    replan(greedy, range(problem.demands), EFFORT, Aim(floor={school: lessons}))
    assert greedy.school_lessons[school] >= lessons


def test_extra_points_pull_lessons_to_a_school(greedy: Assignment) -> None:
    problem = greedy.problem
    most = most_alone(problem)
    school = min(most, key=lambda one: greedy.school_lessons[one] - most[one])
    before = greedy.school_lessons[school]
    replan(greedy, range(problem.demands), Effort(0.3), Aim(extra={school: (5_000, most[school])}))
    assert greedy.school_lessons[school] >= before
    assert greedy.school_lessons[school] <= most[school]


def test_hopeless_options_are_left_aside_but_what_is_taken_may_stay(greedy: Assignment) -> None:
    taken = greedy.options()
    replan(greedy, range(greedy.problem.demands), EFFORT, Aim(promising=bytes(greedy.problem.options)))
    assert set(greedy.options()) <= set(taken)
    assert greedy.score > 0


@pytest.mark.parametrize("seed", range(10))
def test_no_plan_serves_the_worst_school_better_than_its_bound(seed: int, tiny, plans) -> None:
    snapshot = tiny(seed)
    problem = compile_problem(snapshot)
    bound = worst_share_bound(problem, Effort(1.0))
    reachable = {snapshot.schools[school].id for school in most_alone(problem)}
    for _, count in plans(snapshot):
        assert min((share for school, share in count.shares.items() if school in reachable), default=1) <= bound


def test_raising_the_worst_school_never_lowers_it_and_the_search_then_keeps_it(greedy: Assignment) -> None:
    problem = greedy.problem
    before = worst_share(problem, greedy.school_lessons)
    program = build(problem)
    prospects = Prospects.of(problem, program, solve_relaxation(program))
    watch = Watch(Budget(effort=1.2, small_model=0.05), None)
    search = Search(greedy, prospects, Random(1), watch)
    raise_worst(greedy, search, watch.share_left(0.5), worst_share_bound(problem, EFFORT), most_schools=5)
    raised = worst_share(problem, greedy.school_lessons)
    assert raised >= before
    search.floors = kept_floors(greedy)
    search.improve(watch.share_left(1.0), lambda: None)
    assert worst_share(problem, greedy.school_lessons) >= raised


def test_schools_that_rival_each_other_get_the_lessons_wanted_together_or_nothing_changes(greedy: Assignment) -> None:
    problem = greedy.problem
    program = build(problem)
    prospects = Prospects.of(problem, program, solve_relaxation(program))
    search = Search(greedy, prospects, Random(1), Watch(Budget(effort=9.0), None))
    weakest = min(most_alone(problem), key=lambda one: greedy.school_lessons[one] / problem.school_need[one])
    group = search.neighbourhoods.schools_around(weakest, 12)
    assert group[0] == weakest
    assert len(group) == len(set(group)) == 12
    demands = [demand for school in group for demand in problem.school_demands[school]]
    least = {school: greedy.school_lessons[school] for school in group}
    before = greedy.options()
    assert not search.reach(demands, least | {weakest: problem.school_need[weakest] + 1})
    assert greedy.options() == before
    one_more = floors(problem, worst_share(problem, greedy.school_lessons))[weakest] + 1
    if search.reach(demands, least | {weakest: one_more}):
        assert greedy.school_lessons[weakest] >= one_more
    assert all(greedy.school_lessons[school] >= lessons for school, lessons in least.items())
    assert not count_plan(problem.snapshot, pairings_of(greedy)).violations


def test_lifting_brings_more_of_the_lessons_wanted_or_none_fewer_and_keeps_the_worst_share(greedy: Assignment) -> None:
    problem = greedy.problem
    program = build(problem)
    prospects = Prospects.of(problem, program, solve_relaxation(program))
    search = Search(greedy, prospects, Random(1), Watch(Budget(effort=9.0), None))
    wanted = floors(problem, worst_share_bound(problem, EFFORT))
    weakest = min(wanted, key=lambda one: greedy.school_lessons[one] - wanted[one])
    group = search.neighbourhoods.schools_around(weakest, 20)
    least = {school: wanted[school] for school in group if school in wanted}
    search.floors = kept_floors(greedy)

    def met() -> int:
        return sum(min(greedy.school_lessons[school], lessons) for school, lessons in wanted.items())

    share, before = worst_share(problem, greedy.school_lessons), met()
    lifted = search.lift([demand for school in group for demand in problem.school_demands[school]], least, 5_000)
    assert lifted
    assert met() > before
    assert worst_share(problem, greedy.school_lessons) >= share
    assert not count_plan(problem.snapshot, pairings_of(greedy)).violations


def test_that_nothing_promising_serves_all_schools_proves_nothing(problem: Problem) -> None:
    wanted = floors(problem, worst_share_bound(problem, EFFORT))
    found, proven, _ = reach(
        Assignment(problem), range(problem.demands), EFFORT, wanted, (), promising=bytes(problem.options)
    )
    assert (found, proven) == (None, False)


def test_floors_are_the_lessons_a_share_takes_or_what_a_school_could_get_alone(problem: Problem) -> None:
    most = most_alone(problem)
    for school, floor in floors(problem, worst_share_bound(problem, EFFORT)).items():
        assert floor <= most[school] <= problem.school_need[school]


def test_blocks_cover_every_demand_with_a_candidate_once(problem: Problem) -> None:
    blocks = list(Neighbourhoods(problem, Random(1)).blocks(9))
    listed = [demand for block in blocks for demand in block]
    assert sorted(listed) == [demand for demand in range(problem.demands) if problem.pairs_of_demand(demand)]
    assert max(len(block) for block in blocks) <= 9


def test_whom_a_school_needs_is_drawn_whole_however_many_are_near(problem: Problem) -> None:
    own = [problem.demands - 1, problem.demands - 2]
    drawn = Neighbourhoods(problem, Random(2)).rivals(own, range(problem.demands), 20)
    assert len(drawn) == 20
    assert set(own) <= set(drawn)


@pytest.mark.parametrize("size", [1, 7, 60, 1_000])
def test_drawn_neighbourhoods_hold_to_their_size_and_repeat_for_a_seed(problem: Problem, size: int) -> None:
    def draw(seed: int) -> list[list[int]]:
        made = Neighbourhoods(problem, Random(seed))
        teachers, schools = [1.0] * len(problem.teacher_limit), [1.0] * len(problem.school_cap)
        return [
            made.around_teachers(size, teachers),
            made.of_schools(size, schools),
            made.of_subject(size),
            made.mixed(size),
            made.rivals([3], [5, 4], size),
        ]

    assert draw(4) == draw(4)
    for demands in draw(4):
        assert len(demands) == len(set(demands)) <= size
        assert set(demands) <= set(range(problem.demands))
