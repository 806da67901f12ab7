"""The worst-school pass: raises the smallest served share of a school, then the next, as far as each school could get.

A school's own bound is what it could get alone in the world; a school that has reached it is settled, and no plan
serves it better. The smallest of these bounds therefore also bounds the worst school of every plan.
"""

from collections.abc import Callable
from fractions import Fraction

from scheduler.pairing.assignment import NOBODY, Assignment
from scheduler.pairing.problem import Problem
from scheduler.pairing.search import Search
from scheduler.pairing.subproblem import Aim, Effort, replan

EXTRA_POINTS = 30
FIRST_POINTS = 5_000
LESSONS_ONLY = 100_000
SIZE = 150
GROUPS = (20, 60, 150)
"""How many schools are planned together where that did not help either."""


def most_alone(problem: Problem) -> dict[int, int]:
    """For each school that can be served at all, the lessons it could get at most if it were alone.

    Each demand takes the candidate with most lessons that fit; that a class or kit is wanted twice at once is ignored,
    so this is a bound and not always reached.
    """
    most: dict[int, int] = {}
    for school, demands in enumerate(problem.school_demands):
        if problem.school_cap[school] <= 0:
            continue
        lessons = sum(
            min(
                problem.demand_need[demand],
                max((len(problem.options_of_pair(pair)) for pair in problem.pairs_of_demand(demand)), default=0),
            )
            for demand in demands
        )
        if lessons:
            most[school] = lessons
    return most


def worst_share(problem: Problem, lessons: list[int]) -> Fraction:
    """The smallest served share of the schools that can be served at all; 1 if there is none."""
    shares = [Fraction(lessons[school], problem.school_need[school]) for school in most_alone(problem)]
    return min(shares, default=Fraction(1))


def worst_share_bound(problem: Problem, effort: Effort) -> Fraction:
    """No plan's worst share is above this: what the weakest school could get were it alone in the world."""
    return weakest_alone(problem, effort)[0]


def weakest_alone(problem: Problem, effort: Effort) -> tuple[Fraction, int | None]:
    """The smallest share that a school could have alone, and which: they are planned until the weakest is settled.

    1 and None where no school can be served at all.
    """
    most = {school: Fraction(lessons, problem.school_need[school]) for school, lessons in most_alone(problem).items()}
    exact: set[int] = set()
    while most:
        weakest = min(most, key=lambda school: (most[school], school))
        if weakest in exact:
            return most[weakest], weakest
        exact.add(weakest)
        alone = Assignment.of(problem, sorted(problem.pinned))
        aim = Aim(extra={weakest: (LESSONS_ONLY, problem.school_need[weakest])})
        if replan(alone, problem.school_demands[weakest], effort, aim).optimal:
            most[weakest] = Fraction(alone.school_lessons[weakest], problem.school_need[weakest])
    return Fraction(1), None


def raise_worst(
    assignment: Assignment,
    search: Search,
    go_on: Callable[[], bool],
    bound: Fraction,
    most_schools: int,
    further: Callable[[], bool] | None = None,
) -> None:
    """Goes over the weakest schools, weakest first; gives each more lessons if no other is pushed as low as it was.

    Up to the bound of the worst share this comes before any points; above it, only for few, and as long as `further`
    allows. Stops after that many schools that could not be helped.
    """
    problem = assignment.problem
    most = most_alone(problem)
    wanted = floors(problem, bound)
    given_up: set[int] = set()
    while len(given_up) < most_schools and go_on():
        school = _weakest(assignment, most, given_up)
        if school is None:
            return
        first = assignment.school_lessons[school] < wanted[school]
        if not first and further is not None and not further():
            return
        upto = wanted[school] if first else most[school]
        extra = (FIRST_POINTS if first else EXTRA_POINTS, upto)
        if not _help(assignment, search, school, extra) and not (
            first and _help_together(assignment, search, school, wanted)
        ):
            given_up.add(school)


def floors(problem: Problem, share: Fraction) -> dict[int, int]:
    """The lessons each school needs so that none is served below the share, or below what it could get alone."""
    return {
        school: min(most, -(-share.numerator * problem.school_need[school] // share.denominator))
        for school, most in most_alone(problem).items()
    }


def kept_floors(assignment: Assignment) -> dict[int, int]:
    """Floors that keep the plan's worst share, whatever a search moves: no school falls below it."""
    problem = assignment.problem
    share = worst_share(problem, assignment.school_lessons)
    return {
        school: min(lessons, assignment.school_lessons[school]) for school, lessons in floors(problem, share).items()
    }


def _weakest(assignment: Assignment, most: dict[int, int], given_up: set[int]) -> int | None:
    problem = assignment.problem
    open_schools = [
        (assignment.school_lessons[school] / problem.school_need[school], school)
        for school, bound in most.items()
        if school not in given_up and assignment.school_lessons[school] < bound
    ]
    return min(open_schools)[1] if open_schools else None


def _help(assignment: Assignment, search: Search, school: int, extra: tuple[int, int]) -> bool:
    problem = assignment.problem
    before = assignment.school_lessons[school]
    need = problem.school_need[school]
    floor = {}
    for other, lessons in enumerate(assignment.school_lessons):
        if lessons:
            # Another school may give lessons away only while its share stays above what this one had.
            above = before * problem.school_need[other] // need + 1
            floor[other] = min(lessons, above)
    demands = search.neighbourhoods.rivals(*_involved(assignment, school), SIZE)
    points, most = extra
    upto = min(most, before + max(1, need // 8))
    search.replan(demands, Aim(floor=floor, extra={school: (points, upto)}))
    if assignment.school_lessons[school] == before:
        return False
    # The lessons came first, at whatever price: now the points again.
    search.replan(demands, Aim(floor=floor | {school: assignment.school_lessons[school]}))
    return True


def _help_together(assignment: Assignment, search: Search, school: int, wanted: dict[int, int]) -> bool:
    """Plans the school and those that rival it again as if points hardly counted, for the lessons wanted for each.

    The search wins the points back; how to serve all of them it would not find. A large group is first asked for any
    more of the lessons wanted, beginning with the plan as it is, then for all of them at once.
    """
    problem = assignment.problem
    search.floors = kept_floors(assignment)
    for count in GROUPS:
        group = search.neighbourhoods.schools_around(school, count)
        least = {one: wanted[one] for one in group if one in wanted}
        demands = [demand for one in group for demand in problem.school_demands[one]]
        if search.lift(demands, least, FIRST_POINTS) or search.reach(demands, least):
            return True
    return False


def _involved(assignment: Assignment, school: int) -> tuple[list[int], list[int]]:
    """The school's demands, and whoever attends a lesson of a teacher or in a lead room that those could go to."""
    problem = assignment.problem
    own = [demand for demand in problem.school_demands[school] if problem.pairs_of_demand(demand)]
    series = {problem.pair_series[pair] for demand in own for pair in problem.pairs_of_demand(demand)}
    teachers = {problem.series_teacher[one] for one in series}
    studios = {problem.series_studio[one] for one in series}
    near = {
        problem.pair_demand[pair]
        for pair in assignment.pair_of
        if pair != NOBODY
        and (
            problem.series_teacher[problem.pair_series[pair]] in teachers
            or problem.series_studio[problem.pair_series[pair]] in studios
        )
    }
    return own, sorted(near - set(own))
