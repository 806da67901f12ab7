"""Puts lost lessons back with few other changes: in free places first, then in places that one other can leave.

Everything done is kept in a journal, so that a proposal can be tried on the plan itself and undone exactly.
"""

from collections.abc import Collection

from scheduler.pairing.assignment import NOBODY, Assignment


class Journal:
    """Adds and removes options of an assignment and can take it all back."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._done: list[tuple[bool, int]] = []

    def add(self, option: int) -> None:
        """Adds an option that fits."""
        self._assignment.add(option)
        self._done.append((True, option))

    def remove(self, option: int) -> None:
        """Removes an option that is taken."""
        self._assignment.remove(option)
        self._done.append((False, option))

    def mark(self) -> int:
        """The present point, to undo back to."""
        return len(self._done)

    def demands(self) -> set[int]:
        """The demands that anything was done to."""
        option_demand = self._assignment.problem.option_demand
        return {option_demand[option] for _, option in self._done}

    def undo(self, mark: int = 0) -> None:
        """Takes back everything done since a mark."""
        while len(self._done) > mark:
            added, option = self._done.pop()
            if added:
                self._assignment.remove(option)
            else:
                self._assignment.add(option)


class Insertion:
    """Inserts lessons for given demands, never at a forbidden option and never moving a pinned one."""

    def __init__(self, assignment: Assignment, journal: Journal, forbidden: Collection[int]) -> None:
        self._assignment = assignment
        self._problem = assignment.problem
        self._journal = journal
        self._forbidden = forbidden

    def refill(self, demands: Collection[int], most_moved: int) -> None:
        """Gives each demand as many lessons as find room, weakest schools first.

        Another class is moved only for a demand that would be left without any lesson, not for an hour more, and no
        more than `most_moved` are.
        """
        ordered = sorted(demands, key=self._served_share)
        for demand in ordered:
            while self._insert(demand):
                pass
        for demand in ordered:
            if most_moved and not self._assignment.demand_lessons[demand] and self._eject(demand):
                most_moved -= 1
                while self._insert(demand):
                    pass

    def _served_share(self, demand: int) -> tuple[float, int]:
        school = self._problem.demand_school[demand]
        return self._assignment.school_lessons[school] / self._problem.school_need[school], demand

    def _open(self, demand: int) -> list[int]:
        """Options worth a look, best first: those of the lead it has, or of any if it has none."""
        assignment, problem = self._assignment, self._problem
        if assignment.demand_lessons[demand] >= problem.demand_need[demand]:
            return []
        pair = assignment.pair_of[demand]
        options = problem.options_of_demand(demand) if pair == NOBODY else problem.options_of_pair(pair)
        found = [one for one in options if not assignment.taken[one] and one not in self._forbidden]
        return sorted(found, key=lambda one: (-problem.option_gain[one], one))

    def _insert(self, demand: int) -> bool:
        for option in self._open(demand):
            if self._assignment.fits(option):
                self._journal.add(option)
                return True
        return False

    def _eject(self, demand: int) -> bool:
        """Takes the place of one other lesson that can itself be held elsewhere, with the lead it has."""
        for option in self._open(demand):
            for other in self._neighbours(option):
                mark = self._journal.mark()
                self._journal.remove(other)
                if self._assignment.fits(option):
                    self._journal.add(option)
                    moved = self._problem.option_demand[other]
                    if moved != demand and self._insert(moved):
                        return True
                self._journal.undo(mark)
        return False

    def _neighbours(self, option: int) -> list[int]:
        """Attendances whose leaving may make room: of the same lesson, or of the same class at that time."""
        problem, assignment = self._problem, self._assignment
        lesson = problem.option_lesson[option]
        mates = problem.class_demands[problem.demand_class[problem.option_demand[option]]]
        same_time = [
            one
            for mate in mates
            for one in assignment.taken_of(mate)
            if problem.lesson_mask[problem.option_lesson[one]] & problem.lesson_mask[lesson]
        ]
        same_lesson = [one for one in problem.lesson_options[lesson] if assignment.taken[one]]
        return [one for one in (*same_time, *same_lesson) if one not in problem.pinned]
