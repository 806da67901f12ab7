"""From what a room saw and what passed on its line to the figures of the table (pure)."""

import itertools
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DATAGRAM_OVERHEAD_BYTES = 64
"IP, UDP, RTP with its extensions, and the tag of SRTP: what the counters of payloads leave out."
FULL_HEIGHT = 720
STANDS_S = 1.0
"What lasts so long has come to stay."
QUEUE_BAR_MS = 150.0
SETTLE_S = 5.0
"From the moment that all take part; before it nothing but sound and freezes is judged."


@dataclass(frozen=True)
class Seen:
    """What a room's page saw. Times are Unix seconds."""

    samples: Sequence[Mapping[str, Any]]
    frames: Sequence[tuple[float, int]]
    slides: Sequence[tuple[int, float]]

    @classmethod
    def from_page(cls, seen: Mapping[str, Any]) -> "Seen":
        """From the page's own words, in milliseconds."""
        return cls(
            [{**one, "at": one["at_ms"] / 1000} for one in seen["samples"]],
            [(at / 1000, height) for at, height in seen["frames"]],
            [(number, at / 1000) for number, at in seen["slides"]],
        )


@dataclass(frozen=True)
class Span:
    """From when until when, Unix seconds."""

    begin: float
    end: float


def counted(seen: Seen, kind: str, name: str, span: Span) -> float:
    """How much a counter of all streams of a kind grew; a new connection counts from zero."""
    total = 0.0
    before: dict[str, float] = defaultdict(float)
    for sample in seen.samples:
        for stream in sample["streams"]:
            if stream["kind"] != kind or stream.get(name) is None:
                continue
            growth = stream[name] - before[stream["key"]]
            before[stream["key"]] = stream[name]
            if span.begin <= sample["at"] <= span.end:
                total += growth
    return total


def concealed_pct(seen: Seen, span: Span) -> float | None:
    """Share of the played sound that was made up because its packets did not come in time."""
    samples = counted(seen, "audio", "samples", span)
    made_up = counted(seen, "audio", "concealed", span) - counted(seen, "audio", "silent", span)
    return 100 * made_up / samples if samples else None


def freezes(frames: Iterable[tuple[float, int]], span: Span) -> list[tuple[float, float]]:
    """When the picture stood and for how long, by W3C's measure: 3 times as long as usual and 150 ms longer."""
    times = [at for at, _ in frames]
    inside = [span.begin, *(at for at in times if span.begin < at < span.end), span.end]
    usual: list[float] = []
    found = []
    for before, at in itertools.pairwise(inside):
        gap = at - before
        mean = statistics.fmean(usual[-30:]) if usual else 0.04
        if gap > max(3 * mean, mean + 0.15):
            found.append((before, gap))
        else:
            usual.append(gap)
    return found


def median_height(frames: Sequence[tuple[float, int]], span: Span) -> int | None:
    """The height at which the picture was shown half of the time or more; a frozen one counts as shown."""
    shown: dict[int, float] = defaultdict(float)
    for (at, height), (until, _) in zip(frames, [*frames[1:], (span.end, 0)], strict=False):
        shown[height] += max(0.0, min(until, span.end) - max(at, span.begin))
    total, half = sum(shown.values()), 0.0
    for height, seconds in sorted(shown.items()):
        half += seconds
        if half >= total / 2 > 0:
            return height
    return None


def frame_rate(frames: Sequence[tuple[float, int]], span: Span) -> float:
    """Frames shown each second, on the average."""
    return sum(span.begin <= at < span.end for at, _ in frames) / (span.end - span.begin)


def restored_s(frames: Sequence[tuple[float, int]], span: Span, height: int = FULL_HEIGHT) -> float | None:
    """How long after the span's begin the full picture had come to stay; None: it did not."""
    since = before = None
    for at, shown in frames:
        if not span.begin <= at < span.end:
            continue
        if shown < height or (before is not None and at - before > 0.5):
            since = at if shown >= height else None
        elif since is None:
            since = at
        before = at
        if since is not None and at - since >= STANDS_S:
            return since - span.begin
    return None


def moves_again_s(frames: Sequence[tuple[float, int]], span: Span) -> float | None:
    """How long after the span's begin the first picture was shown; None: none was."""
    first = min((at for at, _ in frames if span.begin <= at < span.end), default=None)
    return None if first is None else first - span.begin


def queues_ms(passed: Mapping[str, Any], direction: str, span: Span) -> list[tuple[float, float]]:
    """The longest wait in the line's queue in each tenth of a second."""
    length, began = passed["bucket_s"], passed["began_at"]
    buckets = [(began + int(number) * length, bucket) for number, bucket in passed[direction].items()]
    waits = [(at, bucket["queue_ms"]) for at, bucket in buckets if span.begin <= at < span.end]
    return sorted(waits)


def stepped_down_s(passed: Mapping[str, Any], span: Span) -> float:
    """How long after the line became worse its queue was short for good: no longer than the bar for two seconds."""
    last = span.begin
    for at, queue_ms in queues_ms(passed, "down", span):
        if queue_ms > QUEUE_BAR_MS and at - last <= 2.0:
            last = at + passed["bucket_s"]
    return last - span.begin


def received_bits(seen: Seen, span: Span) -> float:
    """What came of pictures and sound, repaired or not, with headers, in bits: not what came twice, nor padding."""
    total = 0.0
    for kind in ("audio", "video"):
        total += counted(seen, kind, "bytes", span)
        total += DATAGRAM_OVERHEAD_BYTES * counted(seen, kind, "packets", span)
    return 8 * total


def buffered_ms(seen: Seen, kind: str, span: Span) -> float | None:
    """How long pictures or sounds waited in the receiver's jitter buffer on the average."""
    emitted = counted(seen, kind, "emitted", span)
    return 1000 * counted(seen, kind, "buffered_s", span) / emitted if emitted else None


def slide_delays_s(turned: Sequence[tuple[int, float]], seen: Seen, span: Span) -> list[float]:
    """From the turning of each slide to its first sight; until the span's end for one never seen."""
    delays = []
    for number, at in turned:
        if span.begin <= at < span.end - 5:
            first = min((when for one, when in seen.slides if one == number and when >= at), default=span.end)
            delays.append(first - at)
    return delays


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that so large a share does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else None
