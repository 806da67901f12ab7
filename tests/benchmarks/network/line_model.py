"""A line that impairs what passes it, in virtual time: loss (even or in bursts), delay, jitter, reordering, a rate with
a bounded queue, rate steps and outages. Deterministic by its seed; knows nothing of sockets or clocks.
"""

import heapq
import itertools
import random
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from typing import Any

BUCKET_S = 0.1
"What passed is counted in buckets of this length."
ROUNDING_S = 1e-9


@dataclass(frozen=True)
class LineSettings:
    """One direction of a line. Probabilities are of packets."""

    rates: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    "From when on (seconds since the line began) which rate in bit/s holds: 0 not limited, below 0 cut."
    queue_bytes: int = 64_000
    "What finds no room in the queue is dropped at its end."
    delay_s: float = 0.002
    jitter_s: float = 0.0
    "Deviation of a normal distribution that is added to the delay; order is kept."
    reorder: float = 0.0
    "Packets that others overtake, by `reorder_by_s`."
    reorder_by_s: float = 0.03
    loss: float = 0.0
    "Packets lost one by one (with `burst`: on the average)."
    burst: float = 0.0
    "Mean length of a burst of losses, in packets (Gilbert's model: all is lost in the bad state); 0: no bursts."

    def as_json(self) -> dict[str, Any]:
        """For a pipe."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "LineSettings":
        """The reverse of `as_json`."""
        return cls(**{**values, "rates": tuple(tuple(one) for one in values["rates"])})


@dataclass
class Bucket:
    """What happened in a tenth of a second."""

    offered_bytes: int = 0
    delivered_bytes: int = 0
    lost: int = 0
    "Packets lost at random or because the line was cut."
    dropped: int = 0
    "Packets for which the queue had no room."
    queue_ms: float = 0.0
    "The longest that a packet of this bucket had to wait."


@dataclass
class ImpairedLine:
    """Give it packets with `offer`, and take with `take` what comes out. Times are seconds since the line began."""

    settings: LineSettings
    seed: int
    buckets: dict[int, Bucket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._bad = False
        self._queue: deque[tuple[float, bytes]] = deque()
        "When each came, and the packet; the first is being sent."
        self._queued_bytes = 0
        self._left_bits = 0.0
        self._sent_until = 0.0
        self._air: list[tuple[float, int, bytes]] = []
        "What was sent, by when it arrives."
        self._numbers = itertools.count()
        self._last_arrival = 0.0

    def offer(self, packet: bytes, now: float) -> None:
        """A packet comes to the line; it may be lost."""
        self._serve(now)
        bucket = self._bucket(now)
        bucket.offered_bytes += len(packet)
        rate = self._rate(now)
        if rate < 0 or self._is_lost():
            bucket.lost += 1
        elif rate == 0:
            self._launch(packet, now)
        elif self._queued_bytes + len(packet) > self.settings.queue_bytes:
            bucket.dropped += 1
        else:
            if not self._queue:
                self._left_bits, self._sent_until = 8.0 * len(packet), now
            self._queue.append((now, packet))
            self._queued_bytes += len(packet)

    def take(self, now: float) -> list[bytes]:
        """What arrives at the other end by now, in order of arrival."""
        self._serve(now)
        out = []
        while self._air and self._air[0][0] <= now:
            at, _, packet = heapq.heappop(self._air)
            self._bucket(at).delivered_bytes += len(packet)
            out.append(packet)
        return out

    def change(self, settings: LineSettings, now: float) -> None:
        """From now on the line does this; `settings.rates` count from now, and what is under way stays so."""
        self._serve(now)
        first, *later = settings.rates
        self.settings = replace(settings, rates=((0.0, first[1]), *((now + since, rate) for since, rate in later)))

    def next_s(self, now: float) -> float:
        """When `take` is worth calling again; infinity if nothing is under way."""
        soonest = self._air[0][0] if self._air else float("inf")
        if self._queue:
            rate = self._rate(now)
            sent = now + self._left_bits / rate if rate > 0 else now + BUCKET_S
            soonest = min(soonest, sent)
        return soonest

    def _serve(self, now: float) -> None:
        """Send from the queue what the line's rates allow until now."""
        while self._queue and self._sent_until < now:
            rate, until = self._rate(self._sent_until), min(now, self._rate_ends(self._sent_until))
            if rate < 0:
                for _, _packet in self._queue:
                    self._bucket(self._sent_until).lost += 1
                self._queue.clear()
                self._queued_bytes = 0
                return
            needs_s = self._left_bits / rate if rate > 0 else 0.0
            if needs_s > until - self._sent_until + ROUNDING_S:
                self._left_bits -= (until - self._sent_until) * rate
                self._sent_until = until
                continue
            self._sent_until += needs_s
            self._send_first()

    def _send_first(self) -> None:
        came, packet = self._queue.popleft()
        self._queued_bytes -= len(packet)
        bucket = self._bucket(self._sent_until)
        bucket.queue_ms = max(bucket.queue_ms, 1000 * (self._sent_until - came))
        self._launch(packet, self._sent_until)
        if self._queue:
            self._left_bits = 8.0 * len(self._queue[0][1])

    def _launch(self, packet: bytes, at: float) -> None:
        settings = self.settings
        arrival = at + settings.delay_s
        if settings.jitter_s:
            arrival += abs(self._chance.gauss(0.0, settings.jitter_s))
        if settings.reorder and self._chance.random() < settings.reorder:
            arrival += settings.reorder_by_s
        else:
            arrival = self._last_arrival = max(arrival, self._last_arrival)
        heapq.heappush(self._air, (arrival, next(self._numbers), packet))

    def _is_lost(self) -> bool:
        settings = self.settings
        if settings.loss <= 0:
            return False
        if settings.burst <= 0:
            return self._chance.random() < settings.loss
        ends = 1.0 / settings.burst
        begins = ends * settings.loss / (1.0 - settings.loss)
        self._bad = self._chance.random() < (1.0 - ends if self._bad else begins)
        return self._bad

    def _rate(self, now: float) -> float:
        return next((rate for since, rate in reversed(self.settings.rates) if since <= now), self.settings.rates[0][1])

    def _rate_ends(self, now: float) -> float:
        return next((since for since, _ in self.settings.rates if since > now), float("inf"))

    def _bucket(self, at: float) -> Bucket:
        return self.buckets.setdefault(int(at / BUCKET_S), Bucket())
