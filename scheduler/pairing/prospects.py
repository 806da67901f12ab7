"""What the prices of the relaxation say about a plan: which options are hopeless, and where points are still lost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.linear_program import Floats, LinearProgram
from scheduler.pairing.problem import Problem
from scheduler.pairing.relaxation import Relaxed, reduced_costs
from scheduler.pairing.together import find_couples


@dataclass(frozen=True, eq=False)
class Prospects:
    """For each option, the points a plan that takes it loses against the bound at the very least."""

    problem: Problem
    program: LinearProgram
    prices: Floats
    option_loss: Floats

    @classmethod
    def of(cls, problem: Problem, program: LinearProgram, relaxed: Relaxed) -> "Prospects":
        """The prospects under the prices of a relaxation."""
        below = np.maximum(-reduced_costs(program, relaxed.prices), 0.0)
        first_y, first_z = program.column["y"], program.column["z"]
        pair = np.asarray(problem.option_pair, dtype=np.int64)
        lesson = np.asarray(problem.option_lesson, dtype=np.int64)
        own_y = below[first_y + pair] * program.upper[first_y + pair]
        loss = below[: problem.options] + own_y + below[first_z + lesson]
        return cls(problem, program, relaxed.prices, loss)

    def promising(self, most: float) -> bytes:
        """One byte for each option: 1 where the loss is at most that many points."""
        return bytes((self.option_loss <= most).astype(np.uint8))

    def teacher_losses(self, assignment: Assignment) -> list[float]:
        """For each teacher, the points lost by priced seats and hours left unused: where a search may find some."""
        problem, program = self.problem, self.program
        # Rooms and quarters are in none of the rows looked at here, so what is taken, paired and held is enough.
        columns = self._main_columns(assignment)
        slack = program.right - np.bincount(
            program.row, weights=program.value * columns[program.col], minlength=program.rows
        )
        lost = self.prices * np.maximum(slack, 0.0)
        losses = np.zeros(len(problem.teacher_limit))
        series_teacher = np.asarray(problem.series_teacher, dtype=np.int64)
        lesson_teacher = series_teacher[np.asarray(problem.lesson_series, dtype=np.int64)]
        losses += lost[program.families["teacher_week"].rows]
        np.add.at(losses, lesson_teacher, lost[program.families["seats"].rows])
        option_teacher = lesson_teacher[np.asarray(problem.option_lesson, dtype=np.int64)]
        np.add.at(losses, option_teacher, lost[program.families["attend_broadcast"].rows])
        # A pair that attends less than it could.
        pair_teacher = series_teacher[np.asarray(problem.pair_series, dtype=np.int64)]
        for family in (program.families[name] for name in ("attend_pair", "pair_attends", "pair_need")):
            np.add.at(losses, pair_teacher[np.asarray(family.about, dtype=np.int64)], lost[family.rows])
        return list(losses)

    def school_losses(self, assignment: Assignment) -> list[float]:
        """For each school, the points lost by its priced need left unserved."""
        problem, program = self.problem, self.program
        school = np.asarray(problem.demand_school, dtype=np.int64)
        losses = np.zeros(len(problem.school_cap))
        unpaired = np.asarray([1.0 if lessons == 0 else 0.0 for lessons in assignment.demand_lessons])
        np.add.at(losses, school, unpaired * self.prices[program.families["one_lead"].rows])
        return list(losses)

    def columns(self, assignment: Assignment) -> Floats:
        """The plan as values of the relaxation's columns: its objective there is the plan's score."""
        program, problem = self.program, self.problem
        columns = self._main_columns(assignment)
        for school, served in enumerate(assignment.school_lessons):
            left = served
            for quarter, size in enumerate(problem.quarter_sizes(school)):
                columns[program.column["b"] + 4 * school + quarter] = min(left, size)
                left -= min(left, size)
        for room, (lesson, node) in enumerate(program.families["room"].about):
            columns[program.column["w"] + room] = self._rooms_at(assignment, lesson, node)
        for number, lessons in enumerate(find_couples(problem).lessons):
            columns[program.column["v"] + number] = all(assignment.lesson_rooms[lesson] for lesson in lessons)
        return columns

    def _main_columns(self, assignment: Assignment) -> Floats:
        program, problem = self.program, self.problem
        columns = np.zeros(program.columns)
        taken = np.asarray(assignment.options(), dtype=np.int64)
        columns[taken] = 1.0
        pairs = np.asarray([pair for pair in assignment.pair_of if pair >= 0], dtype=np.int64)
        columns[program.column["y"] + pairs] = program.upper[program.column["y"] + pairs]
        lessons = np.unique(np.asarray(problem.option_lesson, dtype=np.int64)[taken])
        columns[program.column["z"] + lessons] = 1.0
        return columns

    def _rooms_at(self, assignment: Assignment, lesson: int, node: int) -> int:
        problem = self.problem
        if not assignment.lesson_rooms[lesson]:
            return 0
        attending = [option for option in problem.lesson_options[lesson] if assignment.taken[option]]
        schools = [problem.demand_school[problem.option_demand[option]] for option in attending]
        return sum(1 for school in schools if problem.school_node[school] == node)


def weighted(losses: Sequence[float]) -> list[float]:
    """Losses as weights for drawing: never all zero."""
    least = 0.01 * (sum(losses) / len(losses)) + 1e-9 if losses else 0.0
    return [loss + least for loss in losses]
