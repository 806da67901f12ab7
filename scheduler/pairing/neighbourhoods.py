"""Which demands to plan again together: blocks of a subject and grade, rival teachers, schools of a county."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import zip_longest
from random import Random

from scheduler.pairing.problem import Problem

RIVALS = 12


class Neighbourhoods:
    """Draws sets of demands that belong together; all choices come from the random source given."""

    def __init__(self, problem: Problem, random: Random) -> None:
        self._problem = problem
        self._random = random
        self._served = [demand for demand in range(problem.demands) if problem.pairs_of_demand(demand)]

    @cached_property
    def _teacher_demands(self) -> list[list[int]]:
        problem = self._problem
        return [
            sorted({problem.pair_demand[pair] for series in own for pair in problem.series_pairs[series]})
            for own in problem.teacher_series
        ]

    @cached_property
    def _demand_teachers(self) -> list[list[int]]:
        problem = self._problem
        return [
            sorted({problem.series_teacher[problem.pair_series[pair]] for pair in problem.pairs_of_demand(demand)})
            for demand in range(problem.demands)
        ]

    @cached_property
    def _county_schools(self) -> list[list[int]]:
        counties: dict[str, list[int]] = defaultdict(list)
        for at, school in enumerate(self._problem.snapshot.schools):
            if self._problem.school_demands[at]:
                counties[school.county].append(at)
        return [counties[county] for county in sorted(counties)]

    def blocks(self, size: int) -> Iterator[list[int]]:
        """Every demand once: all of a subject and grade, in parts of at most `size`, neighbours by school together.

        Parts that follow each other are of different subjects and grades: so they hardly want the same teachers.
        """
        groups: dict[tuple[str, int], list[int]] = defaultdict(list)
        for demand in self._served:
            value = self._problem.snapshot.demands[demand]
            groups[value.subject, value.grade].append(demand)
        cut: list[list[list[int]]] = []
        for key in sorted(groups):
            length = -(-len(groups[key]) // -(-len(groups[key]) // size))
            cut.append([groups[key][first : first + length] for first in range(0, len(groups[key]), length)])
        for turn in zip_longest(*cut):
            yield from (block for block in turn if block)

    def around_teachers(self, size: int, weights: list[float]) -> list[int]:
        """Demands that a drawn teacher could serve, then those of the teachers they could also go to."""
        seed = self._random.choices(range(len(weights)), weights)[0]
        return self._grow([seed], size)

    def of_schools(self, size: int, weights: list[float]) -> list[int]:
        """All demands of schools of one county, starting from a drawn one."""
        problem = self._problem
        schools = [school for school, demands in enumerate(problem.school_demands) if demands]
        seed = self._random.choices(schools, [weights[school] for school in schools])[0]
        county = next(group for group in self._county_schools if seed in group)
        others = [school for school in county if school != seed]
        self._random.shuffle(others)
        return self._until(size, (problem.school_demands[school] for school in [seed, *others]))

    def of_subject(self, size: int) -> list[int]:
        """Demands of one subject over all grades: teachers share their hours between grades."""
        problem = self._problem
        seed = problem.snapshot.demands[self._random.choice(self._served)].subject
        teachers = [
            at
            for at, own in enumerate(problem.teacher_series)
            if any(problem.snapshot.series[series].subject == seed for series in own)
        ]
        return self._grow([self._random.choice(teachers)] if teachers else [], size)

    def mixed(self, size: int) -> list[int]:
        """Demands of all subjects, grown from a drawn one by turns: mates of its class, rivals for its teachers."""
        problem, random = self._problem, self._random
        found = {random.choice(self._served)}
        edge = sorted(found)
        while edge and len(found) < size:
            demand = edge.pop(random.randrange(len(edge)))
            mates = problem.class_demands[problem.demand_class[demand]]
            rivals: set[int] = set()
            for teacher in self._demand_teachers[demand]:
                own = self._teacher_demands[teacher]
                rivals.update(own if len(own) <= RIVALS else random.sample(own, RIVALS))
            fresh = [one for one in (*mates, *sorted(rivals)) if one not in found and problem.pairs_of_demand(one)]
            fresh = list(dict.fromkeys(fresh))[: size - len(found)]
            found.update(fresh)
            edge += fresh
        return sorted(found)

    def schools_around(self, school: int, count: int) -> list[int]:
        """The school, then those that could share most teachers with the ones before, who have few others."""
        found, rivalry = [school], Counter[int]()
        while len(found) < count:
            for teacher in self._school_teachers[found[-1]]:
                for other in self._teacher_schools[teacher]:
                    rivalry[other] += len(self._problem.teacher_limit) // len(self._school_teachers[other])
            for known in found:
                del rivalry[known]
            if not rivalry:
                break
            found.append(max(sorted(rivalry), key=rivalry.__getitem__))
        return found

    @cached_property
    def _school_teachers(self) -> list[list[int]]:
        return [
            sorted({teacher for demand in demands for teacher in self._demand_teachers[demand]})
            for demands in self._problem.school_demands
        ]

    @cached_property
    def _teacher_schools(self) -> list[list[int]]:
        schools = self._problem.demand_school
        return [sorted({schools[demand] for demand in demands}) for demands in self._teacher_demands]

    def rivals(self, own: Sequence[int], near: Sequence[int], size: int) -> list[int]:
        """All of `own`, then others that are near, then those that the candidate teachers of all these could serve."""
        drawn = list(near)
        self._random.shuffle(drawn)
        kept = list(dict.fromkeys([*own, *drawn]))[:size]
        teachers = sorted({teacher for demand in kept for teacher in self._demand_teachers[demand]})
        self._random.shuffle(teachers)
        return self._until(size, [kept, *(self._teacher_demands[teacher] for teacher in teachers)])

    def _grow(self, teachers: list[int], size: int) -> list[int]:
        found: set[int] = set()
        seen = set(teachers)
        queue = list(teachers)
        while queue and len(found) < size:
            teacher = queue.pop(0)
            own = self._teacher_demands[teacher]
            found.update(own if len(own) <= size else self._random.sample(own, size))
            near = {other for demand in own for other in self._demand_teachers[demand]} - seen
            fresh = sorted(near)
            self._random.shuffle(fresh)
            seen.update(fresh)
            queue += fresh
        ordered = sorted(found)
        return ordered if len(ordered) <= size else sorted(self._random.sample(ordered, size))

    def _until(self, size: int, groups: Iterable[list[int]]) -> list[int]:
        found: set[int] = set()
        for group in groups:
            if len(found) >= size:
                break
            found.update(demand for demand in group if len(found) < size)
        return sorted(found)
