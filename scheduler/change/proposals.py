"""Up to three proposals after an event, each a diff against the plan: substitutes, fewest changes, best.

Nothing is applied here: the assignment is as it was when a proposal is handed out. `accept` applies one to the plan it
was made for and to no other, hence once; `Proposal.inverse` withdraws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Literal

from scheduler.change.events import Event, StudioDown, TeacherAbsent, forbidden_options
from scheduler.change.insertion import Insertion, Journal
from scheduler.change.substitutes import Engaged, Substitution, substitute_studios, substitute_teachers
from scheduler.check.week_plan import Pairing
from scheduler.errors import SchedulerError
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.plan import pairing_of, pairings_of
from scheduler.pairing.subproblem import Aim, Effort, replan

Kind = Literal["substitute", "fewest_changes", "best"]
STEADY_POINTS = 150
"""What moving a demand that nobody hurt must bring: about a lesson."""
BEST_DEMANDS = 220
MOST_MOVED = 1


class StalePlanError(SchedulerError):
    """The plan is not the one the proposal was made for; ask for proposals again."""


@dataclass(frozen=True, slots=True)
class WeekPlan:
    """A weekly plan: pairings, and lessons led by someone else or from elsewhere than their series says."""

    pairings: tuple[Pairing, ...]
    substitutions: tuple[Substitution, ...] = ()

    @property
    def version(self) -> str:
        """Names this plan: equal plans have equal versions."""
        pairings = sorted((one.demand, one.series, one.times) for one in self.pairings)
        return sha256(repr((pairings, sorted(self.substitutions))).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DemandChange:
    """What one demand attends before and after; None: nothing."""

    demand: str
    before: Pairing | None
    after: Pairing | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A diff between two plans, with what it costs: `lost` lessons, how many come back, who else is touched."""

    kind: Kind
    base_version: str
    changes: tuple[DemandChange, ...]
    substitutions_before: tuple[Substitution, ...]
    substitutions_after: tuple[Substitution, ...]
    lost: int
    recovered: int
    others_changed: int
    score: int
    told: tuple[str, ...]

    def inverse(self, plan: WeekPlan) -> "Proposal":
        """The proposal that withdraws this one from the plan it gave."""
        changes = tuple(DemandChange(one.demand, one.after, one.before) for one in self.changes)
        return replace(
            self,
            base_version=plan.version,
            changes=changes,
            substitutions_before=self.substitutions_after,
            substitutions_after=self.substitutions_before,
        )


def accept(plan: WeekPlan, proposal: Proposal) -> WeekPlan:
    """The plan after the proposal. Raises StalePlanError if it was made for another plan, or applied before."""
    if plan.version != proposal.base_version:
        raise StalePlanError("the plan has changed since the proposal was made")
    changed = {one.demand: one.after for one in proposal.changes}
    kept = [one for one in plan.pairings if one.demand not in changed]
    kept += [after for after in changed.values() if after is not None]
    return WeekPlan(tuple(sorted(kept, key=lambda one: one.demand)), proposal.substitutions_after)


def week_plan(assignment: Assignment, substitutions: Sequence[Substitution] = ()) -> WeekPlan:
    """The weekly plan of an assignment."""
    pairings = sorted(pairings_of(assignment), key=lambda one: one.demand)
    return WeekPlan(tuple(pairings), tuple(sorted(substitutions)))


