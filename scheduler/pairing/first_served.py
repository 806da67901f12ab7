"""Serves the schools that fell short first and everybody else around them; whoever is short then comes first next time.

A school whose few possible lessons are all wanted by others is not helped by looking at its neighbours one by one; but
most others have other lessons to go to. So their lessons are planned first, into an empty week, and the plan as it was
is laid around them.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.greedy import add_in_order, fill_weakest_first
from scheduler.pairing.subproblem import Aim, Effort, replan

POINTS = 100_000
ROUNDS = 8


def serve_short_first(
    assignment: Assignment, wanted: Mapping[int, int], effort: Effort, go_on: Callable[[], bool]
) -> bool:
    """Raises the smallest part of the lessons wanted that a school has, then the lessons; at whatever price in points.

    Whether it did; else nothing has changed.
    """
    problem = assignment.problem
    best, most = assignment.options(), _met(assignment, wanted)
    before, plan, first = most, best, list[int]()
    for _ in range(ROUNDS):
        short = _short(assignment, wanted)
        if not short or not go_on():
            break
        first = [*short, *(school for school in first if school not in short)]
        _clear(assignment)
        for school in first:
            replan(assignment, problem.school_demands[school], effort, Aim(extra={school: (POINTS, wanted[school])}))
        add_in_order(assignment, plan)
        fill_weakest_first(assignment)
        if _met(assignment, wanted) > most:
            best, most = assignment.options(), _met(assignment, wanted)
    _clear(assignment)
    _add_all(assignment, best)
    return most > before


def _short(assignment: Assignment, wanted: Mapping[int, int]) -> list[int]:
    """Schools with fewer lessons than wanted, those that lack the largest part of them first."""
    lessons = assignment.school_lessons
    short = [school for school, least in wanted.items() if lessons[school] < least]
    return sorted(short, key=lambda school: (lessons[school] / wanted[school], school))


def _met(assignment: Assignment, wanted: Mapping[int, int]) -> tuple[Fraction, int]:
    lessons = {school: min(assignment.school_lessons[school], least) for school, least in wanted.items()}
    smallest = min((Fraction(lessons[school], least) for school, least in wanted.items() if least), default=Fraction(1))
    return smallest, sum(lessons.values())


def _clear(assignment: Assignment) -> None:
    pinned = assignment.problem.pinned
    for option in assignment.options():
        if option not in pinned:
            assignment.remove(option)


def _add_all(assignment: Assignment, options: Iterable[int]) -> None:
    for option in options:
        if not assignment.taken[option]:
            assignment.add(option)
