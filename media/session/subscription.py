"""One subscriber's m-lines: which track each carries, what was offered, and when the next offer is due.

At most one offer is outstanding; changes meanwhile are gathered into the next one. Lines are never removed (RFC 3264
section 8): a line is reused for a new track only after the client has answered it as inactive, because only then does
a browser announce the new track.
"""

from dataclasses import dataclass

from media.contract import TrackKind, TrackSource
from media.session.actions import Attach, Detach, OfferedLine, OfferTracks
from media.session.transitions import OFFERS, OfferInput, OfferState


@dataclass(frozen=True)
class Track:
    """A track some party publishes."""

    track_id: str
    party_id: str
    mid: str
    source: TrackSource
    kind: TrackKind
    codec: str
    temporal_layers: int = 1


@dataclass
class Line:
    """One m-line of the subscribing peer connection."""

    mid: str
    kind: TrackKind
    track: Track | None = None
    "What the line should carry."
    answered_track_id: str | None = None
    "What it carried in the last answered offer."
    attached: bool = False


class Subscription:
    """The lines of one connection, and the negotiation about them."""

    def __init__(self, connection_id: str, max_lines: int) -> None:
        self._connection_id = connection_id
        self._max_lines = max_lines
        self._lines: list[Line] = []
        self._wanted: dict[str, Track] = {}
        self._state = OfferState.IDLE
        self._offer_id = 0
        self._offered: tuple[OfferedLine, ...] = ()
        self._dirty = False
        self._restarts = False
        self._ended = False
        self.offered_at: float | None = None
        self.reuses_lines = True

    @property
    def exhausted(self) -> bool:
        """Whether tracks wait that this peer connection can never take: only a new one helps."""
        if self.reuses_lines or self._state is not OfferState.IDLE or len(self._lines) < self._max_lines:
            return False
        return sum(line.track is not None for line in self._lines) < min(len(self._wanted), self._max_lines)

    @property
    def outstanding(self) -> tuple[int, tuple[OfferedLine, ...]] | None:
        """Id and lines of the offer that waits for its answer."""
        return None if self._state is OfferState.IDLE else (self._offer_id, self._offered)

    def want(self, track: Track) -> None:
        """The subscriber should receive this track."""
        if track.track_id not in self._wanted:
            self._wanted[track.track_id] = track
            self._dirty = True

    def unwant(self, track_id: str) -> list[Detach]:
        """The subscriber should no longer receive this track, if it did."""
        if self._wanted.pop(track_id, None) is None:
            return []
        self._dirty = True
        for line in self._lines:
            if line.track is not None and line.track.track_id == track_id:
                line.track = None
                if line.attached:
                    line.attached = False
                    return [Detach(self._connection_id, line.mid)]
        return []

    def end(self) -> list[Detach]:
        """Nothing need be sent any more, and nothing is offered from now on."""
        self._ended = True
        attached = [line for line in self._lines if line.attached]
        for line in attached:
            line.attached = False
        return [Detach(self._connection_id, line.mid) for line in attached]

    def wants(self, track_id: str) -> bool:
        """Whether the track is among those the subscriber should receive."""
        return track_id in self._wanted

    def restart(self) -> None:
        """The client's path is dead: offer again, so that it gets new ICE credentials. Without an offer, nothing."""
        if self._offer_id:
            self._restarts = self._dirty = True

    def settle(self, now: float) -> list[OfferTracks]:
        """Make the offer that gathered changes call for, if one may go out now."""
        if not self._dirty or self._ended:
            return []
        self._dirty = False
        return self._advance(OfferInput.CHANGED, now)

    def answered(self, accepted_mids: frozenset[str], now: float) -> list[Attach | OfferTracks]:
        """Take the answer to the outstanding offer: attach what it accepts and offer again what changed meanwhile."""
        actions: list[Attach | OfferTracks] = []
        for line, offered in zip(self._lines, self._offered, strict=False):
            line.answered_track_id = offered.track_id
            still_wanted = line.track is not None and line.track.track_id == offered.track_id
            accepted = offered.mid in accepted_mids and not self._ended
            if still_wanted and offered.track_id and accepted and not line.attached:
                line.attached = True
                actions.append(Attach(self._connection_id, line.mid, offered.track_id))
        placed = sum(line.track is not None for line in self._lines)
        if placed < len(self._wanted):
            # A line that this answer freed may take a track that found none before.
            self._dirty = True
        self.offered_at = None
        if not self._ended:
            actions.extend(self._advance(OfferInput.ANSWERED, now))
        return actions

    def _advance(self, happened: OfferInput, now: float) -> list[OfferTracks]:
        self._state, due = OFFERS[self._state, happened]
        if not due:
            return []
        self._place_wanted_tracks()
        lines = tuple(_describe(line) for line in self._lines)
        unchanged = all(line.track_id == old.answered_track_id for line, old in zip(lines, self._lines, strict=True))
        if unchanged and not self._restarts:
            # Tracks came and went before anyone was told, or there is no line left for them.
            self._state = OfferState.IDLE
            return []
        self._offer_id += 1
        self._offered = lines
        self.offered_at = now
        restarts, self._restarts = self._restarts, False
        return [OfferTracks(self._connection_id, self._offer_id, lines, restarts=restarts)]

    def _place_wanted_tracks(self) -> None:
        placed = {line.track.track_id for line in self._lines if line.track is not None}
        for track_id, track in self._wanted.items():
            if track_id not in placed and (line := self._line_for(track.kind)) is not None:
                line.track = track

    def _line_for(self, kind: TrackKind) -> Line | None:
        for line in self._lines if self.reuses_lines else ():
            if line.kind == kind and line.track is None and line.answered_track_id is None:
                return line
        if len(self._lines) >= self._max_lines:
            return None
        line = Line(mid=str(len(self._lines)), kind=kind)
        self._lines.append(line)
        return line


def _describe(line: Line) -> OfferedLine:
    track = line.track
    if track is None:
        return OfferedLine(line.mid, line.kind, None, None, None)
    return OfferedLine(line.mid, line.kind, track.track_id, track.party_id, track.source)
