"""Sets of stretches of time as sorted, disjoint (from_ms, to_ms) pairs: united, cut, measured. Pure."""

from collections.abc import Iterable, Sequence

Part = tuple[int, int]
MOST_PARTS = 2_000
"""Stretches kept for one person and lesson; beyond it the smallest holes are closed."""


def united(parts: Iterable[Sequence[int]]) -> list[Part]:
    """Give the same stretches sorted and without overlap; empty ones vanish."""
    result: list[Part] = []
    for begin, end in sorted((part[0], part[1]) for part in parts if part[1] > part[0]):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


def length_ms(parts: Iterable[Sequence[int]]) -> int:
    """Add up disjoint stretches."""
    return sum(part[1] - part[0] for part in parts)


def cut_to(parts: Iterable[Sequence[int]], begin_ms: int, end_ms: int) -> list[Part]:
    """Give what of the stretches lies within [begin, end)."""
    return united((max(part[0], begin_ms), min(part[1], end_ms)) for part in parts)


def without(parts: Sequence[Part], known: Sequence[Part]) -> list[Part]:
    """Give what of `parts` is not in `known`; both sorted and disjoint."""
    result: list[Part] = []
    for begin, end in parts:
        at = begin
        for known_begin, known_end in known:
            if known_end <= at or known_begin >= end:
                continue
            if known_begin > at:
                result.append((at, known_begin))
            at = max(at, known_end)
        if at < end:
            result.append((at, end))
    return result


def first_of(parts: Iterable[Part], most_ms: int) -> list[Part]:
    """Give the stretches from the first on, `most_ms` in all at most."""
    result: list[Part] = []
    left_ms = most_ms
    for begin, end in parts:
        if left_ms <= 0:
            break
        result.append((begin, min(end, begin + left_ms)))
        left_ms -= end - begin
    return result


def simplified(parts: list[Part]) -> list[Part]:
    """Close the smallest holes until no more than MOST_PARTS are left: a table row must stay a row."""
    while len(parts) > MOST_PARTS:
        index = min(range(len(parts) - 1), key=lambda number: parts[number + 1][0] - parts[number][1])
        parts[index : index + 2] = [(parts[index][0], parts[index + 1][1])]
    return parts
