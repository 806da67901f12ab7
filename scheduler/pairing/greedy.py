"""Greedy plans: always the weakest school next, or any order of options; both only add what fits."""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from scheduler.pairing.assignment import Assignment


def fill_weakest_first(assignment: Assignment) -> None:
    """Adds lessons, one at a time to the school with the smallest served share, until nothing fits any more.

    Adding only ever blocks further options, so an option found blocked is never looked at again.
    """
    problem = assignment.problem
    live = {
        school: [
            option
            for demand in demands
            if assignment.demand_lessons[demand] < problem.demand_need[demand]
            for option in problem.options_of_demand(demand)
            if not assignment.taken[option]
        ]
        for school, demands in enumerate(problem.school_demands)
    }
    heap = [(_share(assignment, school), school) for school, options in live.items() if options]
    heapify(heap)
    while heap:
        _, school = heappop(heap)
        live[school] = [option for option in live[school] if assignment.fits(option)]
        if live[school]:
            assignment.add(max(live[school], key=lambda option: (_worth(assignment, option), -option)))
            heappush(heap, (_share(assignment, school), school))


def add_in_order(assignment: Assignment, options: Iterable[int]) -> None:
    """Adds each option that fits, in the order given."""
    for option in options:
        if assignment.fits(option):
            assignment.add(option)


def _share(assignment: Assignment, school: int) -> float:
    return assignment.school_lessons[school] / assignment.problem.school_need[school]


def _worth(assignment: Assignment, option: int) -> int:
    problem = assignment.problem
    worth = problem.option_gain[option]
    if assignment.demand_lessons[problem.option_demand[option]] == 0:
        worth += assignment.weights.first_lesson
    if assignment.lesson_rooms[problem.option_lesson[option]] == 0:
        worth += assignment.weights.broadcast
    return worth
