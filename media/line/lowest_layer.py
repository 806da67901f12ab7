"""How much the lowest layer of a picture may take, so that it fits the lines of those who get no more of it (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.contract import TrackSource

MARGIN = 0.9
"Of what a line has left for a picture, so much is asked for: headers and the encoder's swings need the rest."
LEAST_BPS = 120_000.0
"With less than this a picture is not worth its name."


@dataclass(frozen=True)
class Range:
    """Between what the lowest layer of a picture may move, bit/s."""

    usual: float
    "No receiver's weak line makes it less than this for another who could have that much."
    most: float
    alone: bool = False
    "Whether there is no higher layer: then the most is what the publisher sends by itself."


RANGES: dict[tuple[TrackSource, bool], Range] = {
    ("camera", True): Range(350_000, 900_000),
    ("camera", False): Range(200_000, 900_000, alone=True),
    ("screen", False): Range(600_000, 1_200_000, alone=True),
}
"By source and whether there are higher layers; the publisher takes no more than suits it."


@dataclass(frozen=True)
class Lowest:
    """What to ask of a publisher."""

    bps: float | None
    "None: what the publisher thinks best."
    elastic: bool
    "Whether it may be lowered as far as a weaker line needs."


FREE = Lowest(None, elastic=False)


def range_of(source: TrackSource, layers: int) -> Range:
    """Between what the lowest layer of such a track may move."""
    return RANGES.get((source, layers > 1)) or RANGES["camera", layers > 1]


def lowest_layer(left_bps: Sequence[float], limits: Range) -> Lowest:
    """From what each line that gets no higher layer has left for this picture."""
    if not left_bps or min(left_bps) == float("inf"):
        return FREE
    weakest, strongest = MARGIN * min(left_bps), MARGIN * max(left_bps)
    elastic = len(left_bps) == 1 or strongest < limits.usual
    asked = weakest if elastic else max(weakest, limits.usual)
    if limits.alone and asked >= limits.most:
        return Lowest(None, elastic)
    return Lowest(min(max(asked, LEAST_BPS), limits.most), elastic)
