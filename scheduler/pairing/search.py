"""Neighbourhood search: small sets of demands are planned again, and the plan only ever gets better.

A first pass goes over all blocks; then kinds of neighbourhoods are drawn by what they earned lately, and each kind's
size adapts to how fast its models are solved. With budgets in deterministic time everything repeats for a seed, with
several workers too: a job is drawn from the plan after an earlier job of fixed number, and answers are taken in order.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Watch
from scheduler.pairing.crew import Answer, Crew, CrewLostError, ForkedCrew, Job, OwnHands, put
from scheduler.pairing.neighbourhoods import Neighbourhoods
from scheduler.pairing.prospects import Prospects, weighted
from scheduler.pairing.subproblem import Aim, Effort, Outcome, reach, replan

# The fewer options a model has the further it gets: most rounds look only at what loses next to nothing by the prices.
LOSSES, SIZES = (2.0, 15.0, 80.0), (200, 120, 80)
SMALLEST, LARGEST = 20, 600
REACH_EFFORT = 4.0
LOSSES_EVERY = 12
FRUITLESS_ROUNDS = 100
ROUNDS_BEFORE_MORE_EFFORT = 25
EFFORT_PER_OPTION = 1e-4
LEAST_EFFORT = 0.02  # building a model takes time too; so that every step counts
LOOK_UP_S = 0.2


@dataclass(slots=True)
class _Kind:
    """A way to draw neighbourhoods of a size, which of LOSSES options may have there, and what it earned lately."""

    draw: Callable[[int], list[int]]
    promising: int
    size: int
    earned: float = 1.0


@dataclass(frozen=True, slots=True)
class _Drawn:
    job: Job
    kind: _Kind | None


class Search:
    """A search over one assignment; `floors` gives the lessons each school keeps at least."""

    def __init__(
        self, assignment: Assignment, prospects: Prospects, random: Random, watch: Watch, workers: int = 1
    ) -> None:
        self.assignment = assignment
        self._prospects = prospects
        self._random = random
        self._watch = watch
        self.neighbourhoods = Neighbourhoods(assignment.problem, random)
        self.floors: dict[int, int] = {}
        self._fruitless = 0
        self._promising = [prospects.promising(loss) for loss in LOSSES]
        self._rounds = 0
        self._teacher_weights: list[float] = []
        self._school_weights: list[float] = []
        draws: list[Callable[[int], list[int]]] = [
            lambda size: self.neighbourhoods.around_teachers(size, self._teacher_weights),
            lambda size: self.neighbourhoods.of_schools(size, self._school_weights),
            self.neighbourhoods.of_subject,
            self.neighbourhoods.mixed,
        ]
        self._kinds = [_Kind(draw, at, SIZES[at]) for draw in draws for at in range(len(LOSSES))]
        self._crew: Crew = OwnHands(assignment, self._promising)
        if workers > 1:
            self._crew = ForkedCrew(assignment, self._promising, workers)

    def close(self) -> None:
        """Ends the workers."""
        self._crew.close()

    def block_pass(self, size: int, go_on: Callable[[], bool]) -> None:
        """Plans every block of a subject and grade again, once."""
        blocks = list(self.neighbourhoods.blocks(size))
        drawn = (_Drawn(Job(block, self._watch.small_model(), self.floors, 0), None) for block in blocks)
        for _ in self._answered(drawn, go_on):
            pass

    def improve(self, go_on: Callable[[], bool], gained: Callable[[], None]) -> None:
        """Plans drawn neighbourhoods again until told to stop, or until nothing was found for long."""
        going = lambda: go_on() and self._fruitless < FRUITLESS_ROUNDS  # noqa: E731 - two conditions, one name
        for points in self._answered(iter(self._drawn, None), going):
            if points:
                gained()

    def changed(self, demands: Iterable[int]) -> None:
        """Tells the workers that somebody else changed the plan of these demands."""
        self._crew.note(demands)

    def replan(self, demands: list[int], aim: Aim) -> Outcome:
        """Plans these demands again here and now with the effort of one small model, and books what it took."""
        outcome = replan(self.assignment, demands, self._watch.small_model(), aim)
        self._crew.note(demands)
        self._watch.spent += outcome.deterministic + LEAST_EFFORT
        return outcome

    def reach(self, demands: list[int], least: Mapping[int, int]) -> bool:
        """Plans these demands again so that their schools have at least so many lessons, whatever the points.

        Whether that was found; if not, nothing has changed. It may take as much effort as several small models.
        """
        assignment, pinned = self.assignment, self.assignment.problem.pinned
        before = [one for demand in demands for one in assignment.taken_of(demand) if one not in pinned]
        promising = self.promising_for(least, 1)
        for option in before:
            assignment.remove(option)
        effort = self._watch.small_model()
        effort = Effort(REACH_EFFORT * effort.deterministic, effort.seconds)
        found, _, spent = reach(assignment, demands, effort, least, before, near=True, promising=promising)
        self._watch.spent += spent + LEAST_EFFORT
        kept = frozenset(assignment.options())
        for option in before if found is None else sorted(frozenset(found) - kept):
            assignment.add(option)
        self._crew.note(demands)
        return found is not None

    def lift(self, demands: list[int], wanted: Mapping[int, int], points: int) -> bool:
        """Plans these demands again with so many points for each lesson up to those wanted for its school.

        Whether more of the lessons wanted are there afterwards; the worst share does not fall meanwhile.
        """
        assignment = self.assignment
        before = _met(assignment, wanted)
        effort = self._watch.small_model()
        effort = Effort(REACH_EFFORT * effort.deterministic, effort.seconds)
        extra = {school: (points, lessons) for school, lessons in wanted.items()}
        aim = Aim(floor=self.floors, extra=extra, promising=self.promising_for(wanted))
        outcome = replan(assignment, demands, effort, aim)
        self._crew.note(demands)
        self._watch.spent += outcome.deterministic + LEAST_EFFORT
        return _met(assignment, wanted) > before

    def promising_for(self, least: Mapping[int, int], loss: int = 0) -> bytearray:
        """Options that lose little by the prices (which of LOSSES), and all of schools with fewer lessons than that."""
        problem = self.assignment.problem
        promising = bytearray(self._promising[loss])
        for school in (one for one, lessons in least.items() if self.assignment.school_lessons[one] < lessons):
            for demand in problem.school_demands[school]:
                own = problem.options_of_demand(demand)
                promising[own.start : own.stop] = bytes([1]) * len(own)
        return promising

    def _drawn(self) -> _Drawn:
        if self._rounds % LOSSES_EVERY == 0:
            self._teacher_weights = weighted(self._prospects.teacher_losses(self.assignment))
            self._school_weights = weighted(self._prospects.school_losses(self.assignment))
        self._rounds += 1
        kind = self._random.choices(self._kinds, [one.earned + 0.1 for one in self._kinds])[0]
        return _Drawn(Job(kind.draw(kind.size), self._watch.small_model(), self.floors, kind.promising), kind)

    def _answered(self, drawn: Iterable[_Drawn] | Iterator[_Drawn], go_on: Callable[[], bool]) -> Iterator[int]:
        """Has jobs done, takes over what they found and gives the points each brought."""
        source = iter(drawn)
        under_way: deque[_Drawn] = deque()
        while True:
            while len(under_way) < self._crew.depth and go_on() and (one := next(source, None)) is not None:
                self._crew.submit(one.job)
                under_way.append(one)
            if not under_way:
                return
            answer = self._wait()
            if answer is None:
                return
            one = under_way.popleft()
            yield self._take_over(one, answer)

    def _wait(self) -> Answer | None:
        """The next answer; None if the time is up, or if the crew is lost: then this process goes on alone."""
        try:
            while (answer := self._crew.answer(LOOK_UP_S)) is None:
                if self._watch.left == 0.0:
                    return None
        except CrewLostError:
            self._crew.close()
            self._crew = OwnHands(self.assignment, self._promising)
            return None
        return answer

    def _take_over(self, drawn: _Drawn, answer: Answer) -> int:
        outcome = answer.outcome
        self._watch.spent += outcome.deterministic + LEAST_EFFORT
        gained = self._apply(answer, drawn.job) if answer.changes else 0
        if drawn.kind is not None:
            self._adapt(drawn.kind, outcome, gained, drawn.job.effort)
            self._fruitless = 0 if gained else self._fruitless + 1
            self._watch.patience = 2.0 ** (self._fruitless // ROUNDS_BEFORE_MORE_EFFORT)
        return gained

    def _apply(self, answer: Answer, job: Job) -> int:
        """Takes the changes over if they still fit and gain beside what others found meanwhile; the points gained."""
        assignment = self.assignment
        before, score = {demand: assignment.taken_of(demand) for demand in answer.changes}, assignment.score
        for option in (one for options in before.values() for one in options if one not in assignment.problem.pinned):
            assignment.remove(option)
        for options in (*answer.changes.values(), *before.values()):
            for option in options:
                if assignment.fits(option):
                    assignment.add(option)
        kept = all(assignment.school_lessons[school] >= least for school, least in job.floors.items())
        if assignment.score > score and kept:
            self._crew.note(before)
            return assignment.score - score
        put(assignment, before)
        return 0

    def _adapt(self, kind: _Kind, outcome: Outcome, gained: int, effort: Effort) -> None:
        rate = gained / (outcome.deterministic + outcome.options * EFFORT_PER_OPTION + LEAST_EFFORT) / 100.0
        kind.earned = 0.7 * kind.earned + 0.3 * rate
        if outcome.optimal and outcome.deterministic < effort.deterministic / 3:
            kind.size = min(LARGEST, round(kind.size * 1.2) + 1)
        elif not outcome.optimal:
            kind.size = max(SMALLEST, round(kind.size * 0.8))


def _met(assignment: Assignment, wanted: Mapping[int, int]) -> int:
    return sum(min(assignment.school_lessons[school], lessons) for school, lessons in wanted.items())
