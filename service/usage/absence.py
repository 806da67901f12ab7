"""What a room missed because it was away: the lead's sound and picture while nothing was delivered to it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SHORTEST_S = 1.5
"""Less than this between two reports of what was delivered is how they are written, not an absence."""
SHORTEST_AT_THE_ENDS_S = 10.0
"""Before the first report and after the last one more is needed: reports come every 5 s."""


@dataclass(frozen=True)
class Taught:
    """What the lead published between two moments (Unix seconds)."""

    starts: float
    ends: float
    picture_ms: int
    sound_ms: int


@dataclass(frozen=True)
class Absence:
    """A time away, and how much of the lead went by in it."""

    starts: float
    ends: float
    picture_ms: int
    sound_ms: int


def find_absences(
    present: Iterable[tuple[float, float]],
    taught: Mapping[str, Sequence[Taught]],
    within: tuple[float, float] | None,
) -> list[Absence]:
    """Give the times between, and (`within` the lesson, if given) before and after, the intervals `present`.

    `taught` has what each of the lead's parties published: of several the one that published most counts, because a
    teacher and the lead room show the same lesson.
    """
    times = _gaps(sorted(present), within)
    found = []
    for starts, ends in times:
        shares = [_share(starts, ends, of_party) for of_party in taught.values()]
        picture_ms, sound_ms = (max((share[kind] for share in shares), default=0) for kind in (0, 1))
        if picture_ms or sound_ms:
            found.append(Absence(starts, ends, picture_ms, sound_ms))
    return found


def _gaps(present: list[tuple[float, float]], within: tuple[float, float] | None) -> list[tuple[float, float]]:
    if not present:
        return []
    reached, merged = present[0][1], [present[0]]
    for starts, ends in present[1:]:
        if starts - reached > SHORTEST_S:
            merged.append((starts, ends))
        reached = max(reached, ends)
        merged[-1] = (merged[-1][0], reached)
    gaps = [(before[1], after[0]) for before, after in pairwise(merged)]
    if within is not None:
        outer = [(within[0], merged[0][0]), (merged[-1][1], within[1])]
        gaps += [gap for gap in outer if gap[1] - gap[0] > SHORTEST_AT_THE_ENDS_S]
    return sorted(gaps)


def _share(starts: float, ends: float, taught: Sequence[Taught]) -> tuple[int, int]:
    picture_ms = sound_ms = 0.0
    for one in taught:
        overlap_s = min(ends, one.ends) - max(starts, one.starts)
        if overlap_s > 0 and one.ends > one.starts:
            part = overlap_s / (one.ends - one.starts)
            picture_ms += part * one.picture_ms
            sound_ms += part * one.sound_ms
    return round(picture_ms), round(sound_ms)
