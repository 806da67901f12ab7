"""Minutes of the week as bit masks on the 5-minute grid, and the rule whether a class can attend a lesson.

Bit i of a mask stands for minutes 5i to 5i+5 of the week.
"""

from collections.abc import Iterable

from scheduler.instance.snapshot import DAY_MINUTES, GRID_MINUTES, WEEK_MINUTES, Interval

SHORT_BREAK_MINUTES = 10
GRID_SLOTS = WEEK_MINUTES // GRID_MINUTES


def mask_of(start: int, end: int) -> int:
    """The mask of one interval in minutes."""
    return (1 << (end // GRID_MINUTES)) - (1 << (start // GRID_MINUTES))


def mask_of_all(intervals: Iterable[Interval]) -> int:
    """The union of intervals as a mask."""
    mask = 0
    for start, end in intervals:
        mask |= mask_of(start, end)
    return mask


def short_breaks(breaks: Iterable[Interval]) -> int:
    """The mask, on all seven days, of those breaks of the day that a lesson may eat into."""
    short = [(start, end) for start, end in breaks if end - start <= SHORT_BREAK_MINUTES]
    return mask_of_all((day + start, day + end) for day in range(0, WEEK_MINUTES, DAY_MINUTES) for start, end in short)


class FreeTime:
    """When a class can attend: its free periods, and the short breaks (a mask) that a lesson may eat."""

    __slots__ = ("_allowed", "_free")

    def __init__(self, free: Iterable[Interval], breaks: int) -> None:
        self._free = tuple(free)
        self._allowed = mask_of_all(self._free) | breaks

    def offset(self, start: int, end: int) -> int | None:
        """Grid steps between the starts of the lesson and of the free period it lies in; None if it cannot be attended.

        A lesson touches nothing but free periods and short breaks, and lies in one free period by three quarters.
        """
        if mask_of(start, end) & ~self._allowed:
            return None
        for free_start, free_end in self._free:
            if 4 * (min(end, free_end) - max(start, free_start)) >= 3 * (end - start):
                return abs(start - free_start) // GRID_MINUTES
        return None
