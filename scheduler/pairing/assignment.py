"""A partial plan that always keeps every hard rule: options are added and taken out one by one, and the score follows.

`fits` answers in microseconds whether an option could be added; `blockers` answers the same question with names.
`add` and `remove` are exact inverses.
"""

from array import array
from collections.abc import Iterable

from scheduler.instance.week import GRID_SLOTS
from scheduler.pairing.problem import Problem
from scheduler.pairing.rules import Rule

NOBODY = -1


class Assignment:
    """What is planned so far, with the counters that make checks cheap."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.weights = problem.snapshot.weights
        self.taken = bytearray(problem.options)
        self.pair_of = [NOBODY] * problem.demands
        self.demand_lessons = [0] * problem.demands
        self.class_mask = [0] * len(problem.class_school)
        self.lesson_rooms = [0] * len(problem.lesson_series)
        self.series_lessons = [0] * len(problem.series_teacher)
        self.series_days = [0] * len(problem.series_teacher)
        self.teacher_lessons = [0] * len(problem.teacher_limit)
        self.teacher_mask = [0] * len(problem.teacher_limit)
        self.studio_mask = [0] * len(problem.snapshot.studios)
        self.school_lessons = [0] * len(problem.school_cap)
        self.school_load = [array("H", bytes(2 * GRID_SLOTS)) for _ in problem.school_cap]
        self.uplink_load = [array("H", bytes(2 * GRID_SLOTS)) for _ in problem.school_cap]
        self.node_load = [array("H", bytes(2 * GRID_SLOTS)) for _ in problem.node_cap]
        self.score = 0
        self._quarter_bonus = _quarter_bonuses(problem)

    @classmethod
    def of(cls, problem: Problem, options: Iterable[int]) -> "Assignment":
        """An assignment of these options, which must fit together (in any order)."""
        assignment = cls(problem)
        for option in options:
            assignment.add(option)
        return assignment

    def options(self) -> list[int]:
        """The options taken, in order."""
        taken, found, at = self.taken, [], -1
        while (at := taken.find(1, at + 1)) >= 0:
            found.append(at)
        return found

    def taken_of(self, demand: int) -> list[int]:
        """The options taken of one demand."""
        pair = self.pair_of[demand]
        if pair == NOBODY:
            return []
        return [option for option in self.problem.options_of_pair(pair) if self.taken[option]]

    def fits(self, option: int) -> bool:
        """Whether the option can be added without breaking a hard rule."""
        problem = self.problem
        pair, lesson = problem.option_pair[option], problem.option_lesson[option]
        demand = problem.pair_demand[pair]
        mask = problem.lesson_mask[lesson]
        one = problem.demand_class[demand]
        if self.demand_lessons[demand] >= problem.demand_need[demand] or self.class_mask[one] & mask:
            return False
        if self.pair_of[demand] not in (NOBODY, pair):
            return False
        rooms, series = self.lesson_rooms[lesson], problem.pair_series[pair]
        if rooms >= problem.series_seats[series] or (rooms == 0 and not self._can_broadcast(lesson, series, mask)):
            return False
        school = problem.class_school[one]
        start, end = problem.lesson_start[lesson], problem.lesson_end[lesson]
        if max(self.school_load[school][start:end]) >= problem.school_cap[school]:
            return False
        node = problem.school_node[school]
        return max(self.node_load[node][start:end]) < problem.node_cap[node]

    def blockers(self, option: int) -> list[Rule]:
        """Every hard rule that adding the option would break; empty exactly when it fits."""
        problem = self.problem
        pair, lesson = problem.option_pair[option], problem.option_lesson[option]
        demand, series = problem.pair_demand[pair], problem.pair_series[pair]
        one = problem.demand_class[demand]
        school = problem.class_school[one]
        node = problem.school_node[school]
        start, end = problem.lesson_start[lesson], problem.lesson_end[lesson]
        broken = {
            Rule.ALREADY_ATTENDS: bool(self.taken[option]),
            Rule.NEED_MET: self.demand_lessons[demand] >= problem.demand_need[demand],
            Rule.OTHER_LEAD: self.pair_of[demand] not in (NOBODY, pair),
            Rule.CLASS_BUSY: bool(self.class_mask[one] & problem.lesson_mask[lesson]) and not self.taken[option],
            Rule.LESSON_FULL: self.lesson_rooms[lesson] >= problem.series_seats[series],
            Rule.SCHOOL_FULL: max(self.school_load[school][start:end]) >= problem.school_cap[school],
            Rule.RELAY_FULL: max(self.node_load[node][start:end]) >= problem.node_cap[node],
        }
        found = [rule for rule, is_broken in broken.items() if is_broken]
        return found if self.lesson_rooms[lesson] else found + self._broadcast_blockers(lesson, series)

    def add(self, option: int) -> None:
        """Takes an option that fits; the caller has asked."""
        self._change(option, 1)

    def remove(self, option: int) -> None:
        """Takes an option out that is in."""
        self._change(option, -1)

    def remove_demand(self, demand: int) -> list[int]:
        """Takes out every option of a demand and returns them."""
        options = self.taken_of(demand)
        for option in options:
            self.remove(option)
        return options

    def _can_broadcast(self, lesson: int, series: int, mask: int) -> bool:
        problem = self.problem
        teacher = problem.series_teacher[series]
        if self.teacher_lessons[teacher] >= problem.teacher_limit[teacher] or self.teacher_mask[teacher] & mask:
            return False
        if self.studio_mask[problem.series_studio[series]] & mask:
            return False
        if problem.series_dedicated[series] and (
            self.series_lessons[series] >= problem.series_limit[series]
            or self.series_days[series] >> problem.lesson_day[lesson] & 1
        ):
            return False
        school = problem.series_school[series]
        load = self.uplink_load[school][problem.lesson_start[lesson] : problem.lesson_end[lesson]]
        return max(load) < problem.school_uplink[school]

    def _broadcast_blockers(self, lesson: int, series: int) -> list[Rule]:
        problem = self.problem
        teacher, school = problem.series_teacher[series], problem.series_school[series]
        mask, dedicated = problem.lesson_mask[lesson], problem.series_dedicated[series]
        load = self.uplink_load[school][problem.lesson_start[lesson] : problem.lesson_end[lesson]]
        broken = {
            Rule.TEACHER_LIMIT: self.teacher_lessons[teacher] >= problem.teacher_limit[teacher],
            Rule.TEACHER_BUSY: bool(self.teacher_mask[teacher] & mask),
            Rule.STUDIO_BUSY: bool(self.studio_mask[problem.series_studio[series]] & mask),
            Rule.SERIES_LIMIT: dedicated and self.series_lessons[series] >= problem.series_limit[series],
            Rule.SERIES_DAY: dedicated and bool(self.series_days[series] >> problem.lesson_day[lesson] & 1),
            Rule.UPLINK_FULL: max(load) >= problem.school_uplink[school],
        }
        return [rule for rule, is_broken in broken.items() if is_broken]

    def _change(self, option: int, by: int) -> None:
        problem = self.problem
        pair, lesson = problem.option_pair[option], problem.option_lesson[option]
        demand = problem.pair_demand[pair]
        one = problem.demand_class[demand]
        school = problem.class_school[one]
        before = self.demand_lessons[demand]
        self.taken[option] = by > 0
        self.demand_lessons[demand] = before + by
        self.pair_of[demand] = pair if before + by else NOBODY
        self.class_mask[one] ^= problem.lesson_mask[lesson]
        start, end = problem.lesson_start[lesson], problem.lesson_end[lesson]
        for load in (self.school_load[school], self.node_load[problem.school_node[school]]):
            for at in range(start, end):
                load[at] += by
        lessons = self.school_lessons[school]
        self.school_lessons[school] = lessons + by
        change = problem.option_gain[option] + self._quarter_bonus[school][min(lessons, lessons + by)]
        if 0 in (before, before + by):
            change += self.weights.first_lesson
        rooms = self.lesson_rooms[lesson]
        self.lesson_rooms[lesson] = rooms + by
        if 0 in (rooms, rooms + by):
            change += self.weights.broadcast
            self._change_broadcast(lesson, by)
        self.score += by * change

    def _change_broadcast(self, lesson: int, by: int) -> None:
        problem = self.problem
        series = problem.lesson_series[lesson]
        teacher = problem.series_teacher[series]
        mask = problem.lesson_mask[lesson]
        self.series_lessons[series] += by
        self.series_days[series] ^= problem.series_dedicated[series] << problem.lesson_day[lesson]
        self.teacher_lessons[teacher] += by
        self.teacher_mask[teacher] ^= mask
        self.studio_mask[problem.series_studio[series]] ^= mask
        load = self.uplink_load[problem.series_school[series]]
        for at in range(problem.lesson_start[lesson], problem.lesson_end[lesson]):
            load[at] += by


def _quarter_bonuses(problem: Problem) -> list[list[int]]:
    """For each school, the bonus of its 1st, 2nd, ... lesson."""
    quarters = problem.snapshot.weights.quarters
    return [
        [bonus for bonus, size in zip(quarters, problem.quarter_sizes(school), strict=True) for _ in range(size)]
        for school in range(len(problem.school_need))
    ]
