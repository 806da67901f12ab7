"""Estimates what one receiver's line carries, from how fast, how late and how completely packets arrive (sans-IO).

The queue tells soonest (RFC 8836 wants it short): while packets stand in one, the rate at which they arrive is what the
line carries. Loss counts only when sending less lessens it: a bad line loses packets however little is sent. Upwards
the estimate creeps while the line is used, and jumps by short probes.
"""

from collections import deque
from dataclasses import dataclass, replace

from media.forwarder.api import ProbeResult, ReceiverWindow

START_BPS = 500_000
LEAST_BPS = 64_000
MOST_BPS = 50_000_000

QUEUE_HIGH_MS = 100.0
QUEUE_RISING_MS = 60.0
"Over this in two windows running, the second above the first: it will be high in a moment."
QUEUE_LOW_MS = 40.0
SLACK_BITS = 9_600.0
"A packet: a narrow line needs its time for it, which is no queue."
SHORT_QUEUE_MS = 200.0
"In a shorter one packets have not stood for long: they arrive more slowly than the line's rate."
SHORT_QUEUE_SHARE = 0.7
LOSS_HIGH = 0.10
"More loss than is usual on this line."
MOST_USUAL_LOSS = 0.35
SAME_LOSS = 0.35
"After less was sent, at least so much of the loss before: it did not come of what was sent."
LOSS_AFTER_S = 1.0
"Loss is judged over at least so long,"
LOSS_OVER_S = 3.0
"and at most so long."
MEASURE_S = 0.6
FULL_MEASURE_S = 0.3
CUT_EVERY_S = 0.5
SILENCE_S = 1.5
GROWTH_PER_S = 0.08
GROWTH_NEAR_LIMIT_PER_S = 0.01
NEAR_LIMIT = 0.93

PROBE_BACKOFF_S = 5.0
LOSSY = 0.03
LOSSY_BACKOFF_S = 1.5
LOSSY_PROBES = 4
"A probe of a lossy line that came incomplete met a burst of losses and says nothing: so often it is made again soon."
MOST_BACKOFF_S = 60.0
RECOVERY_BACKOFF_S = 6.0
"A line that was better a while ago is asked at least so often: full quality is back within 10 s of its recovery."
RECOVERY_S = 180.0
PROBE_QUEUE_MS = 100.0
"A probe is so short that even if nothing more fits the line than is known, it queues no longer than this."
PROBE_GROWTH = 2.5
PROBE_QUEUE_GOOD_MS = 50.0
PROBE_LOSS_GOOD = 0.1
USUAL_LOSS_SWINGS = 0.8
"Losses come in bursts: over a moment they may be more than usual by this share of it."
PROBE_GAIN = 1.05
PROBE_ANSWER_S = 4.0
PATH_SETTLES_S = 0.7
"So long after a receiver went over to another path it still reports as lost what was sent into the old one."
RETURN_SHARE = 0.5
"Who comes back after a silence begins with this share of what the line carried before, and is asked at once about all."
OWN_DELAY_S = 1.0
"Who looks less often than this was held up itself, and cannot tell whether the receiver was silent meanwhile."


@dataclass(frozen=True)
class ProbePlan:
    """A probe that is due."""

    bits_per_second: int
    duration_ms: int


