"""Whether something grows: samples over hours reduced to a robust slope, and judged against what it may be."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

MOST_PAIRED = 240
"""Samples the slope is taken from; more are thinned evenly, because every pair of them is looked at."""


@dataclass(frozen=True)
class Allowance:
    """What a figure may gain within the time watched: an absolute amount, or a share of where it began."""

    absolute: float
    share: float

    def of(self, start: float) -> float:
        """The gain allowed to what began at `start`."""
        return max(self.absolute, self.share * start)


@dataclass(frozen=True)
class Growth:
    """One figure's course."""

    start: float
    end: float
    per_hour: float
    gained: float
    allowed: float

    @property
    def grows(self) -> bool:
        """Whether it gained more than it may."""
        return self.gained > self.allowed

    def figures(self) -> dict[str, Any]:
        """For the report."""
        return {
            "start": round(self.start, 2),
            "end": round(self.end, 2),
            "per_hour": round(self.per_hour, 2),
            "allowed_gain": round(self.allowed, 2),
            "grows": self.grows,
        }


def judge(samples: Sequence[tuple[float, float]], allowance: Allowance) -> Growth:
    """Judge (time in s, value) samples by the median of the slopes of all pairs (Theil-Sen).

    A single peak does not bend it. Raises ValueError for fewer than ten samples: nothing can be said of them.
    """
    if len(samples) < 10:
        raise ValueError(f"{len(samples)} samples say nothing of growth")
    step = -(-len(samples) // MOST_PAIRED)
    thinned = samples[::step]
    slope = statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(thinned, 2) if b[0] > a[0])
    tenth = max(1, len(samples) // 10)
    start = statistics.median(value for _, value in samples[:tenth])
    end = statistics.median(value for _, value in samples[-tenth:])
    gained = slope * (samples[-1][0] - samples[0][0])
    return Growth(start, end, slope * 3600, gained, allowance.of(start))
