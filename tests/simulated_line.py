"""A bottleneck in virtual time: a queue of bits that drains at the line's rate, and a receiver that reports on it."""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from media.forwarder.api import ProbeResult, ReceiverWindow
from media.line.allocation import Choice, Importance, Wish
from media.line.estimator import ProbePlan
from media.line.subscriber_line import SubscriberLine

STEP_S = 0.01
WINDOW_S = 0.2
PACKET_BITS = 9600


@dataclass
class Bottleneck:
    """Drop-tail queue in front of a line whose rate changes with time."""

    rate_bps: Callable[[float], float]
    buffer_ms: float = 400.0
    loss: float = 0.0
    delay_s: float = 0.05
    queued_bits: float = 0.0
    burst_s: float = 0.0
    "With it loss comes in bursts of this mean length, in which all is lost."
    bad: bool = False
    stalls: tuple[tuple[float, float], ...] = ()
    "From when until when the receiver's computer stands still; it takes in afterwards at once what came meanwhile."

    def held_ms(self, now: float) -> float:
        """How long what arrives now waits for the receiver to take it in."""
        return max((1000 * (end - now) for begin, end in self.stalls if begin <= now < end), default=0.0)

    def lost_share(self, chance: random.Random) -> float:
        """Of what passes in this step, so much is lost whatever is sent."""
        if self.burst_s <= 0:
            return 2 * self.loss if chance.random() < 0.5 else 0.0
        ends = min(1.0, STEP_S / self.burst_s)
        begins = ends * self.loss / (1.0 - self.loss)
        self.bad = chance.random() < (1.0 - ends if self.bad else begins)
        return 1.0 if self.bad else 0.0

    def pass_on(self, bits: float, now: float) -> tuple[float, float, float]:
        """Bits that arrive, bits lost, and the queue in ms after this step."""
        rate = self.rate_bps(now)
        room = max(0.0, self.buffer_ms / 1000 * rate - self.queued_bits) + rate * STEP_S
        taken = min(bits, room)
        self.queued_bits += taken
        out = min(self.queued_bits, rate * STEP_S)
        self.queued_bits -= out
        return out, bits - taken, 1000 * self.queued_bits / rate if rate else 0.0


@dataclass
class Run:
    """What a simulation gave, one entry for each 10 ms."""

    at: list[float] = field(default_factory=list)
    queue_ms: list[float] = field(default_factory=list)
    sent_bps: list[float] = field(default_factory=list)
    rate_bps: list[float] = field(default_factory=list)
    numbers: list[dict[int, Choice | None]] = field(default_factory=list)
    probes: list[tuple[float, ProbePlan]] = field(default_factory=list)

    def between(self, values: list, start_s: float, end_s: float) -> list:
        return [value for value, at in zip(values, self.at, strict=True) if start_s <= at < end_s]

    def changes(self, start_s: float, end_s: float) -> int:
        seen = [
            tuple(sorted((k, v) for k, v in one.items() if v)) for one in self.between(self.numbers, start_s, end_s)
        ]
        return sum(before != after for before, after in itertools.pairwise(seen))


def lesson(*, rooms: int = 2, temporal: bool = False) -> list[Wish]:
    """A lead with sound, two layers of picture and a screen, and rooms with sound and one layer."""
    steps = [Choice(0, 0, 200_000)] if temporal else []
    wishes = [
        Wish(1, Importance.LEAD_SOUND, (Choice(0, None, 40_000),)),
        Wish(2, Importance.SCREEN, (Choice(0, None, 300_000),)),
        Wish(3, Importance.LEAD_PICTURE, (*steps, Choice(0, None, 350_000), Choice(1, None, 1_400_000))),
    ]
    for room in range(rooms):
        wishes.append(Wish(10 + room, Importance.OTHER_SOUND, (Choice(0, None, 40_000),)))
        wishes.append(Wish(20 + room, Importance.REST, (Choice(0, None, 300_000),)))
    return wishes


