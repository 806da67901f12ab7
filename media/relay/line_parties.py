"""Who takes part in a lesson's lines: published tracks, and receivers with what each shows and is sent."""

from dataclasses import dataclass, field
from typing import Any

from media.contract import LineReason, Party, PictureState, TrackKind, TrackSource
from media.line.allocation import Importance
from media.line.lowest_layer import FREE, Lowest
from media.line.rates import TrackRates
from media.line.subscriber_line import SubscriberLine

LARGE_HEIGHT = 400
"A picture shown smaller than this (CSS pixels times the screen's scale) needs no more than the lowest layer,"
THUMBNAIL_HEIGHT = 200
"and one so small needs no more even where that was lowered for weak lines."


@dataclass(frozen=True)
class TrackFacts:
    """What the lines need to know of a published track."""

    track_id: str
    stream: int
    connection_id: str
    "Of its publisher."
    party: Party
    source: TrackSource
    kind: TrackKind
    layers: int
    "Simulcast layers; 1 without."
    slow: bool
    "Whether its frame rate can be lowered on the way (VP8 with temporal layers)."


@dataclass(eq=False)
class LineTrack:
    """A published track and what its layers take."""

    facts: TrackFacts
    rates: TrackRates
    wanted_layers: int | None = None
    "What its publisher was told last; None: nothing yet."
    needed_at: dict[int, float] = field(default_factory=dict)
    "When each number of layers was last needed."
    lowest: Lowest = FREE
    "What its lowest layer should take."
    lowered: bool = False
    "Whether that is clearly less than usual, for weak lines' sake."
    missing_since: float | None = None
    "Since when its best layer is wanted and does not come, though a lower one does."
    asked: tuple[float | None, float] = (None, float("-inf"))
    "What its publisher was told of that last, and when."


@dataclass(eq=False)
class Receiver:
    """A client's receiving side: its line, what it is sent and shows."""

    connection_id: str
    party: Party
    line: SubscriberLine
    peer: int | None = None
    "Number of its receiving leg in the packet core."
    sinks: dict[int, str] = field(default_factory=dict)
    "Track by sink."
    heights: dict[str, int] | None = None
    "How large it shows each track it knew when it last said so; None: it never did."
    roomy: set[str] = field(default_factory=set)
    "Tracks shown small whose usual lowest layer its line would carry."
    active: dict[int, bool] = field(default_factory=dict)
    repeated: dict[int, bool] = field(default_factory=dict)
    "Sinks of sound whose packets go out twice."
    rtt_s: float | None = None
    decided_at: float = float("-inf")
    wait_ms: int = 0
    "What it was told last of how long to wait for repairs."
    told: tuple[Any, ...] = ()
    told_at: float = float("-inf")
    logged: tuple[PictureState, PictureState, LineReason] = ("none", "none", "none")
    logged_at: float = float("-inf")

    def looks(self, track: LineTrack) -> bool:
        """Whether it shows the track at all."""
        return self.heights is None or self.heights.get(track.facts.track_id, 0) > 0

    def most_layers(self, track: LineTrack) -> int:
        """How many layers are of use at the size at which it shows the track."""
        if not self.looks(track):
            return 0
        # Where the lowest was lowered for others' weak lines, a good line gets the next: nobody sees less for another.
        for_others = track.lowered and track.facts.track_id in self.roomy
        enough = THUMBNAIL_HEIGHT + 1 if for_others else LARGE_HEIGHT
        return 1 if self._height(track) < enough else track.facts.layers

    def shows_small(self, track: LineTrack) -> bool:
        """Whether the usual lowest layer is all it has a use for."""
        return track.facts.layers > 1 and self._height(track) < LARGE_HEIGHT

    def _height(self, track: LineTrack) -> int:
        return LARGE_HEIGHT if self.heights is None else self.heights.get(track.facts.track_id, 0)

    def importance(self, track: LineTrack, on_stage: frozenset[str]) -> Importance:
        """How important the track is to it; what it shows large by its own choice is like one brought up."""
        facts = track.facts
        chosen = self.heights is not None and self.heights.get(facts.track_id, 0) >= LARGE_HEIGHT
        return _importance(facts, brought_up=facts.party.party_id in on_stage or chosen)


def _importance(facts: TrackFacts, *, brought_up: bool) -> Importance:
    lead = facts.party.role == "lead"
    if facts.kind == "audio":
        return Importance.LEAD_SOUND if lead else Importance.OTHER_SOUND
    if facts.source == "screen":
        return Importance.SCREEN
    if lead:
        return Importance.LEAD_PICTURE
    return Importance.BROUGHT_UP if brought_up else Importance.REST
