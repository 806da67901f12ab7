"""Substitutes: a colleague of the same school and subject, or another lead room, at the same time: no class moves.

Lessons are matched with substitutes by augmenting paths: as many lessons as possible get one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.problem import Problem


@dataclass(frozen=True, slots=True, order=True)
class Substitution:
    """A lesson (time index of a series) is led by another teacher, or from another room, than its series says."""

    series: str
    time: int
    teacher: str
    studio: str


@dataclass(frozen=True, slots=True)
class Engaged:
    """Hours that substitutes already give, beyond what the assignment knows: lessons by teacher and by studio index."""

    by_teacher: Mapping[int, tuple[int, ...]]
    by_studio: Mapping[int, tuple[int, ...]]


def substitute_teachers(assignment: Assignment, lessons: Iterable[int], engaged: Engaged) -> dict[int, int]:
    """For each lesson that can have one, a teacher: same school and subject, free then, with hours left in the week."""
    problem, snapshot = assignment.problem, assignment.problem.snapshot
    subjects = {(series.teacher, series.subject) for series in snapshot.series}
    by_school: dict[str, list[int]] = {}
    for at, teacher in enumerate(snapshot.teachers):
        by_school.setdefault(teacher.school, []).append(at)
    possible: dict[int, list[int]] = {}
    for lesson in lessons:
        series = snapshot.series[problem.lesson_series[lesson]]
        own = problem.series_teacher[problem.lesson_series[lesson]]
        possible[lesson] = [
            colleague
            for colleague in by_school[snapshot.teachers[own].school]
            if colleague != own
            and (snapshot.teachers[colleague].id, series.subject) in subjects
            and not _busy(assignment, colleague, engaged) & problem.lesson_mask[lesson]
        ]
    involved = {colleague for found in possible.values() for colleague in found}
    left = {
        one: problem.teacher_limit[one] - assignment.teacher_lessons[one] - len(engaged.by_teacher.get(one, ()))
        for one in involved
    }
    return _match(possible, left)


def substitute_studios(assignment: Assignment, lessons: Iterable[int], engaged: Engaged) -> dict[int, int]:
    """For each lesson that can have one, another lead room of the school that is free then."""
    problem, snapshot = assignment.problem, assignment.problem.snapshot
    chosen: dict[int, int] = {}
    for lesson in lessons:
        own = problem.series_studio[problem.lesson_series[lesson]]
        for studio, value in enumerate(snapshot.studios):
            taken = assignment.studio_mask[studio] | _mask(problem, engaged.by_studio.get(studio, ()))
            free = not taken & problem.lesson_mask[lesson]
            if studio != own and value.school == snapshot.studios[own].school and free:
                chosen[lesson] = studio
                break
    return chosen


def _busy(assignment: Assignment, teacher: int, engaged: Engaged) -> int:
    """The teacher's own classes, broadcast or not, what is planned, and for whom they stand in already."""
    problem = assignment.problem
    mask = assignment.teacher_mask[teacher] | _mask(problem, engaged.by_teacher.get(teacher, ()))
    for series in problem.teacher_series[teacher]:
        if not problem.series_dedicated[series]:
            for lesson in problem.lessons_of_series(series):
                mask |= problem.lesson_mask[lesson]
    return mask


def _mask(problem: Problem, lessons: Iterable[int]) -> int:
    mask = 0
    for lesson in lessons:
        mask |= problem.lesson_mask[lesson]
    return mask


def _match(possible: dict[int, list[int]], left: dict[int, int]) -> dict[int, int]:
    """A largest matching in which each substitute takes at most so many; the lessons do not overlap each other."""
    taken: dict[int, list[int]] = {one: [] for one in left}
    chosen: dict[int, int] = {}

    def place(lesson: int, seen: set[int]) -> bool:
        for one in possible[lesson]:
            if one in seen:
                continue
            seen.add(one)
            if len(taken[one]) < left[one]:
                taken[one].append(lesson)
                chosen[lesson] = one
                return True
            for other in list(taken[one]):
                if place(other, seen):
                    taken[one].remove(other)
                    taken[one].append(lesson)
                    chosen[lesson] = one
                    return True
        return False

    for lesson in possible:
        place(lesson, set())
    return chosen
