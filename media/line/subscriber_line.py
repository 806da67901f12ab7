"""One receiver's line at work: its estimate, what each of its tracks gets of it, and the probes for more (sans-IO)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from media.forwarder.api import ProbeResult, ReceiverWindow
from media.line.allocation import PAUSED, Choice, Importance, Wish, allocate
from media.line.estimator import LineEstimator, ProbePlan
from media.line.repair_wait import AFTER_FULL_S, RepairWait

Reason = Literal["none", "line", "ceiling"]

HOLD_S = 2.0
"A picture that was lowered stays so for at least so long, and twice as long each time it fell soon after a rise."
MOST_HOLD_S = 60.0
PAUSE_SHARE = 0.5
"A picture that was paused stays so for this share of it: any picture is better than one that stands."
FIRST_REPORT_S = 4.0
"Who agreed to report but has not by then never will: nothing is known of that line."
SOON_S = 10.0
REPEAT_FROM_LOSS = 0.03
"With so much loss sound is sent twice,"
REPEAT_FROM_BPS = 450_000.0
"if the line carries so much,"
REPEAT_ROOM = 4.0
"and so many times what sound takes once;"
REPEAT_TO_LOSS = 0.015
"until there was less than this for so long:"
REPEAT_CALM_S = 10.0
START_PACE_BPS = 1_000_000.0
"Until the first report: a first key frame shall not flood a narrow line, nor come late over a wide one."
ANY_RATE_BPS = 1e9
EMPTYING_SHARE = 0.75
"While packets stand in the line's queue, pictures that wait for their turn go at this share of the line's rate."
RATE_STEP = 0.05
"The packet core is told a new rate when it differs by more than this."


@dataclass(frozen=True)
class Grant:
    """What a sink gets from now on; `choice` None: nothing."""

    sink: int
    choice: Choice | None


@dataclass(frozen=True)
class Orders:
    """What is to be done now."""

    grants: tuple[Grant, ...] = ()
    rate_bps: int | None = None
    "The new rate at which pictures are paced: what the line has left beside sound."
    probe: ProbePlan | None = None


@dataclass
class _Course:
    """How a sink fared."""

    number: int = PAUSED
    lowered_at: float | None = None
    raised_at: float | None = None
    hold_s: float = HOLD_S


class SubscriberLine:
    """Decides for one receiver. Give it what the packet core reports and, twice a second, the wishes."""

    def __init__(self, now: float, *, reports: bool, before_bps: float | None = None) -> None:
        """`reports`: whether the receiver agreed to transport-wide feedback; of others nothing is known.

        `before_bps`: what its line carried when it was here a while ago.
        """
        self.reports = reports
        self._opened_at = now
        self.estimator = LineEstimator(now, before_bps=before_bps)
        self.reason: Reason = "none"
        "What keeps pictures from being full."
        self._courses: dict[int, _Course] = {}
        self._told: dict[int, Choice | None] = {}
        self._told_rate: float | None = None
        self._ceiling_bps: float | None = None
        self.repeats_sound = False
        "Whether each packet of sound goes out twice: the line loses packets, and not because it is full."
        self._lossy_at = float("-inf")
        self._full_at = float("-inf")
        self._sound_bps = 0.0
        self.repair_wait = RepairWait()
        self.budget_bps = float("inf")
        "What may be sent to this receiver; infinity while nothing is known of its line."

    @property
    def ceiling_bps(self) -> float | None:
        """This receiver's share of what its school's line may carry; None: not limited."""
        return self._ceiling_bps

    def granted(self, sink: int) -> Choice | None:
        """What the sink gets; None: nothing."""
        return self._told.get(sink)

    def take_window(self, window: ReceiverWindow, now: float | None = None) -> bool:
        """Learn; `now`, if it is taken in late. Tells whether what is sent should be reconsidered at once."""
        before, was_silent = self.estimator.rate_bps, self.estimator.silent
        self.estimator.take_window(window, now)
        self._judge_repeating(window.at)
        self.repair_wait.take(window, full=self.estimator.full)
        mistaken = self.estimator.taken_back_at == window.at
        if was_silent or mistaken:
            # What fell while nothing was heard, or for a loss that is usual, is no sign of a weak line.
            self.forgive()
        return was_silent or mistaken or self.estimator.rate_bps < before

    def _judge_repeating(self, at: float) -> None:
        # What a full line drops would only be more if more were sent.
        estimator = self.estimator
        if estimator.full:
            self._full_at = at
        roomy = at - self._full_at > AFTER_FULL_S and estimator.rate_bps >= max(
            REPEAT_FROM_BPS, REPEAT_ROOM * self._sound_bps
        )
        if estimator.loss >= REPEAT_FROM_LOSS and roomy:
            self.repeats_sound = True
        if estimator.loss >= REPEAT_TO_LOSS:
            self._lossy_at = at
        if not roomy or at - self._lossy_at > REPEAT_CALM_S:
            self.repeats_sound = False

    def take_probe(self, result: ProbeResult) -> bool:
        """Learn; tells whether what is sent should be reconsidered at once."""
        more = self.estimator.take_probe(result)
        if more:
            # Proof that more fits ends the wait that caution asked for.
            self.forgive()
        return more

    def forgive(self) -> None:
        """Let every picture rise again at once, however lately it fell."""
        for course in self._courses.values():
            course.lowered_at = course.raised_at = None

    def decide(self, wishes: Sequence[Wish], ceiling_bps: float | None, now: float) -> Orders:
        """Reconsider everything."""
        self._ceiling_bps = ceiling_bps
        self._sound_bps = sum(wish.choices[0].bits_per_second for wish in wishes if _is_sound(wish))
        if self.repeats_sound:
            wishes = [_twice(wish) if _is_sound(wish) else wish for wish in wishes]
        self.estimator.watch(now)
        mute = not self.estimator.known and now - self._opened_at > FIRST_REPORT_S
        line_bps = self.estimator.rate_bps if self.reports and not mute else float("inf")
        budget = line_bps if ceiling_bps is None else min(line_bps, ceiling_bps)
        self.budget_bps = budget
        chosen = allocate(wishes, budget, {sink: course.number for sink, course in self._courses.items()})
        grants = self._settle(wishes, chosen, now)
        full = all(self._courses[wish.sink].number == len(wish.choices) - 1 for wish in wishes)
        limited = "ceiling" if ceiling_bps is not None and ceiling_bps < line_bps else "line"
        self.reason = "none" if full else limited  # type: ignore[assignment]
        rate = self._new_rate(self._pace(wishes, budget, mute=mute))
        return Orders(grants, rate, self._probe(wishes, ceiling_bps, now))

    def _settle(self, wishes: Sequence[Wish], chosen: dict[int, int], now: float) -> tuple[Grant, ...]:
        grants = []
        for wish in wishes:
            course = self._courses.setdefault(wish.sink, _Course())
            self._move(course, min(chosen.get(wish.sink, PAUSED), len(wish.choices) - 1), now)
            choice = wish.choices[course.number] if course.number != PAUSED else None
            told = self._told.get(wish.sink)
            if wish.sink not in self._told or _differ(told, choice):
                grants.append(Grant(wish.sink, choice))
            self._told[wish.sink] = choice
        for sink in self._told.keys() - {wish.sink for wish in wishes}:
            del self._told[sink]
            self._courses.pop(sink, None)
        return tuple(grants)

    def _move(self, course: _Course, number: int, now: float) -> None:
        if number < course.number:
            soon = course.raised_at is not None and now - course.raised_at < SOON_S
            course.hold_s = min(2 * course.hold_s, MOST_HOLD_S) if soon else HOLD_S
            course.lowered_at = now
            course.number = number
        elif number > course.number:
            hold_s = course.hold_s * (PAUSE_SHARE if course.number == PAUSED else 1.0)
            if course.lowered_at is not None and now - course.lowered_at < hold_s:
                return
            course.raised_at = now
            course.number = number

    def _pace(self, wishes: Sequence[Wish], budget: float, *, mute: bool) -> float | None:
        """At what rate pictures shall go; None: they need not wait for each other."""
        if not self.reports or mute:
            return None
        if not self.estimator.known:
            return START_PACE_BPS
        sounds = (wish for wish in wishes if _is_sound(wish))
        budget = max(0.25 * budget, budget - sum(sound.choices[0].bits_per_second for sound in sounds))
        return budget * EMPTYING_SHARE if self.estimator.full else budget

    def _new_rate(self, pace_bps: float | None) -> int | None:
        """The rate to tell the packet core, if it must be told: who was never held up need not be let go."""
        if pace_bps is None and self._told_rate is None:
            return None
        rate = ANY_RATE_BPS if pace_bps is None else pace_bps
        if self._told_rate is not None and abs(rate - self._told_rate) <= RATE_STEP * self._told_rate:
            return None
        self._told_rate = rate
        return int(rate)

    def _probe(self, wishes: Sequence[Wish], ceiling_bps: float | None, now: float) -> ProbePlan | None:
        demand = sum(wish.choices[-1].bits_per_second for wish in wishes if wish.choices)
        wanted = demand * 1.15
        if ceiling_bps is not None:
            wanted = min(wanted, ceiling_bps)
        has_picture = not all(_is_sound(wish) for wish in wishes)
        return self.estimator.plan_probe(now, wanted) if has_picture else None


def _is_sound(wish: Wish) -> bool:
    return wish.importance <= Importance.OTHER_SOUND


def _twice(wish: Wish) -> Wish:
    choices = tuple(replace(one, bits_per_second=2 * one.bits_per_second) for one in wish.choices)
    return replace(wish, choices=choices)


def _differ(one: Choice | None, other: Choice | None) -> bool:
    if one is None or other is None:
        return one is not other
    return (one.layer, one.temporal) != (other.layer, other.temporal)
