"""How long a solve may take: wall seconds by a clock the caller brings, or deterministic effort that always repeats."""

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.pairing.subproblem import Effort

LARGE_MODELS = 10


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one solve; it stops at whichever comes first.

    `effort` is CP-SAT's deterministic time over all small models (about a second each on an idle core). With `seconds`
    None everything is counted in steps and a solve repeats exactly for its seed. `gap_pct` stops early once reached.
    `relaxation_share` is the part of the seconds that the relaxation may take; it measures them by the wall's clock.
    """

    effort: float
    seconds: float | None = None
    gap_pct: float = 0.0
    relaxation_iterations: int = 100_000
    small_model: float = 0.5
    relaxation_share: float = 0.5


class Watch:
    """Measures a solve against its budget; `elapsed` gives seconds since the start, by the caller's clock."""

    def __init__(self, budget: Budget, elapsed: Callable[[], float] | None) -> None:
        self.budget = budget
        self._elapsed = elapsed
        self.spent = 0.0
        self.patience = 1.0

    @property
    def seconds(self) -> float:
        """Seconds since the start; 0 where no clock was brought."""
        return 0.0 if self._elapsed is None else self._elapsed()

    @property
    def left(self) -> float | None:
        """Seconds left, None without a limit or clock."""
        if self.budget.seconds is None or self._elapsed is None:
            return None
        return max(0.0, self.budget.seconds - self._elapsed())

    def share_left(self, share: float) -> Callable[[], bool]:
        """A test that is true until the given share of what is left now has been used."""
        effort_end = self.spent + share * max(0.0, self.budget.effort - self.spent)
        left = self.left
        seconds_end = None if left is None else self.seconds + share * left

        def go_on() -> bool:
            return self.spent < effort_end and (seconds_end is None or self.seconds < seconds_end)

        return go_on

    def small_model(self) -> Effort:
        """The effort of the next small model, more the longer nothing was found, never past the deadline."""
        left, effort = self.left, self.patience * self.budget.small_model
        return Effort(effort, None if left is None else min(8 * effort, left + 0.1))

    def large_model(self) -> Effort:
        """The effort of one question about the whole instance: at most a quarter of it, a twentieth of the seconds."""
        left = self.left
        effort = min(LARGE_MODELS * self.budget.small_model, 0.25 * max(0.0, self.budget.effort - self.spent))
        return Effort(effort, None if left is None else 0.05 * left + 0.1)
