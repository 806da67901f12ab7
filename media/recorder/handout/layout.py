"""Where each picture stands on the handed-out file: the screen or the lead large, everybody else small at the side."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.contract import HandoutSource

WIDTH, HEIGHT = 1280, 720
TILE_WIDTH, TILE_HEIGHT = 240, 134
MOST_TILES = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle in pixels; all four numbers are even, as chroma planes need."""

    x: int
    y: int
    width: int
    height: int

    def fitted(self, width: int, height: int) -> "Place":
        """The largest place inside this one with the proportions of a picture of that size, centred."""
        scale = min(self.width / width, self.height / height)
        inner_width, inner_height = (max(2, int(side * scale) // 2 * 2) for side in (width, height))
        return Place(
            self.x + (self.width - inner_width) // 4 * 2,
            self.y + (self.height - inner_height) // 4 * 2,
            inner_width,
            inner_height,
        )


def places(sources: Sequence[HandoutSource], at_ms: int) -> dict[int, Place]:
    """The place of each source (by its index) that is part of the lesson at that time and has a picture.

    Somebody in a gap keeps the place, so that nothing jumps when a room reconnects.
    """
    present = [
        index
        for index, one in enumerate(sources)
        if one.has_picture and one.offset_ms <= at_ms < one.offset_ms + one.duration_ms
    ]
    if not present:
        return {}
    main, *small = sorted(present, key=lambda index: (_rank(sources[index]), index))
    small = small[:MOST_TILES]
    if not small:
        return {main: Place(0, 0, WIDTH, HEIGHT)}
    height = min(TILE_HEIGHT, HEIGHT // len(small) // 2 * 2)
    found = {main: Place(0, 0, WIDTH - TILE_WIDTH, HEIGHT)}
    for number, index in enumerate(small):
        found[index] = Place(WIDTH - TILE_WIDTH, number * height, TILE_WIDTH, height)
    return found


def _rank(source: HandoutSource) -> int:
    if source.role == "lead":
        return 0 if source.source == "screen" else 1
    return 2
