"""The linear relaxation as sparse arrays: maximise objective·v, every row at most its right side, 0 <= v <= upper.

Columns are, in order: options x, pairs y, lessons z, quarters of schools' needs b, rooms w of a lesson at a node,
couples v of lessons that a dedicated series holds in one week. A pair with a single option is that option: its own
column is held at 0 and stands in no row. Rows come in named families, so that their prices can be read back by what
they are about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.pairing.cliques import maximal_cliques
from scheduler.pairing.problem import Problem
from scheduler.pairing.together import find_couples, most_lessons

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Indices = NDArray[np.int32]
Coefficients = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RowFamily:
    """Rows first..first+count of one kind; `about` has what each row is about, with an instant if it has one."""

    name: str
    first: int
    about: Sequence[Any] | Ints

    @property
    def rows(self) -> slice:
        """The rows as a slice of the row arrays."""
        return slice(self.first, self.first + len(self.about))


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """Coordinates of the matrix, right sides, objective, upper bounds; `column` tells where each kind begins."""

    row: Indices
    col: Indices
    value: Coefficients
    right: Floats
    objective: Floats
    upper: Floats
    column: dict[str, int]
    families: dict[str, RowFamily]

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.objective)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.right)


class _Rows:
    def __init__(self) -> None:
        self.count = 0
        self.row: list[Indices] = []
        self.col: list[Indices] = []
        self.value: list[Coefficients] = []
        self.right: list[Floats] = []
        self.families: dict[str, RowFamily] = {}

    def family(self, name: str, about: Sequence[Any] | Ints, right: Sequence[float] | Floats) -> Ints:
        """Opens a family and gives its row numbers."""
        self.families[name] = RowFamily(name, self.count, about)
        rows = np.arange(self.count, self.count + len(about), dtype=np.int64)
        self.count += len(about)
        self.right.append(np.asarray(right, dtype=np.float64))
        return rows

    def put(self, row: Ints, col: Ints, value: Floats | float) -> None:
        # Half the width is enough for indices and small whole coefficients, and the whole prefecture has millions.
        self.row.append(np.asarray(row, dtype=np.int32))
        self.col.append(np.asarray(col, dtype=np.int32))
        self.value.append(np.broadcast_to(np.asarray(value, dtype=np.float32), (len(self.row[-1]),)))

    def cliques(self, name: str, found: list[tuple[Any, int, int, list[int]]], offset: int) -> None:
        """Rows "at most right of these at that instant" from (about, instant, right, members)."""
        rows = self.family(name, [(about, at) for about, at, _, _ in found], [right for _, _, right, _ in found])
        lengths = [len(members) for _, _, _, members in found]
        cols = np.fromiter((one for _, _, _, members in found for one in members), np.int64, sum(lengths))
        self.put(np.repeat(rows, lengths), cols + offset, 1.0)


def build(problem: Problem) -> LinearProgram:
    """The relaxation of every hard rule and of the measured score."""
    return _Builder(problem).program()


class _Builder:
    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._rows = _Rows()
        options, pairs, lessons = problem.options, len(problem.pair_demand), len(problem.lesson_series)
        self._option_pair = np.asarray(problem.option_pair, dtype=np.int64)
        self._option_lesson = np.asarray(problem.option_lesson, dtype=np.int64)
        self._x, self._y, self._z = 0, options, options + pairs
        lengths = np.diff(np.asarray(problem.pair_options, dtype=np.int64))
        self._single = lengths == 1
        self._first_option = np.asarray(problem.pair_options[:-1], dtype=np.int64)
        self._pair_column = np.where(self._single, self._x + self._first_option, self._y + np.arange(pairs))
        self._b = self._z + lessons
        self._w = self._b + 4 * len(problem.school_cap)
        self._turns = max(lessons, 1) + 7
        dedicated = np.asarray(problem.series_dedicated, dtype=bool)[
            np.asarray(problem.lesson_series, dtype=np.int64)[self._option_lesson]
        ]
        days = np.asarray(problem.lesson_day, dtype=np.int64)[self._option_lesson]
        self._option_turn = self._option_pair * self._turns + np.where(dedicated, days, 7 + self._option_lesson)
        school = np.asarray(problem.demand_school, dtype=np.int64)[np.asarray(problem.option_demand, dtype=np.int64)]
        node = np.asarray(problem.school_node, dtype=np.int64)[school] if options else np.empty(0, np.int64)
        nodes = max(len(problem.node_cap), 1)
        self._option_school = school
        self._rooms, self._option_room = np.unique(self._option_lesson * nodes + node, return_inverse=True)
        self._nodes = nodes
        self._couples = find_couples(problem)
        self._v = self._w + len(self._rooms)

    def program(self) -> LinearProgram:
        self._receiving_rows()
        self._seat_rows()
        self._lead_rows()
        self._school_rows()
        self._node_rows()
        self._quarter_rows()
        self._together_rows()
        rows = self._rows
        column = {"x": self._x, "y": self._y, "z": self._z, "b": self._b, "w": self._w, "v": self._v}
        return LinearProgram(
            np.concatenate(rows.row),
            np.concatenate(rows.col),
            np.concatenate(rows.value),
            np.concatenate(rows.right),
            *self._columns(),
            column=column,
            families=rows.families,
        )

    def _columns(self) -> tuple[Floats, Floats]:
        problem, weights = self._problem, self._problem.snapshot.weights
        quarters = [problem.quarter_sizes(school) for school in range(len(problem.school_cap))]
        seats = np.asarray(problem.series_seats, dtype=np.float64)
        lesson_seats = seats[np.asarray(problem.lesson_series, dtype=np.int64)[self._rooms // self._nodes]]
        alone = self._single[self._option_pair]
        objective = [
            np.asarray(problem.option_gain, dtype=np.float64) + weights.first_lesson * alone,
            float(weights.first_lesson) * ~self._single,
            np.full(self._b - self._z, float(weights.broadcast)),
            np.tile(np.asarray(weights.quarters, dtype=np.float64), len(quarters)),
            np.zeros(len(self._rooms) + len(self._couples.lessons)),
        ]
        upper = [
            np.ones(self._y),
            1.0 * ~self._single,
            np.ones(self._b - self._z),
            np.asarray(quarters, dtype=np.float64).ravel(),
            lesson_seats,
            np.ones(len(self._couples.lessons)),
        ]
        return np.concatenate(objective), np.concatenate(upper)

    def _receiving_rows(self) -> None:
        """One lead for a demand, lessons with that lead, no more than needed; a class in one place at a time."""
        problem, rows = self._problem, self._rows
        several = np.flatnonzero(~self._single)
        row_of = np.full(len(self._single), -1, dtype=np.int64)
        options = np.flatnonzero(~self._single[self._option_pair])
        # A dedicated series has one lesson a day, so whoever is paired with it attends one a day.
        first, turn = np.unique(self._option_turn[options], return_inverse=True)
        turn_pair = first // self._turns
        row = rows.family("attend_pair", turn_pair, np.zeros(len(first)))
        rows.put(row[turn], self._x + options, 1.0)
        rows.put(row, self._y + turn_pair, -1.0)
        row_of[several] = row = rows.family("pair_attends", several, np.zeros(len(several)))
        rows.put(row, self._y + several, 1.0)
        rows.put(row_of[self._option_pair[options]], self._x + options, -1.0)
        demand = np.asarray(problem.pair_demand, dtype=np.int64)
        need = self._most_together()
        turns = np.bincount(turn_pair, minlength=len(self._single))
        # With no more turns than lessons needed, x <= y says it already.
        long = np.flatnonzero(turns > np.maximum(need, 1))
        row_of[:] = -1
        row_of[long] = row = rows.family("pair_need", long, np.zeros(len(long)))
        rows.put(row, self._y + long, -need[long])
        options = np.flatnonzero(row_of[self._option_pair] >= 0)
        rows.put(row_of[self._option_pair[options]], self._x + options, 1.0)
        row = rows.family("one_lead", range(problem.demands), np.ones(problem.demands))
        rows.put(row[demand], self._pair_column, 1.0)
        classes = [
            (one, at, 1, members)
            for one, demands in enumerate(problem.class_demands)
            for at, members in self._option_cliques([o for d in demands for o in problem.options_of_demand(d)], 2)
        ]
        rows.cliques("class_at", classes, self._x)

    def _most_together(self) -> Floats:
        """For each pair, the lessons it can have at most: what the demand needs, what the lead gives in a week."""
        problem = self._problem
        week = np.asarray([most_lessons(problem, one) for one in range(len(problem.series_teacher))], dtype=np.float64)
        need = np.asarray(problem.demand_need, dtype=np.float64)[np.asarray(problem.pair_demand, dtype=np.int64)]
        return np.minimum(need, week[np.asarray(problem.pair_series, dtype=np.int64)])

    def _seat_rows(self) -> None:
        problem, rows = self._problem, self._rows
        options = np.arange(problem.options, dtype=np.int64)
        row = rows.family("attend_broadcast", range(problem.options), np.zeros(problem.options))
        rows.put(row, self._x + options, 1.0)
        rows.put(row, self._z + self._option_lesson, -1.0)
        lessons = np.arange(len(problem.lesson_series), dtype=np.int64)
        row = rows.family("seats", range(len(lessons)), np.zeros(len(lessons)))
        rows.put(row[self._option_lesson], self._x + options, 1.0)
        seats = np.asarray(problem.series_seats, dtype=np.float64)[np.asarray(problem.lesson_series, dtype=np.int64)]
        rows.put(row, self._z + lessons, -seats)

    def _lead_rows(self) -> None:
        problem, rows = self._problem, self._rows
        lesson_teacher = [problem.series_teacher[series] for series in problem.lesson_series]
        lesson_studio = [problem.series_studio[series] for series in problem.lesson_series]
        lesson_school = [problem.series_school[series] for series in problem.lesson_series]
        lessons = np.arange(len(lesson_teacher), dtype=np.int64)
        row = rows.family("teacher_week", range(len(problem.teacher_limit)), problem.teacher_limit)
        rows.put(row[np.asarray(lesson_teacher, dtype=np.int64)], self._z + lessons, 1.0)
        rows.cliques("teacher_at", self._lead_cliques(lesson_teacher, [1] * len(problem.teacher_limit)), self._z)
        rows.cliques("studio_at", self._lead_cliques(lesson_studio, [1] * len(problem.snapshot.studios)), self._z)
        rows.cliques("uplink_at", self._lead_cliques(lesson_school, problem.school_uplink), self._z)
        dedicated = [series for series, is_so in enumerate(problem.series_dedicated) if is_so]
        row = rows.family("series_week", dedicated, [problem.series_limit[series] for series in dedicated])
        for at, series in zip(row, dedicated, strict=True):
            own = np.asarray(problem.lessons_of_series(series), dtype=np.int64)
            rows.put(np.full(len(own), at), self._z + own, 1.0)
        days: dict[tuple[int, int], list[int]] = {}
        for series in dedicated:
            for lesson in problem.lessons_of_series(series):
                days.setdefault((series, problem.lesson_day[lesson]), []).append(lesson)
        found = [(series, day, 1, members) for (series, day), members in sorted(days.items()) if len(members) > 1]
        rows.cliques("series_day", found, self._z)

    def _school_rows(self) -> None:
        problem = self._problem
        found = [
            (school, at, problem.school_cap[school], members)
            for school, demands in enumerate(problem.school_demands)
            for at, members in self._option_cliques(
                [option for demand in demands for option in problem.options_of_demand(demand)],
                problem.school_cap[school] + 1,
            )
            if self._classes(members) > problem.school_cap[school]
        ]
        self._rows.cliques("school_at", found, self._x)

    def _node_rows(self) -> None:
        problem, rows = self._problem, self._rows
        options = np.arange(problem.options, dtype=np.int64)
        about = [(int(room) // self._nodes, int(room) % self._nodes) for room in self._rooms]
        row = rows.family("room", about, np.zeros(len(self._rooms)))
        rows.put(row[self._option_room], self._x + options, 1.0)
        rows.put(row, self._w + np.arange(len(self._rooms), dtype=np.int64), -1.0)
        lesson = self._rooms // self._nodes
        starts = [problem.lesson_start[one] for one in lesson]
        ends = [problem.lesson_end[one] for one in lesson]
        members: list[list[int]] = [[] for _ in problem.node_cap]
        for at, node in enumerate(self._rooms % self._nodes):
            members[node].append(at)
        found = [
            (node, at, problem.node_cap[node], clique)
            for node, rooms in enumerate(members)
            for at, clique in maximal_cliques(rooms, starts, ends)
        ]
        rows.cliques("node_at", found, self._w)

    def _quarter_rows(self) -> None:
        rows, schools = self._rows, len(self._problem.school_cap)
        row = rows.family("quarter", range(schools), np.zeros(schools))
        rows.put(np.repeat(row, 4), self._b + np.arange(4 * schools, dtype=np.int64), 1.0)
        rows.put(row[self._option_school], self._x + np.arange(len(self._option_school), dtype=np.int64), -1.0)

    def _together_rows(self) -> None:
        """Who attends several lessons of a dedicated series needs them held in the same week (see `together`)."""
        problem, rows, couples = self._problem, self._rows, self._couples
        wanted = couples.wanted
        row = rows.family("together", wanted, np.zeros(len(wanted)))
        attended = [len(one.options) for one in wanted]
        rows.put(np.repeat(row, attended), self._x + _flat(one.options for one in wanted), 1.0)
        rows.put(row, self._y + np.asarray([one.pair for one in wanted], dtype=np.int64), -1.0)
        held = [len(one.couples) for one in wanted]
        rows.put(np.repeat(row, held), self._v + _flat(one.couples for one in wanted), -1.0)
        columns = self._v + np.arange(len(couples.lessons), dtype=np.int64)
        most = {series: most_lessons(problem, series) for series in sorted(set(couples.series))}
        at = {series: number for number, series in enumerate(most)}
        row = rows.family("couples_week", list(most), [limit * (limit - 1) / 2 for limit in most.values()])
        rows.put(row[np.asarray([at[one] for one in couples.series], dtype=np.int64)], columns, 1.0)
        lessons, ends = np.unique(_flat(couples.lessons), return_inverse=True)
        limit = np.asarray([most[problem.lesson_series[lesson]] - 1.0 for lesson in lessons])
        row = rows.family("couples_lesson", lessons, np.zeros(len(lessons)))
        rows.put(row[ends], np.repeat(columns, 2), 1.0)
        rows.put(row, self._z + lessons, -limit)

    def _option_cliques(self, options: list[int], least: int) -> list[tuple[int, list[int]]]:
        return maximal_cliques(options, self._option_starts, self._option_ends, max(least, 2))

    @property
    def _option_starts(self) -> Sequence[int]:
        return _Through(self._problem.lesson_start, self._problem.option_lesson)

    @property
    def _option_ends(self) -> Sequence[int]:
        return _Through(self._problem.lesson_end, self._problem.option_lesson)

    def _classes(self, options: list[int]) -> int:
        problem = self._problem
        return len({problem.demand_class[problem.option_demand[option]] for option in options})

    def _lead_cliques(self, owner: list[int], caps: list[int]) -> list[tuple[int, int, int, list[int]]]:
        problem = self._problem
        members: list[list[int]] = [[] for _ in caps]
        for lesson, one in enumerate(owner):
            if problem.lesson_options[lesson]:
                members[one].append(lesson)
        return [
            (one, at, cap, clique)
            for one, cap in enumerate(caps)
            for at, clique in maximal_cliques(members[one], problem.lesson_start, problem.lesson_end, cap + 1)
        ]


def _flat(lists: Iterable[Sequence[int]]) -> Ints:
    return np.fromiter((one for own in lists for one in own), np.int64)


class _Through(Sequence[int]):
    """values[index[i]] without a copy."""

    def __init__(self, values: list[int], index: list[int]) -> None:
        self._values, self._index = values, index

    def __getitem__(self, at: Any) -> Any:
        return self._values[self._index[at]]

    def __len__(self) -> int:
        return len(self._index)