class LineEstimator:
    """One receiver's line. `now` and the `at` of windows are monotonic seconds of one clock."""

    def __init__(self, now: float, *, before_bps: float | None = None) -> None:
        """`before_bps`: what this receiver's line carried a while ago; None: nothing is known."""
        self.rate_bps = max(float(START_BPS), RETURN_SHARE * (before_bps or 0.0))
        "What may be sent."
        self.loss = 0.0
        "Share of packets lost lately."
        self.queue_ms = 0.0
        self.heard_at: float | None = None
        "When the receiver last reported; None: it never did, so nothing is known of its line."
        self._recent: deque[ReceiverWindow] = deque()
        self._lossy: deque[ReceiverWindow] = deque()
        self._limit_bps: float | None = None
        "The line's rate when it last was full."
        self._best_bps = 0.0
        self._best_at = now
        self._draining = False
        self._cut_at = now - CUT_EVERY_S
        self._taken_at = now
        self._usual_loss = 0.0
        self._loss_cut: tuple[float, float] | None = None
        "Loss and rate before the last cut that loss caused."
        self.taken_back_at = float("-inf")
        "When a cut was last taken back, for it had not lessened the loss."
        self._silent_since: float | None = None
        self._path_since = float("-inf")
        self._watched_at: float | None = None
        self._awake_since = now
        "Since when silence can be told from not having listened."
        self._before_bps = before_bps
        "What the line carried before it fell silent, until a probe or a full line has told what it carries now."
        self._probe: tuple[ProbePlan, float] | None = None
        self._probe_at = now
        self._backoff_s = PROBE_BACKOFF_S
        self._lossy_probes = 0
        "Probes in a row that came incomplete without a queue."
        if before_bps is not None:
            self._best_bps = max(before_bps, self.rate_bps)

    @property
    def known(self) -> bool:
        """Whether anything is known of the line."""
        return self.heard_at is not None

    @property
    def lately_bps(self) -> float:
        """What the line carries, or did before its receiver fell silent."""
        return max(self.rate_bps, self._before_bps or 0.0)

    @property
    def silent(self) -> bool:
        """Whether the receiver has reported, and does not any more."""
        return self._silent_since is not None

    @property
    def full(self) -> bool:
        """Whether packets stand in the line's queue now."""
        return self._draining or self.queue_ms > QUEUE_RISING_MS + self._slack_ms

    @property
    def _slack_ms(self) -> float:
        return 1000.0 * SLACK_BITS / self.rate_bps

    def take_window(self, window: ReceiverWindow, now: float | None = None) -> None:
        """Learn from what a receiver reported; `now`, if it is only taken in later than it came."""
        self._taken_at = window.at if now is None else max(now, window.at)
        since = window.at - self.heard_at if self.heard_at is not None else 0.0
        self.heard_at = window.at
        self.queue_ms, before = _standing_ms(window), self.queue_ms
        self._note(window)
        if self._silent_since is not None:
            self._line_is_back(window.at)
        if window.probing:
            return
        if self._draining and self.queue_ms < QUEUE_LOW_MS:
            self._draining = False
            self._raise(0.9 * (self._limit_bps or 0.0), window.at)
        slack_ms = self._slack_ms
        high = self.queue_ms > QUEUE_HIGH_MS + slack_ms or (self.queue_ms > before > QUEUE_RISING_MS + slack_ms)
        if high and window.at - self._cut_at >= (2 * CUT_EVERY_S if self._draining else CUT_EVERY_S):
            self._cut_for_queue(window.at)
        elif self._loses_too_much(window.at):
            self._cut_for_loss(window.at)
        elif not self._draining and self.queue_ms < QUEUE_LOW_MS:
            self._grow(min(since, 1.0), window.at)

    def moved(self, at: float) -> None:
        """The receiver goes on over another path: what was lost until it found that says nothing of it."""
        self._path_since = at
        self._line_is_back(at)

    def take_probe(self, result: ProbeResult) -> bool:
        """Learn from how a probe went; tells whether more fits the line than was known."""
        plan, self._probe = (self._probe[0] if self._probe else None), None
        if plan is None or result.sent_bits == 0 or result.span_ms <= 0:
            self._probe_at = result.at + PROBE_BACKOFF_S
            return False
        self._before_bps = None
        # What is lost whatever is sent says nothing about how much fits.
        arrived_bps = result.acked_bits * 1000 / result.span_ms / (1.0 - min(self._usual_loss, self.loss))
        queued = result.left_queue_ms - min(self.queue_ms, QUEUE_LOW_MS) > PROBE_QUEUE_GOOD_MS
        background = max(self._usual_loss, min(self.loss, MOST_USUAL_LOSS))
        bearable = PROBE_LOSS_GOOD + (1.0 + USUAL_LOSS_SWINGS) * background
        complete = result.acked_bits >= (1.0 - bearable) * result.sent_bits
        if complete and not queued and arrived_bps > PROBE_GAIN * self.rate_bps:
            self._raise(min(arrived_bps, plan.bits_per_second), result.at)
            self._limit_bps = None
            self._backoff_s = PROBE_BACKOFF_S
            self._lossy_probes = 0
            self._probe_at = result.at + 0.3
            return True
        if queued and not self._draining:
            # What comes out of a full line is what it carries.
            self._limit_bps = arrived_bps
            self._raise(0.85 * arrived_bps, result.at)
        if not (complete or queued) and background >= LOSSY and self._lossy_probes < LOSSY_PROBES:
            self._lossy_probes += 1
            self._probe_at = result.at + LOSSY_BACKOFF_S
            return False
        self._lossy_probes = 0
        self._probe_at = result.at + min(self._backoff_s, self._most_backoff_s(result.at))
        self._backoff_s = min(2 * self._backoff_s, MOST_BACKOFF_S)
        return False

    def watch(self, now: float) -> None:
        """Time passed: a line on which nothing is reported any more is taken to carry less and less."""
        if self._probe is not None and now > self._probe[1] + PROBE_ANSWER_S:
            self._probe = None
        if self._watched_at is not None and now - self._watched_at > OWN_DELAY_S:
            # What was reported meanwhile has not been taken in yet.
            self._awake_since = now
        self._watched_at = now
        if self.heard_at is None or now - max(self.heard_at, self._awake_since) < SILENCE_S:
            return
        if self._silent_since is None:
            self._before_bps = self.lately_bps
        elif now - self._silent_since < 1.0:
            return
        self._silent_since = now
        self.rate_bps = max(LEAST_BPS, self.rate_bps / 2)

    def plan_probe(self, now: float, wanted_bps: float) -> ProbePlan | None:
        """The probe to send now, if more is wanted than the line is known to carry and asking is due."""
        heard = self.heard_at is not None and now - self.heard_at < 1.0
        quiet = not self._draining and self.queue_ms < QUEUE_LOW_MS and self._loss_cut is None
        if not (heard and quiet) or self._probe is not None or now < self._probe_at or wanted_bps <= self.rate_bps:
            return None
        rate = min(1.1 * wanted_bps, max(PROBE_GROWTH * self.rate_bps, self._before_bps or 0.0), MOST_BPS)
        harmless_ms = PROBE_QUEUE_MS * self.rate_bps / max(rate - self.rate_bps, 1.0)
        plan = ProbePlan(int(rate), int(min(300.0, max(100.0, harmless_ms))))
        self._probe = (plan, now)
        return plan

    def _note(self, window: ReceiverWindow) -> None:
        if window.at < self._path_since + PATH_SETTLES_S:
            window = replace(window, lost_packets=0)
        self._recent.append(window)
        while self._recent[0].at < window.at - MEASURE_S:
            self._recent.popleft()
        self._lossy.append(window)
        while self._lossy[0].at < window.at - LOSS_OVER_S:
            self._lossy.popleft()
        sent = sum(one.sent_packets for one in self._lossy)
        self.loss = min(1.0, sum(one.lost_packets for one in self._lossy) / sent) if sent else 0.0
        if self.loss < self._usual_loss:
            self._usual_loss += 0.005 * (self.loss - self._usual_loss)

    def _arriving_bps(self, over_s: float = MEASURE_S) -> float:
        recent = [one for one in self._recent if one.at > self._recent[-1].at - over_s]
        span_ms = sum(one.span_ms for one in recent)
        acked_bits = sum(one.acked_bits for one in recent)
        return acked_bits * 1000 / span_ms / (1.0 - self._usual_loss) if span_ms > 0 else self.rate_bps

    def _cut_for_queue(self, at: float) -> None:
        # Only the newest: what came before the queue stood is not what the line carries now.
        arriving = self._arriving_bps(FULL_MEASURE_S)
        self._limit_bps = arriving
        # The fuller the queue, the deeper the cut: it should be empty in about a second.
        share = min(0.85, max(0.5, 1.0 - self.queue_ms / 800))
        least = SHORT_QUEUE_SHARE * self.rate_bps if self.queue_ms < SHORT_QUEUE_MS else 0.0
        self._cut_to(max(share * arriving, least), at)
        self._draining = True

    def _loses_too_much(self, at: float) -> bool:
        if not self._lossy or self._lossy[-1].at - self._lossy[0].at < LOSS_AFTER_S or at - self._cut_at < LOSS_AFTER_S:
            return False
        high = self.loss > self._usual_loss + LOSS_HIGH and sum(one.sent_packets for one in self._lossy) >= 20
        if not high and self._loss_cut is not None:
            if self.loss >= SAME_LOSS * self._loss_cut[0]:
                self._loss_is_usual(at)
            self._loss_cut = None
        return high

    def _loss_is_usual(self, at: float) -> None:
        """Sending less did not help: this line loses packets whatever is sent."""
        self._usual_loss = max(self._usual_loss, min(self.loss, MOST_USUAL_LOSS))
        if self._loss_cut is not None:
            self._raise(self._loss_cut[1], at)
            self.taken_back_at = at
        if self._backoff_s == PROBE_BACKOFF_S:
            self._probe_at = min(self._probe_at, at + 0.3)
        self._loss_cut = None

    def _cut_for_loss(self, at: float) -> None:
        bearable = self.loss <= MOST_USUAL_LOSS + LOSS_HIGH
        if bearable and self._loss_cut is not None and self.loss >= SAME_LOSS * self._loss_cut[0]:
            self._loss_is_usual(at)
        else:
            before = (self.loss, self.rate_bps)
            arriving = self._arriving_bps()
            # A line that drops most of what comes has shown what it carries; a little loss asks for a little less.
            self._cut_to(max(arriving, 0.7 * self.rate_bps) if bearable else 0.9 * arriving, at)
            self._loss_cut = before
        self._lossy.clear()

    def _cut_to(self, rate: float, at: float) -> None:
        self.rate_bps = max(LEAST_BPS, min(self.rate_bps, rate))
        self._before_bps = None
        # What was reported before less was sent asks for nothing more, however late it is taken in.
        self._cut_at = max(at, self._taken_at)
        self._probe_at = max(self._probe_at, at + 2.0)

    def _grow(self, seconds: float, at: float) -> None:
        arriving = self._arriving_bps()
        if arriving < 0.7 * self.rate_bps:
            return
        if self._limit_bps is not None and self.rate_bps > NEAR_LIMIT * self._limit_bps:
            growth = GROWTH_NEAR_LIMIT_PER_S if arriving > NEAR_LIMIT * self.rate_bps else 0.0
        else:
            growth = GROWTH_PER_S
        self._raise(min(self.rate_bps * (1 + growth * seconds), 1.3 * arriving + 50_000), at)

    def _raise(self, rate: float, at: float) -> None:
        self.rate_bps = min(MOST_BPS, max(self.rate_bps, rate))
        if self.rate_bps >= self._best_bps or at - self._best_at > RECOVERY_S:
            self._best_bps, self._best_at = self.rate_bps, at
        elif self.rate_bps > 0.9 * self._best_bps:
            self._best_at = at

    def _most_backoff_s(self, at: float) -> float:
        was_better = self._best_bps > 1.2 * self.rate_bps and at - self._best_at < RECOVERY_S
        return RECOVERY_BACKOFF_S if was_better else MOST_BACKOFF_S

    def _line_is_back(self, at: float) -> None:
        self._silent_since = None
        self._backoff_s = PROBE_BACKOFF_S
        self._probe = None
        self._probe_at = at + 0.3
        self._recent.clear()
        self._lossy.clear()
        self._loss_cut = None
        self._raise(max(START_BPS / 2, RETURN_SHARE * (self._before_bps or 0.0)), at)


def _standing_ms(window: ReceiverWindow) -> float:
    """The queue that stood through the whole window.

    A line's queue holds up every packet. Where some came in time, the others waited at one of the ends, which was busy:
    a stalled process takes all that came meanwhile at once, the last of it without delay.
    """
    return window.queue_ms if window.least_queue_ms > QUEUE_LOW_MS else window.least_queue_ms
