"""Maximal sets of intervals that share an instant: the strongest linear way to say "at most so many at once"."""

from collections.abc import Iterable, Sequence


def maximal_cliques(
    members: Iterable[int], starts: Sequence[int], ends: Sequence[int], least: int = 2
) -> list[tuple[int, list[int]]]:
    """Every maximal clique of the members' half-open intervals, with an instant that all of its members contain.

    `starts` and `ends` are indexed by member. Cliques smaller than `least` are left out. Members are ordered by start.
    """
    ordered = sorted(members, key=lambda member: (starts[member], member))
    cliques: list[tuple[int, list[int]]] = []
    active: list[int] = []
    for at, member in enumerate(ordered):
        instant = starts[member]
        active = [other for other in active if ends[other] > instant]
        active.append(member)
        # The clique is maximal unless the next interval begins before any active one ends.
        if at + 1 < len(ordered) and starts[ordered[at + 1]] < min(ends[other] for other in active):
            continue
        if len(active) >= least:
            cliques.append((instant, list(active)))
    return cliques
