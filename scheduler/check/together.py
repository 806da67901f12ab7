"""The lessons that a dedicated series holds together and a demand attends together, all sets tried one by one.

A certificate may price lists of a series' times for a demand: the demand pays for each lesson it attends in a list but
the first, and gets the price back if it attends the series and none of them; the series earns it for each lesson it
holds in the list but the first. Whatever a demand attends is held, so no plan is worth less with these payments.
"""

from collections.abc import Iterator, Mapping, Sequence

MOST_SETS = 2_000


def countable(days: Sequence[int], most: int) -> bool:
    """Whether there are few enough sets of at most that many lessons, one a day, to try them all."""
    sets = [1] + [0] * most
    for day in set(days):
        here = days.count(day)
        for size in range(most, 0, -1):
            sets[size] += sets[size - 1] * here
    return sum(sets) <= MOST_SETS


def lesson_sets(days: Mapping[int, int], most: int) -> Iterator[tuple[int, ...]]:
    """Every set of at least one and at most that many of the lessons (keys), on different days (values)."""
    ordered = sorted(days)

    def extend(at: int, chosen: tuple[int, ...], used: frozenset[int]) -> Iterator[tuple[int, ...]]:
        if chosen:
            yield chosen
        if len(chosen) == most:
            return
        for position in range(at, len(ordered)):
            lesson = ordered[position]
            if days[lesson] not in used:
                yield from extend(position + 1, (*chosen, lesson), used | {days[lesson]})

    yield from extend(0, (), frozenset())


def mask_of_lessons(lessons: Sequence[int]) -> int:
    """The lessons as bits."""
    return sum(1 << lesson for lesson in lessons)


def best_attended(worths: Mapping[int, int], days: Mapping[int, int], most: int, prices: Mapping[int, int]) -> int:
    """The most that attending some of the lessons (at least one) is worth; `prices` by the mask of each list."""
    best: int | None = None
    for chosen in lesson_sets({lesson: days[lesson] for lesson in worths}, most):
        mask = mask_of_lessons(chosen)
        worth = sum(worths[lesson] for lesson in chosen)
        worth -= sum(price * ((mask & wanted).bit_count() - 1) for wanted, price in prices.items())
        best = worth if best is None else max(best, worth)
    if best is None:
        raise ValueError("there is no lesson to attend")
    return best


def best_held(worths: Mapping[int, int], days: Mapping[int, int], most: int, prices: Mapping[int, int]) -> int:
    """The most that holding some of the lessons, or none, is worth to the series."""
    best = 0
    for chosen in lesson_sets(days, most):
        mask = mask_of_lessons(chosen)
        worth = sum(worths[lesson] for lesson in chosen)
        for wanted, price in prices.items():
            held = (mask & wanted).bit_count()
            if held > 1:
                worth += price * (held - 1)
        best = max(best, worth)
    return best
