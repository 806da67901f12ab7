"""Why a demand is unserved: every candidate with the rules and bookings in its way, what single relaxation would
admit a lesson, and who would have to yield for it.

A remedy is only stated where the rule named is the only one in the way, and a yielding only after it was tried.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from scheduler.pairing.assignment import NOBODY, Assignment
from scheduler.pairing.problem import Problem
from scheduler.pairing.relaxations import RELAXABLE, Relaxation
from scheduler.pairing.rules import Rule

MOST_REMEDIES = 3


class Explainer:
    """Explains one plan. It borrows the assignment: what it takes out to try a yielding it puts back."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._problem = assignment.problem
        self._series_at = {series.id: at for at, series in enumerate(self._problem.snapshot.series)}
        self._led = {(series.subject, series.grade) for series in self._problem.snapshot.series}

    def unserved(self) -> list[dict[str, Any]]:
        """Every demand that gets fewer lessons than it needs: its status, what blocks how often, single remedies."""
        problem, lessons = self._problem, self._assignment.demand_lessons
        return [
            self._summary(demand) for demand in range(problem.demands) if lessons[demand] < problem.demand_need[demand]
        ]

    def why(self, demand: int) -> dict[str, Any]:
        """One demand in full: also each candidate's times with the bookings in the way, and who would have to yield."""
        snapshot = self._problem.snapshot
        candidates = [
            {"series": candidate, "times": self._times(demand, self._series_at[candidate])}
            for candidate in snapshot.demands[demand].candidates
        ]
        return self._summary(demand) | {"candidates": candidates}

    def remedies(self, demand: int) -> list[Relaxation]:
        """Every single relaxation that alone admits one more lesson for the demand."""
        found = {
            Relaxation(rules[0], self._resource(rules[0], option))
            for option in self._problem.options_of_demand(demand)
            if len(rules := self._assignment.blockers(option)) == 1 and rules[0] in RELAXABLE
        }
        return sorted(found)

    def insertable(self) -> list[int]:
        """Options that could be added as the plan stands; none in a finished plan."""
        return [option for option in range(self._problem.options) if self._assignment.fits(option)]

    def _summary(self, demand: int) -> dict[str, Any]:
        problem, assignment = self._problem, self._assignment
        value = problem.snapshot.demands[demand]
        options = problem.options_of_demand(demand)
        blocked = {option: assignment.blockers(option) for option in options if not assignment.taken[option]}
        remedies = {
            Relaxation(rules[0], self._resource(rules[0], option))
            for option, rules in blocked.items()
            if len(rules) == 1 and rules[0] in RELAXABLE
        }
        rules = Counter(rule for rules in blocked.values() for rule in rules)
        return {
            "demand": value.id,
            "school": problem.snapshot.schools[problem.demand_school[demand]].id,
            "needed": value.lessons,
            "served": assignment.demand_lessons[demand],
            "status": self._status(demand, blocked),
            "reasons": {str(rule): count for rule, count in sorted(rules.items())},
            "remedies": [one.document() for one in sorted(remedies)[:MOST_REMEDIES]],
        }

    def _status(self, demand: int, blocked: dict[int, list[Rule]]) -> str:
        problem, assignment = self._problem, self._assignment
        value = problem.snapshot.demands[demand]
        if not value.candidates:
            return "no_lead_for_edition" if (value.subject, value.grade) in self._led else "no_lead_for_subject"
        if not problem.options_of_demand(demand):
            return "no_common_time"
        pair = assignment.pair_of[demand]
        if pair == NOBODY:
            return "all_blocked" if all(blocked.values()) else "insertable"
        left = [option for option in problem.options_of_pair(pair) if option in blocked]
        return "partly_blocked" if left else "lead_has_fewer_lessons"

    def _times(self, demand: int, series: int) -> list[dict[str, Any]]:
        problem = self._problem
        option_at = {
            problem.option_lesson[option]: option
            for option in problem.options_of_demand(demand)
            if problem.pair_series[problem.option_pair[option]] == series
        }
        times: list[dict[str, Any]] = []
        for index, lesson in enumerate(problem.lessons_of_series(series)):
            option = option_at.get(lesson)
            if option is None:
                times.append(
                    {"time": index, "attends": False, "blockers": [{"rule": "class_not_free", "bookings": []}]}
                )
                continue
            rules = [] if self._assignment.taken[option] else self._assignment.blockers(option)
            entry: dict[str, Any] = {
                "time": index,
                "attends": bool(self._assignment.taken[option]),
                "blockers": [
                    {"rule": str(rule), "bookings": self._bookings(self._in_the_way(rule, option))} for rule in rules
                ],
            }
            yielding = self._yielding(option, rules)
            if yielding:
                entry["would_yield"] = [self._yielded(one) for one in yielding]
            times.append(entry)
        return times

    def _yielding(self, option: int, rules: Sequence[Rule]) -> list[int]:
        """The fewest attendances whose removal admits the option, among single ones and whole lessons in its way."""
        tries = [[one] for rule in rules for one in self._in_the_way(rule, option)]
        tries += [
            self._attending(lesson)
            for rule in rules
            for lesson in sorted({self._problem.option_lesson[one] for one in self._in_the_way(rule, option)})
        ]
        tries = [own for own in tries if own and not self._problem.pinned & set(own)]
        for own in sorted(tries, key=lambda own: (len(own), -self._richest(own))):
            if self._admits(option, own):
                return own
        return []

    def _admits(self, option: int, without: list[int]) -> bool:
        for one in without:
            self._assignment.remove(one)
        admitted = self._assignment.fits(option)
        for one in without:
            self._assignment.add(one)
        return admitted

    def _in_the_way(self, rule: Rule, option: int) -> list[int]:  # noqa: PLR0911 - a table of rules
        """The attendances that use up what the rule counts."""
        problem, assignment = self._problem, self._assignment
        lesson = problem.option_lesson[option]
        demand, series = problem.option_demand[option], problem.lesson_series[lesson]
        match rule:
            case Rule.NEED_MET | Rule.OTHER_LEAD:
                return assignment.taken_of(demand)
            case Rule.CLASS_BUSY:
                mates = problem.class_demands[problem.demand_class[demand]]
                return self._overlapping(lesson, (one for mate in mates for one in assignment.taken_of(mate)))
            case Rule.LESSON_FULL:
                return self._attending(lesson)
            case Rule.SCHOOL_FULL:
                near = problem.school_demands[problem.demand_school[demand]]
                return self._overlapping(lesson, (one for mate in near for one in assignment.taken_of(mate)))
            case Rule.RELAY_FULL:
                node = problem.school_node[problem.demand_school[demand]]
                schools = [school for school, own in enumerate(problem.school_node) if own == node]
                near = [mate for school in schools for mate in problem.school_demands[school]]
                return self._overlapping(lesson, (one for mate in near for one in assignment.taken_of(mate)))
            case Rule.TEACHER_LIMIT | Rule.TEACHER_BUSY:
                return self._led_by(lesson, problem.series_teacher, rule == Rule.TEACHER_BUSY)
            case Rule.STUDIO_BUSY:
                return self._led_by(lesson, problem.series_studio, True)
            case Rule.UPLINK_FULL:
                return self._led_by(lesson, problem.series_school, True)
            case Rule.SERIES_LIMIT | Rule.SERIES_DAY:
                lessons = problem.lessons_of_series(series)
                day = problem.lesson_day[lesson]
                kept = [one for one in lessons if rule == Rule.SERIES_LIMIT or problem.lesson_day[one] == day]
                return [one for own in kept for one in self._attending(own)]
            case _:
                return []

    def _led_by(self, lesson: int, owner: Sequence[int], at_once: bool) -> list[int]:
        problem = self._problem
        wanted = owner[problem.lesson_series[lesson]]
        lessons = [
            one
            for series, own in enumerate(owner)
            if own == wanted
            for one in problem.lessons_of_series(series)
            if self._assignment.lesson_rooms[one]
        ]
        options = [one for own in lessons for one in self._attending(own)]
        return self._overlapping(lesson, options) if at_once else options

    def _overlapping(self, lesson: int, options: Iterable[int]) -> list[int]:
        masks, lessons = self._problem.lesson_mask, self._problem.option_lesson
        return [option for option in options if masks[lessons[option]] & masks[lesson]]

    def _attending(self, lesson: int) -> list[int]:
        return [option for option in self._problem.lesson_options[lesson] if self._assignment.taken[option]]

    def _resource(self, rule: Rule, option: int) -> str:
        """The id of the teacher, series, school or node whose rule it is."""
        return resource_of(self._problem, rule, option)

    def _bookings(self, options: Iterable[int]) -> list[dict[str, Any]]:
        problem = self._problem
        snapshot = problem.snapshot
        return [
            {
                "demand": snapshot.demands[problem.option_demand[option]].id,
                "series": snapshot.series[problem.lesson_series[problem.option_lesson[option]]].id,
                "time": self._index(option),
            }
            for option in options
        ]

    def _yielded(self, option: int) -> dict[str, Any]:
        school = self._problem.demand_school[self._problem.option_demand[option]]
        return self._bookings([option])[0] | {"coverage_of_school": round(self._coverage(school), 4)}

    def _coverage(self, school: int) -> float:
        return self._assignment.school_lessons[school] / self._problem.school_need[school]

    def _richest(self, options: Sequence[int]) -> float:
        problem = self._problem
        return min(self._coverage(problem.demand_school[problem.option_demand[option]]) for option in options)

    def _index(self, option: int) -> int:
        lesson = self._problem.option_lesson[option]
        return lesson - self._problem.series_first[self._problem.lesson_series[lesson]]


def resource_of(problem: Problem, rule: Rule, option: int) -> str:  # noqa: PLR0911 - a table of rules
    """The id of the teacher, series, school or node that a rule counts for, when the option is blocked by it."""
    snapshot = problem.snapshot
    series = problem.lesson_series[problem.option_lesson[option]]
    school = problem.demand_school[problem.option_demand[option]]
    match rule:
        case Rule.TEACHER_LIMIT | Rule.TEACHER_BUSY:
            return snapshot.series[series].teacher
        case Rule.STUDIO_BUSY:
            return snapshot.series[series].studio
        case Rule.UPLINK_FULL:
            return snapshot.schools[problem.series_school[series]].id
        case Rule.SCHOOL_FULL:
            return snapshot.schools[school].id
        case Rule.RELAY_FULL:
            return snapshot.schools[school].node
        case Rule.LESSON_FULL | Rule.SERIES_LIMIT | Rule.SERIES_DAY:
            return snapshot.series[series].id
        case _:
            return snapshot.demands[problem.option_demand[option]].class_id
