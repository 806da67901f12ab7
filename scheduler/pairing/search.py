"""Neighbourhood search: small sets of demands are planned again, and the plan only ever gets better.

A first pass goes over all blocks; then kinds of neighbourhoods are drawn by what they earned lately, and each kind's
size adapts to how fast its models are solved. With budgets in deterministic time everything repeats for a seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Watch
from scheduler.pairing.neighbourhoods import Neighbourhoods
from scheduler.pairing.prospects import Prospects, weighted
from scheduler.pairing.subproblem import Aim, Effort, Outcome, replan

# The fewer options a model has the further it gets: most rounds look only at what loses next to nothing by the prices.
LOSSES, LOSS_WEIGHTS = (2.0, 15.0, 80.0), (6, 3, 1)
SMALLEST, LARGEST = 20, 600
LOSSES_EVERY = 12
FRUITLESS_ROUNDS = 100
ROUNDS_BEFORE_MORE_EFFORT = 25
LEAST_EFFORT = 0.02  # building a model takes time too; so that every step counts


@dataclass(slots=True)
class _Kind:
    draw: Callable[[int], list[int]]
    size: int
    earned: float = 1.0


class Search:
    """A search over one assignment; `floors` gives the lessons each school keeps at least."""

    def __init__(self, assignment: Assignment, prospects: Prospects, random: Random, watch: Watch) -> None:
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
        self._kinds = {
            "teachers": _Kind(lambda size: self.neighbourhoods.around_teachers(size, self._teacher_weights), 120),
            "schools": _Kind(lambda size: self.neighbourhoods.of_schools(size, self._school_weights), 120),
            "subject": _Kind(self.neighbourhoods.of_subject, 150),
            "mixed": _Kind(self.neighbourhoods.mixed, 100),
        }

    @property
    def exhausted(self) -> bool:
        """Whether many rounds in a row, each given ever more effort, found nothing."""
        return self._fruitless >= FRUITLESS_ROUNDS

    def block_pass(self, size: int, go_on: Callable[[], bool]) -> None:
        """Plans every block of a subject and grade again, once."""
        for block in list(self.neighbourhoods.blocks(size)):
            if not go_on():
                return
            self.replan(block, Aim(self.floors, promising=self._promising[0]))

    def round(self) -> Outcome:
        """Plans one drawn neighbourhood again."""
        if self._rounds % LOSSES_EVERY == 0:
            self._teacher_weights = weighted(self._prospects.teacher_losses(self.assignment))
            self._school_weights = weighted(self._prospects.school_losses(self.assignment))
        self._rounds += 1
        names = list(self._kinds)
        name = self._random.choices(names, [self._kinds[one].earned + 0.1 for one in names])[0]
        kind = self._kinds[name]
        promising = self._random.choices(self._promising, LOSS_WEIGHTS)[0]
        aim = Aim(self.floors, promising=promising)
        outcome = self.replan(kind.draw(kind.size), aim)
        self._adapt(kind, outcome, self._watch.small_model())
        self._fruitless = 0 if outcome.gained else self._fruitless + 1
        self._watch.patience = 2.0 ** (self._fruitless // ROUNDS_BEFORE_MORE_EFFORT)
        return outcome

    def effort(self) -> Effort:
        """The effort of one small model now."""
        return self._watch.small_model()

    def replan(self, demands: list[int], aim: Aim) -> Outcome:
        """Plans these demands again with the effort of one small model, and books what it took."""
        outcome = replan(self.assignment, demands, self._watch.small_model(), aim)
        self._watch.spent += outcome.deterministic + LEAST_EFFORT
        return outcome

    def _adapt(self, kind: _Kind, outcome: Outcome, effort: Effort) -> None:
        rate = outcome.gained / (outcome.deterministic + 0.05) / 100.0
        kind.earned = 0.7 * kind.earned + 0.3 * rate
        if outcome.optimal and outcome.deterministic < effort.deterministic / 3:
            kind.size = min(LARGEST, round(kind.size * 1.2) + 1)
        elif not outcome.optimal:
            kind.size = max(SMALLEST, round(kind.size * 0.8))
