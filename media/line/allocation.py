"""Shares a receiver's line among the tracks it is sent, by importance (a pure function).

The ladder, downwards: full, lower layer, lower frame rate, screen and sound, sound alone. Sound is never weighed
against picture: it is always sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

PAUSED = -1
UPGRADE_MARGIN = 1.1
"What is raised must fit with so much to spare, so that it does not fall again at once."


class Importance(IntEnum):
    """Who is served first."""

    LEAD_SOUND = 0
    OTHER_SOUND = 1
    SCREEN = 2
    LEAD_PICTURE = 3
    BROUGHT_UP = 4
    REST = 5


@dataclass(frozen=True)
class Choice:
    """One way to send a picture."""

    layer: int
    "Simulcast layer, 0 is the lowest."
    temporal: int | None
    "Highest temporal layer; None: all."
    bits_per_second: float


@dataclass(frozen=True)
class Wish:
    """A track that a receiver is to be sent."""

    sink: int
    importance: Importance
    choices: tuple[Choice, ...]
    "Cheapest first; sound has one."


_GROUPS = (
    frozenset({Importance.SCREEN, Importance.LEAD_PICTURE}),
    frozenset({Importance.BROUGHT_UP}),
    frozenset({Importance.REST}),
)
"""Within a group everyone gets the cheapest before anyone gets more: a readable screen and a small lead come before a
good picture of either."""


def allocate(wishes: Iterable[Wish], budget_bps: float, present: Mapping[int, int]) -> dict[int, int]:
    """Choose for each sink the number of its choice or PAUSED; `present` are the numbers chosen now."""
    ordered = sorted(wishes, key=lambda wish: (wish.importance, wish.sink))
    sounds = [wish for wish in ordered if wish.importance <= Importance.OTHER_SOUND]
    chosen = {wish.sink: 0 for wish in sounds}
    left = budget_bps - sum(wish.choices[0].bits_per_second for wish in sounds)
    for group in _GROUPS:
        pictures = [wish for wish in ordered if wish.importance in group and wish.choices]
        for wish in pictures:
            now = present.get(wish.sink, PAUSED)
            fits = _cost(wish, 0, now) <= left
            chosen[wish.sink] = 0 if fits else PAUSED
            left -= wish.choices[0].bits_per_second if fits else 0.0
        for wish in pictures:
            left -= _raise(wish, chosen, left, present.get(wish.sink, PAUSED))
    return chosen


def _raise(wish: Wish, chosen: dict[int, int], left: float, now: int) -> float:
    """Choose the best that what is left allows; gives what it takes on top of the cheapest."""
    if chosen[wish.sink] == PAUSED:
        return 0.0
    cheapest = wish.choices[0].bits_per_second
    for number in range(len(wish.choices) - 1, 0, -1):
        if _cost(wish, number, now) - cheapest <= left:
            chosen[wish.sink] = number
            return wish.choices[number].bits_per_second - cheapest
    return 0.0


def _cost(wish: Wish, number: int, now: int) -> float:
    cost = wish.choices[number].bits_per_second
    return cost * UPGRADE_MARGIN if number > now else cost
