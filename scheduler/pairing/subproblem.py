"""Re-plans a few hundred demands at once, everything else held still, by a small CP-SAT model.

The incumbent never gets worse: the solver's answer is taken only if it scores more, else the old options go back in.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.cliques import maximal_cliques
from scheduler.pairing.together import most_lessons


@dataclass(frozen=True, slots=True)
class Effort:
    """How long one small model may take: CP-SAT's deterministic time, and wall seconds where there is a deadline.

    Only with one worker does an answer repeat.
    """

    deterministic: float
    seconds: float | None = None
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Aim:
    """Besides the score: lessons a school may not fall below, and extra points for each lesson up to a number.

    With `promising` (one byte for each option) only options that are not 0 there, or are taken now, are looked at.
    `steady` is extra points for each freed demand, those in `hurt` aside, that keeps exactly what it has.
    """

    floor: Mapping[int, int] = field(default_factory=dict)
    extra: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    promising: bytes | bytearray | None = None
    steady: int = 0
    hurt: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a re-planning gained in score, whether the small model was solved to its optimum, and how large it was."""

    gained: int
    optimal: bool
    deterministic: float = 0.0
    options: int = 0


def replan(assignment: Assignment, demands: Collection[int], effort: Effort, aim: Aim | None = None) -> Outcome:
    """Frees the demands and plans them again as well as the effort allows. Pinned options stay."""
    problem = assignment.problem
    before, old = assignment.score, []
    freed = sorted(set(demands))
    for demand in freed:
        old += [option for option in assignment.taken_of(demand) if option not in problem.pinned]
    for option in old:
        assignment.remove(option)
    model = _Model(assignment, freed, aim or Aim(), frozenset(old))
    if not model.options:
        _put_back(assignment, old)
        return Outcome(0, True)
    chosen, optimal, spent = model.solve(old, effort)
    worth_before = model.worth(old)
    if chosen is None or model.worth(chosen) <= worth_before:
        chosen = old
    _put_back(assignment, chosen)
    return Outcome(assignment.score - before, optimal, spent, len(model.options))


def reach(
    assignment: Assignment,
    demands: Collection[int],
    effort: Effort,
    floor: Mapping[int, int],
    hint: Collection[int],
    *,
    near: bool = False,
    promising: bytes | bytearray | None = None,
) -> tuple[list[int] | None, bool, float]:
    """Options of all these demands that give every school its floor, with what is taken already; points do not count.

    With `near` they keep as many of the hinted options as the effort finds. None if there are none, or none was found;
    then whether the answer is proven, and the deterministic time it took. With `promising` only options that are not 0
    there, or are hinted, are looked at: then that there are none is not proven.
    """
    model = _Model(assignment, sorted(set(demands)), Aim(floor, promising=promising), frozenset(hint))
    if any(least > assignment.school_lessons[school] for school, least in floor.items() if school not in model.schools):
        return None, promising is None, 0.0
    known = frozenset(model.options)
    hinted = [option for option in hint if option in known]
    model.forget_points(hinted if near else ())
    chosen, proven, spent = model.solve(hinted, effort)
    if chosen is None:
        return None, proven and promising is None, spent
    return assignment.options() + chosen, True, spent


def _put_back(assignment: Assignment, options: Sequence[int]) -> None:
    for option in options:
        assignment.add(option)


