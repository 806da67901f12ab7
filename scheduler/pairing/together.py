"""Which lessons of a dedicated series a demand could attend together, and rows that say what they must be held for.

A series chooses some of up to eight times. Without these rows the relaxation pairs a demand by half and serves it by
halves of lessons that are never held in the same week: half a pairing then brings a whole lesson.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from scheduler.check.together import countable
from scheduler.pairing.problem import Problem

LONGEST = 4
"""Of longer lists of lessons all together are looked at, but not every two of them: the rows would be too many."""


@dataclass(frozen=True, slots=True)
class Together:
    """Options of one pair: their lessons less one are at most the couples of these lessons that are held."""

    pair: int
    options: tuple[int, ...]
    couples: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Couples:
    """The couples of lessons that series may hold in one week, each with its series; what pairs make of them."""

    lessons: list[tuple[int, int]]
    series: list[int]
    wanted: list[Together]


def most_lessons(problem: Problem, series: int) -> int:
    """How many lessons the series can have in a week, whoever attends."""
    limit = problem.teacher_limit[problem.series_teacher[series]]
    return min(limit, problem.series_limit[series]) if problem.series_dedicated[series] else limit


def find_couples(problem: Problem) -> Couples:
    """All couples that some demand could attend, in the order of series and lessons."""
    found = Couples([], [], [])
    for series, dedicated in enumerate(problem.series_dedicated):
        most = most_lessons(problem, series)
        days = [problem.lesson_day[lesson] for lesson in problem.lessons_of_series(series)]
        if dedicated and most > 1 and countable(days, most):
            _add_series(problem, series, found)
    return found


def _add_series(problem: Problem, series: int, found: Couples) -> None:
    known: dict[tuple[int, int], int] = {}
    for pair in problem.series_pairs[series]:
        if problem.demand_need[problem.pair_demand[pair]] < 2:
            continue
        for options in _lists(problem, pair):
            lessons = [problem.option_lesson[option] for option in options]
            couples = []
            for one, other in combinations(lessons, 2):
                if problem.lesson_day[one] != problem.lesson_day[other]:
                    if (one, other) not in known:
                        known[one, other] = len(found.lessons)
                        found.lessons.append((one, other))
                        found.series.append(series)
                    couples.append(known[one, other])
            if couples:
                found.wanted.append(Together(pair, options, tuple(couples)))


def _lists(problem: Problem, pair: int) -> Iterator[tuple[int, ...]]:
    options = tuple(problem.options_of_pair(pair))
    if len(options) > 1:
        yield options
    if 2 < len(options) <= LONGEST:
        yield from combinations(options, 2)