class Desk:
    """Makes proposals for one plan. The assignment is borrowed and always given back as it was."""

    def __init__(self, assignment: Assignment, substitutions: Sequence[Substitution] = ()) -> None:
        self._assignment = assignment
        self._problem = assignment.problem
        self._substitutions = tuple(sorted(substitutions))
        self._plan = week_plan(assignment, substitutions)
        self._version = self._plan.version
        self._series_at = {series.id: at for at, series in enumerate(self._problem.snapshot.series)}

    @property
    def plan(self) -> WeekPlan:
        """The plan that proposals are made for."""
        return self._plan

    def propose(self, event: Event, effort: Effort) -> list[Proposal]:
        """Substitutes if there are any, fewest changes, and best if it scores more than both."""
        proposals = [one for one in (self.substitutes(event), self.fewest_changes(event)) if one is not None]
        best = self.best(event, effort)
        if best.score > max(one.score for one in proposals):
            proposals.append(best)
        return proposals

    def substitutes(self, event: Event) -> Proposal | None:
        """Same time and classes, another teacher or room; lessons that find none go where fewest changes puts them.

        None if the event is of another kind or no lesson finds a substitute.
        """
        if not isinstance(event, TeacherAbsent | StudioDown):
            return None
        forbidden = self._forbidden(event)
        lost = self._lost(forbidden)
        lessons = sorted({self._problem.option_lesson[option] for option in lost})
        find = substitute_teachers if isinstance(event, TeacherAbsent) else substitute_studios
        found = find(self._assignment, lessons, self._engaged())
        if not found:
            return None
        own = tuple(self._substitution(lesson, one, event) for lesson, one in sorted(found.items()))
        touched = {(one.series, one.time) for one in own}
        kept = tuple(one for one in self._substitutions if (one.series, one.time) not in touched)
        rest = [option for option in lost if self._problem.option_lesson[option] not in found]
        return self._refilled("substitute", forbidden, rest, (len(lost), tuple(sorted((*kept, *own)))))

    def fewest_changes(self, event: Event) -> Proposal:
        """Lost lessons go to free places, or to places one other lesson can leave."""
        forbidden = self._forbidden(event)
        lost = self._lost(forbidden)
        return self._refilled("fewest_changes", forbidden, lost, (len(lost), self._substitutions))

    def best(self, event: Event, effort: Effort) -> Proposal:
        """The demands that lost lessons and their rivals planned again; moving one of these must bring a lesson."""
        problem, assignment = self._problem, self._assignment
        forbidden = self._forbidden(event)
        lost = self._lost(forbidden)
        journal = Journal(assignment)
        for option in lost:
            journal.remove(option)
        hit = {problem.option_demand[option] for option in lost}
        Insertion(assignment, journal, forbidden).refill(hit, MOST_MOVED)
        # It begins where fewest changes ends; whoever was moved there may as well move on.
        moved = journal.demands()
        demands = sorted({*self._rivals(hit), *moved})
        before = [option for demand in demands for option in assignment.taken_of(demand)]
        allowed = bytearray(b"\x01" * problem.options)
        for option in forbidden:
            allowed[option] = 0
        replan(assignment, demands, effort, Aim(promising=allowed, steady=STEADY_POINTS, hurt=frozenset(moved)))
        proposal = self._proposal("best", lost, journal.demands() | set(demands), (len(lost), self._substitutions))
        for demand in demands:
            assignment.remove_demand(demand)
        for option in before:
            assignment.add(option)
        journal.undo()
        return proposal

    def _forbidden(self, event: Event) -> frozenset[int]:
        """The event's options; a lesson with a stand-in is hit when the stand-in is away, not the usual teacher."""
        forbidden = forbidden_options(self._problem, event)
        for one in self._substitutions:
            lesson = self._problem.series_first[self._series_at[one.series]] + one.time
            options = frozenset(self._problem.lesson_options[lesson])
            if not isinstance(event, TeacherAbsent | StudioDown) or self._problem.lesson_day[lesson] not in event.days:
                continue
            usual = self._problem.snapshot.series_of[one.series]
            if isinstance(event, TeacherAbsent):
                is_hit, was_hit = one.teacher == event.teacher, usual.teacher == event.teacher
            else:
                is_hit, was_hit = one.studio == event.studio, usual.studio == event.studio
            if is_hit:
                forbidden |= options
            elif was_hit:
                forbidden -= options
        return forbidden

    def _lost(self, forbidden: frozenset[int]) -> list[int]:
        taken, pinned = self._assignment.taken, self._problem.pinned
        return [option for option in sorted(forbidden) if taken[option] and option not in pinned]

    def _engaged(self) -> Engaged:
        teachers: dict[int, tuple[int, ...]] = {}
        studios: dict[int, tuple[int, ...]] = {}
        snapshot = self._problem.snapshot
        teacher_at = {teacher.id: at for at, teacher in enumerate(snapshot.teachers)}
        studio_at = {studio.id: at for at, studio in enumerate(snapshot.studios)}
        for one in self._substitutions:
            lesson = self._problem.series_first[self._series_at[one.series]] + one.time
            usual = snapshot.series_of[one.series]
            if one.teacher != usual.teacher:
                teachers[teacher_at[one.teacher]] = (*teachers.get(teacher_at[one.teacher], ()), lesson)
            if one.studio != usual.studio:
                studios[studio_at[one.studio]] = (*studios.get(studio_at[one.studio], ()), lesson)
        return Engaged(teachers, studios)

    def _refilled(
        self,
        kind: Kind,
        forbidden: frozenset[int],
        rest: list[int],
        lost_and_substitutions: tuple[int, tuple[Substitution, ...]],
    ) -> Proposal:
        journal = Journal(self._assignment)
        for option in rest:
            journal.remove(option)
        refilled = {self._problem.option_demand[option] for option in rest}
        Insertion(self._assignment, journal, forbidden).refill(refilled, MOST_MOVED)
        proposal = self._proposal(kind, rest, journal.demands(), lost_and_substitutions)
        journal.undo()
        return proposal

    def _rivals(self, demands: set[int]) -> list[int]:
        """The demands, and others of the series they could go to, up to a number that plans in a second."""
        problem = self._problem
        found = set(demands)
        for demand in sorted(demands):
            for pair in problem.pairs_of_demand(demand):
                for other in problem.series_pairs[problem.pair_series[pair]]:
                    if len(found) >= BEST_DEMANDS:
                        return sorted(found)
                    if self._assignment.pair_of[problem.pair_demand[other]] == other:
                        found.add(problem.pair_demand[other])
        return sorted(found)

    def _proposal(
        self,
        kind: Kind,
        rest: list[int],
        touched: set[int],
        lost_and_substitutions: tuple[int, tuple[Substitution, ...]],
    ) -> Proposal:
        lost, substitutions = lost_and_substitutions
        demands = self._problem.snapshot.demands
        after = {demand: pairing_of(self._assignment, demand) for demand in touched}
        rows = [
            DemandChange(demands[demand].id, self._before.get(demands[demand].id), after[demand]) for demand in after
        ]
        changes = tuple(sorted((one for one in rows if one.before != one.after), key=lambda one: one.demand))
        hit = {demands[self._problem.option_demand[option]].id for option in rest}
        gone = sum(len(one.before.times) for one in changes if one.before and one.demand in hit)
        back = sum(len(one.after.times) for one in changes if one.after and one.demand in hit)
        return Proposal(
            kind,
            self._version,
            changes,
            self._substitutions,
            substitutions,
            lost,
            lost - max(0, gone - back),
            sum(1 for one in changes if one.demand not in hit),
            self._assignment.score,
            self._told(changes, substitutions),
        )

    @cached_property
    def _before(self) -> dict[str, Pairing]:
        return {one.demand: one for one in self._plan.pairings}

    def _told(self, changes: Sequence[DemandChange], substitutions: Sequence[Substitution]) -> tuple[str, ...]:
        """Who is told: receiving schools and lead teachers of what changes, and substitutes."""
        snapshot = self._problem.snapshot
        told: set[str] = set()
        for change in changes:
            told.add("school:" + snapshot.class_of[snapshot.demand_of[change.demand].class_id].school)
            told |= {
                "teacher:" + snapshot.series_of[one.series].teacher for one in (change.before, change.after) if one
            }
        for sub in set(substitutions) ^ set(self._substitutions):
            told |= {"teacher:" + sub.teacher, "teacher:" + snapshot.series_of[sub.series].teacher}
        return tuple(sorted(told))

    def _substitution(self, lesson: int, found: int, event: Event) -> Substitution:
        """The lesson as it will be led: the other of teacher and room stays as it is now, substituted or not."""
        problem = self._problem
        at = problem.lesson_series[lesson]
        series = problem.snapshot.series[at]
        index = lesson - problem.series_first[at]
        now = next((one for one in self._substitutions if (one.series, one.time) == (series.id, index)), None)
        teacher, studio = (now.teacher, now.studio) if now else (series.teacher, series.studio)
        if isinstance(event, TeacherAbsent):
            return Substitution(series.id, index, problem.snapshot.teachers[found].id, studio)
        return Substitution(series.id, index, teacher, problem.snapshot.studios[found].id)