class _Model:
    def __init__(self, assignment: Assignment, freed: list[int], aim: Aim, old: frozenset[int]) -> None:
        self._assignment, self._problem, self._aim = assignment, assignment.problem, aim
        problem = self._problem
        self._model = cp_model.CpModel()
        self._objective: list[cp_model.LinearExprT] = []
        promising = aim.promising
        self.options = [
            option
            for demand in freed
            for option in problem.options_of_demand(demand)
            if (promising is None or promising[option] or option in old) and assignment.fits(option)
        ]
        self._var = {option: self._model.new_bool_var("") for option in self.options}
        self._lesson: dict[int, cp_model.IntVar] = {}
        self._by_lesson = _grouped(self.options, problem.option_lesson)
        self._objective += [problem.option_gain[option] * var for option, var in self._var.items()]
        self._old = old
        self._pair: dict[int, cp_model.IntVar] = {}
        self._counters: dict[int, list[tuple[cp_model.IntVar, int]]] = defaultdict(list)
        self._raised: dict[int, tuple[cp_model.IntVar, int]] = {}
        self._steady: dict[int, tuple[frozenset[int], cp_model.IntVar]] = {}
        self._add_demands(freed)
        if aim.steady:
            self._add_steady(freed)
        self._add_classes()
        self._add_lessons()
        self._add_leads()
        self._by_school = _grouped(
            self.options, [problem.class_school[one] for one in problem.demand_class], problem.option_demand
        )
        self._add_schools()
        self._add_nodes()
        self._model.maximize(cp_model.LinearExpr.sum(self._objective))

    @property
    def schools(self) -> Collection[int]:
        """The schools that have an option."""
        return self._by_school.keys()

    def forget_points(self, kept: Sequence[int] = ()) -> None:
        """Leaves only the rules: any answer will do, or one that has most of the options to be kept."""
        self._model.clear_objective()  # type: ignore[no-untyped-call]
        if kept:
            self._model.maximize(cp_model.LinearExpr.sum([self._var[option] for option in kept]))

    def worth(self, options: Sequence[int]) -> tuple[int, int]:
        """What these options are worth: extra points of the aim first, then score with what stays; nothing changes."""
        assignment = self._assignment
        _put_back(assignment, options)
        extra = sum(
            points * min(assignment.school_lessons[school], upto) for school, (points, upto) in self._aim.extra.items()
        )
        chosen = frozenset(options)
        own = _grouped(chosen, self._problem.option_demand)
        kept = sum(1 for demand, (old, _) in self._steady.items() if old == frozenset(own.get(demand, ())))
        score = assignment.score + self._aim.steady * kept
        for option in options:
            assignment.remove(option)
        return extra, score

    def solve(self, hint: Sequence[int], effort: Effort) -> tuple[list[int] | None, bool, float]:
        self._hint(hint)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = effort.workers
        solver.parameters.max_deterministic_time = effort.deterministic
        # The linear relaxation is tight here (a few percent), so full cuts decide where pure search flounders.
        solver.parameters.linearization_level = 2
        # Most small models are decided at the root: a quarter of the time went into looking for more to simplify.
        solver.parameters.cp_model_probing_level = 0
        solver.parameters.max_presolve_iterations = 1
        solver.parameters.symmetry_level = 0  # there is none to find: every class has its own hours
        solver.parameters.random_seed = 1
        # Else the solver takes the process's SIGINT handler away and Ctrl-C no longer stops a service cleanly.
        solver.parameters.catch_sigint_signal = False
        if effort.seconds is not None:
            solver.parameters.max_time_in_seconds = effort.seconds
        status = solver.solve(self._model)
        if status == cp_model.MODEL_INVALID:
            raise AssertionError(self._model.validate())
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, status == cp_model.INFEASIBLE, solver.deterministic_time
        chosen = [option for option, var in self._var.items() if solver.boolean_value(var)]
        return chosen, status == cp_model.OPTIMAL, solver.deterministic_time

    def _hint(self, options: Sequence[int]) -> None:
        """The old options as a hint; a variable may stand for an option and its lesson at once, and be hinted once."""
        problem = self._problem
        pairs = {problem.option_pair[option] for option in options}
        lessons = {problem.option_lesson[option] for option in options}
        hints = {var.index: (var, lesson in lessons) for lesson, var in self._lesson.items()}
        hints |= {var.index: (var, pair in pairs) for pair, var in self._pair.items()}
        hinted = set(options)
        hints |= {var.index: (var, option in hinted) for option, var in self._var.items()}
        hints |= {unmoved.index: (unmoved, True) for _, unmoved in self._steady.values()}
        for var, value in hints.values():
            self._model.add_hint(var, value)
        # Only a complete hint is taken as a first solution; else the solver may not even find the old plan again.
        lessons_of: dict[int, int] = defaultdict(int)
        for option in options:
            lessons_of[problem.demand_school[problem.option_demand[option]]] += 1
        for school, parts in self._counters.items():
            left = lessons_of[school]
            for part, size in parts:
                self._model.add_hint(part, min(left, size))
                left -= min(left, size)
        for school, (counted, most) in self._raised.items():
            self._model.add_hint(counted, min(lessons_of[school], most))

    def _add_demands(self, freed: list[int]) -> None:
        problem, model = self._problem, self._model
        by_demand = _grouped(self.options, problem.option_demand)
        for demand in freed:
            options = by_demand.get(demand, [])
            if not options:
                continue
            by_pair = _grouped(options, problem.option_pair)
            left = problem.demand_need[demand] - self._assignment.demand_lessons[demand]
            pairs = []
            for pair, own in by_pair.items():
                chosen = self._var[own[0]] if len(own) == 1 else model.new_bool_var("")
                if len(own) > 1:
                    self._pair[pair] = chosen
                    model.add_bool_or([self._var[option] for option in own] + [chosen.negated()])
                    self._add_turns(pair, own, chosen, min(left, most_lessons(problem, problem.pair_series[pair])))
                pairs.append(chosen)
            if len(pairs) > 1:
                model.add_at_most_one(pairs)
            if self._assignment.demand_lessons[demand] == 0:
                self._objective += [problem.snapshot.weights.first_lesson * pair for pair in pairs]

    def _add_turns(self, pair: int, options: list[int], chosen: cp_model.IntVar, most: int) -> None:
        """The pair's lessons: only if it is chosen, at most so many, one a day of a dedicated series."""
        problem, model = self._problem, self._model
        dedicated = problem.series_dedicated[problem.pair_series[pair]]
        turns = [[option] for option in options]
        if dedicated:
            turns = list(_grouped(options, problem.lesson_day, problem.option_lesson).values())
        for turn in turns:
            if len(turn) == 1:
                model.add_implication(self._var[turn[0]], chosen)
            else:
                model.add_at_most_one([self._var[option] for option in turn] + [chosen.negated()])
        if len(turns) > most:
            model.add(cp_model.LinearExpr.sum([self._var[option] for option in options]) <= most * chosen)

    def _add_steady(self, freed: list[int]) -> None:
        """A literal for each demand nobody hurt, true only if its options are the old ones, no more and no fewer."""
        model, by_demand = self._model, _grouped(self.options, self._problem.option_demand)
        for demand in freed:
            if demand in self._aim.hurt:
                continue
            options = by_demand.get(demand, [])
            unmoved = model.new_bool_var("")
            for option in options:
                model.add_implication(
                    unmoved, self._var[option] if option in self._old else self._var[option].negated()
                )
            self._steady[demand] = frozenset(self._old.intersection(options)), unmoved
            self._objective.append(self._aim.steady * unmoved)

    def _add_classes(self) -> None:
        problem = self._problem
        for options in _grouped(self.options, problem.demand_class, problem.option_demand).values():
            lessons = _grouped(options, problem.option_lesson)
            for _, clique in maximal_cliques(lessons, problem.lesson_start, problem.lesson_end, 1):
                members = [self._var[option] for lesson in clique for option in lessons[lesson]]
                if len(members) > 1:
                    self._model.add_at_most_one(members)

    def _add_lessons(self) -> None:
        problem, model = self._problem, self._model
        for lesson, options in self._by_lesson.items():
            rooms = self._assignment.lesson_rooms[lesson]
            seats = problem.series_seats[problem.lesson_series[lesson]] - rooms
            members = [self._var[option] for option in options]
            if rooms:
                if len(members) > seats:
                    model.add(cp_model.LinearExpr.sum(members) <= seats)
                continue
            if len(members) == 1:
                held = members[0]
            else:
                held = self._lesson[lesson] = model.new_bool_var("")
                for member in members:
                    model.add_implication(member, held)
                if len(members) > seats:
                    model.add(cp_model.LinearExpr.sum(members) <= seats * held)
            self._objective.append(problem.snapshot.weights.broadcast * held)
            self._lesson.setdefault(lesson, held)

    def _add_leads(self) -> None:
        problem, assignment, model = self._problem, self._assignment, self._model
        for teacher, lessons in self._lead_groups(problem.series_teacher).items():
            left = problem.teacher_limit[teacher] - assignment.teacher_lessons[teacher]
            if len(lessons) > left:
                model.add(self._held(lessons) <= left)
            self._one_at_a_time(lessons)
        for lessons in self._lead_groups(problem.series_studio).values():
            self._one_at_a_time(lessons)
        for series, lessons in _grouped(self._lesson, problem.lesson_series).items():
            if not problem.series_dedicated[series]:
                continue
            left = problem.series_limit[series] - assignment.series_lessons[series]
            if len(lessons) > left:
                model.add(self._held(lessons) <= left)
            for same_day in _grouped(lessons, problem.lesson_day).values():
                if len(same_day) > 1:
                    model.add_at_most_one([self._lesson[lesson] for lesson in same_day])
        for school, lessons in self._lead_groups(problem.series_school).items():
            spans = [(lesson, problem.lesson_start[lesson], problem.lesson_end[lesson]) for lesson in lessons]
            cap, load = problem.school_uplink[school], assignment.uplink_load[school]
            for members, left in _crowded(spans, load, cap):
                model.add(self._held(members) <= left)

    def _add_schools(self) -> None:
        problem, assignment, model = self._problem, self._assignment, self._model
        for school, options in self._by_school.items():
            members = [self._var[option] for option in options]
            spans = self._spans(options)
            for crowd, left in _crowded(spans, assignment.school_load[school], problem.school_cap[school]):
                model.add(cp_model.LinearExpr.sum([self._var[option] for option in crowd]) <= left)
            self._add_quarters(school, members)
            base = assignment.school_lessons[school]
            floor = self._aim.floor.get(school, 0) - base
            if floor > 0:
                model.add(cp_model.LinearExpr.sum(members) >= floor)
            if school in self._aim.extra:
                points, upto = self._aim.extra[school]
                counted = model.new_int_var(0, max(upto - base, 0), "")
                self._raised[school] = counted, max(upto - base, 0)
                model.add(counted <= cp_model.LinearExpr.sum(members))
                self._objective.append(points * counted)

    def _add_quarters(self, school: int, members: list[cp_model.IntVar]) -> None:
        problem, model = self._problem, self._model
        base = self._assignment.school_lessons[school]
        parts: list[cp_model.IntVar] = []
        end = 0
        for bonus, size in zip(problem.snapshot.weights.quarters, problem.quarter_sizes(school), strict=True):
            end += size
            left = min(size, end - base, len(members))
            if left > 0 and bonus:
                part = model.new_int_var(0, left, "")
                parts.append(part)
                self._counters[school].append((part, left))
                self._objective.append(bonus * part)
        if parts:
            model.add(cp_model.LinearExpr.sum(parts) <= cp_model.LinearExpr.sum(members))

    def _add_nodes(self) -> None:
        problem = self._problem
        nodes = _grouped(self._by_school, problem.school_node)
        for node, schools in nodes.items():
            spans = self._spans([option for school in schools for option in self._by_school[school]])
            for crowd, left in _crowded(spans, self._assignment.node_load[node], problem.node_cap[node]):
                self._model.add(cp_model.LinearExpr.sum([self._var[option] for option in crowd]) <= left)

    def _spans(self, options: Sequence[int]) -> list[tuple[int, int, int]]:
        problem = self._problem
        return [
            (
                option,
                problem.lesson_start[problem.option_lesson[option]],
                problem.lesson_end[problem.option_lesson[option]],
            )
            for option in options
        ]

    def _lead_groups(self, owner: Sequence[int]) -> dict[int, list[int]]:
        return _grouped(self._lesson, owner, self._problem.lesson_series)

    def _one_at_a_time(self, lessons: list[int]) -> None:
        problem = self._problem
        for _, clique in maximal_cliques(lessons, problem.lesson_start, problem.lesson_end):
            self._model.add_at_most_one([self._lesson[lesson] for lesson in clique])

    def _held(self, lessons: Sequence[int]) -> cp_model.LinearExpr:
        return cp_model.LinearExpr.sum([self._lesson[lesson] for lesson in lessons])


def _crowded(spans: Sequence[tuple[int, int, int]], load: Sequence[int], cap: int) -> list[tuple[tuple[int, ...], int]]:
    """Sets of members present at once that could exceed what is left of the cap there, each with that rest."""
    if len(spans) <= cap - max(load):
        return []
    edges = sorted({edge for _, start, end in spans for edge in (start, end)})
    found: dict[tuple[int, ...], int] = {}
    ordered = sorted(spans, key=lambda span: span[1])
    active: list[tuple[int, int, int]] = []
    at = 0
    for start, end in itertools.pairwise(edges):
        active = [span for span in active if span[2] > start]
        while at < len(ordered) and ordered[at][1] == start:
            active.append(ordered[at])
            at += 1
        left = cap - max(load[start:end])
        if len(active) > left:
            members = tuple(sorted(span[0] for span in active))
            found[members] = min(left, found.get(members, left))
    return list(found.items())


def _grouped(
    members: Collection[int], first: Sequence[int], through: Sequence[int] | None = None
) -> dict[int, list[int]]:
    """Members by first[member], or by first[through[member]]."""
    groups: dict[int, list[int]] = defaultdict(list)
    for member in members:
        groups[first[member if through is None else through[member]]].append(member)
    return groups