def simulate(
    bottleneck: Bottleneck, wishes: list[Wish], seconds: float, *, seed: int = 1, ceiling: float | None = None
) -> Run:
    """Send what the line's decisions allow through the bottleneck and report back, as the packet core would."""
    chance = random.Random(seed)
    line, run = SubscriberLine(0.0, reports=True), Run()
    current: dict[int, Choice | None] = {wish.sink: None for wish in wishes}
    windows: list[tuple[float, ReceiverWindow]] = []
    results: list[tuple[float, ProbeResult]] = []
    probe: tuple[ProbePlan, float] | None = None
    probed = [0.0, 0.0]
    probe_queues: list[float] = []
    sums, least_queue = [0.0, 0.0, 0.0, 0.0], float("inf")
    window_started, decided = 0.0, -1.0

    def obey(now: float) -> None:
        nonlocal probe, probed, probe_queues
        orders = line.decide(wishes, ceiling, now)
        for grant in orders.grants:
            current[grant.sink] = grant.choice
        if orders.probe is not None:
            probe, probed, probe_queues = (orders.probe, now), [0.0, 0.0], []
            run.probes.append(probe[::-1])

    for step in range(round(seconds / STEP_S)):
        now = step * STEP_S
        media = sum(choice.bits_per_second for choice in current.values() if choice) * chance.uniform(0.8, 1.2)
        probing = probe is not None and now < probe[1] + probe[0].duration_ms / 1000
        sending = max(media, probe[0].bits_per_second) if probing and probe else media
        out, dropped, queue = bottleneck.pass_on(sending * STEP_S, now)
        random_loss = out * bottleneck.lost_share(chance)
        held_ms = bottleneck.held_ms(now)
        late_ms = queue + held_ms
        sums[0] += out + dropped
        sums[1] += out - random_loss
        sums[2] += dropped + random_loss
        sums[3] += late_ms * STEP_S
        least_queue = min(least_queue, late_ms)
        if probing:
            probed = [probed[0] + sending * STEP_S, probed[1] + dropped + random_loss]
            probe_queues.append(late_ms)
        elif probe is not None and now > probe[1] + probe[0].duration_ms / 1000:
            # The last packet comes out when the queue it found is gone.
            span_ms = 1000 * STEP_S * len(probe_queues) + late_ms
            arrived = int(probed[0] - probed[1])
            at = now + bottleneck.delay_s + late_ms / 1000
            left_ms = min(probe_queues[-(len(probe_queues) // 4 or 1) :])
            results.append((at, ProbeResult(1, at, int(probed[0]), arrived, span_ms, 0, max(probe_queues), left_ms)))
            probe = None
        if now - window_started >= WINDOW_S and not held_ms:
            packets = 10 * sum(wish.importance <= Importance.OTHER_SOUND for wish in wishes) + int(
                sums[0] / PACKET_BITS
            )
            mean_queue = sums[3] / (now - window_started)
            lost = round(packets * sums[2] / sums[0]) if sums[0] else 0
            span_ms = 1000 * (now - window_started)
            arrives = now + bottleneck.delay_s + queue / 1000
            counted = (int(sums[0]), int(sums[1]), packets, lost)
            window = ReceiverWindow(1, arrives, span_ms, *counted, mean_queue, probing, least_queue)
            if bottleneck.rate_bps(now) > 0:
                windows.append((arrives, window))
            sums, least_queue, window_started = [0.0, 0.0, 0.0, 0.0], float("inf"), now
        while windows and windows[0][0] <= now:
            if line.take_window(windows.pop(0)[1]):
                obey(now)
        while results and results[0][0] <= now:
            if line.take_probe(results.pop(0)[1]):
                obey(now)
        if now - decided >= 0.5:
            obey(now)
            decided = now
        run.at.append(now)
        run.queue_ms.append(queue)
        run.sent_bps.append(media)
        run.rate_bps.append(line.estimator.rate_bps)
        run.numbers.append(dict(current))
    return run
