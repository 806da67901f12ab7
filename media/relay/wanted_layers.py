"""What publishers are asked for: the layers that somebody is sent, the lowest as large as lines both ways allow."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from media.line.lowest_layer import LEAST_BPS, MARGIN, lowest_layer, range_of
from media.relay.line_parties import LineTrack, Receiver
from media.relay.school_shares import SchoolShares

UNWANTED_S = 5.0
"A layer nobody is sent is switched off at its publisher after so long."
ASK_MORE_EVERY_S = 2.0
"A publisher is asked at once to take less for its lowest layer, and no more often than this to take more."
ASK_STEP = 0.1
"It is asked anew when that differs by more than this."
LOWERED = 0.75
"A lowest layer that takes less than this share of the usual shows less,"
RAISED_AGAIN = 0.95
"until it takes so much again."


class WantedLayers:
    """Looks at the tracks and receivers of one lesson, which are its owner's."""

    def __init__(
        self,
        tracks: Mapping[str, LineTrack],
        receivers: Mapping[str, Receiver],
        shares: SchoolShares,
        tell: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._tracks = tracks
        self._receivers = receivers
        self._shares = shares
        self._tell = tell
        self.on_stage: frozenset[str] = frozenset()
        "Parties that were brought up."
        self.recorded: Callable[[str], bool] = lambda _track_id: False
        "Whether a track is being recorded: then its best layer is needed whoever looks."

    def want(self, track: LineTrack, now: float) -> None:
        """Tell the publisher, if that changed, how many layers anybody is sent and what the lowest may take."""
        facts = track.facts
        if facts.kind != "video":
            return
        needed = facts.layers if self.recorded(facts.track_id) else 0
        for receiver in self._receivers.values():
            for sink, track_id in receiver.sinks.items():
                if track_id == facts.track_id and (choice := receiver.line.granted(sink)) is not None:
                    needed = max(needed, choice.layer + 1)
        track.needed_at[needed] = now
        lately = max((count for count, at in track.needed_at.items() if now - at < UNWANTED_S), default=needed)
        if track.wanted_layers is None and needed == 0 and lately == 0:
            track.needed_at[facts.layers] = now
            lately = facts.layers
        up_left = self._up_left(track, now)
        if sum(track.rates.bits_per_second(layer, now) for layer in range(lately)) > up_left:
            # Its school's line shall not be filled by what it sends.
            lately = min(lately, 1)
        if self._ask_lowest(track, up_left, now) or lately != track.wanted_layers:
            track.wanted_layers = lately
            message = {"v": 1, "type": "wanted", "source": facts.source, "layers": lately}
            if track.asked[0] is not None:
                message["kbps"] = round(track.asked[0] / 1000)
            self._tell(facts.connection_id, message)

    def _up_left(self, track: LineTrack, now: float) -> float:
        """What its publisher's share of the school's line upwards leaves for this track."""
        ceiling = self._shares.up_ceiling_bps(track.facts.connection_id)
        if ceiling is None:
            return float("inf")
        others = [
            other
            for other in self._tracks.values()
            if other.facts.connection_id == track.facts.connection_id
            and other is not track
            and (other.facts.kind == "audio" or other.facts.source == "screen")
        ]
        return max(0.0, ceiling - sum(other.rates.bits_per_second(0, now) for other in others))

    def note_up_demands(self) -> None:
        """Note what each publisher would send in full."""
        demands: dict[str, float] = defaultdict(float)
        for track in self._tracks.values():
            layers = range(track.facts.layers)
            demands[track.facts.connection_id] += sum(track.rates.usual_bps(layer) for layer in layers)
        for connection_id, demand in demands.items():
            self._shares.note_up_demand(connection_id, demand)

    def _ask_lowest(self, track: LineTrack, up_left: float, now: float) -> bool:
        """Find what the lowest layer should take; true if the publisher must be told."""
        limits = range_of(track.facts.source, track.facts.layers)
        track.lowest = lowest_layer(self._left_for(track, now), limits)
        bps = track.lowest.bps
        share = 1.0 if bps is None else bps / limits.usual
        track.lowered = share < (RAISED_AGAIN if track.lowered else LOWERED)
        asked, at = track.asked
        if up_left < (limits.most if bps is None else bps):
            bps = max(LEAST_BPS, MARGIN * up_left)
        if bps is not None and asked is not None:
            less, more = bps < (1 - ASK_STEP) * asked, bps > (1 + ASK_STEP) * asked
            if not less and not (more and now - at >= ASK_MORE_EVERY_S):
                return False
        elif bps == asked:
            return False
        track.asked = (bps, now)
        track.rates.ask_lowest(bps, now)
        return True

    def _left_for(self, track: LineTrack, now: float) -> list[float]:
        """What each line that gets the lowest layer at most has left for it, beside what is as important."""
        found = []
        for receiver in self._receivers.values():
            for sink, track_id in receiver.sinks.items():
                if track_id != track.facts.track_id or not receiver.looks(track):
                    continue
                choice = receiver.line.granted(sink)
                if choice is not None and choice.layer > 0:
                    continue
                left = receiver.line.budget_bps - self._others_take(receiver, sink, now)
                if receiver.shows_small(track) and left >= range_of(track.facts.source, track.facts.layers).usual:
                    # It has no use for more than the usual.
                    receiver.roomy.add(track_id)
                    continue
                receiver.roomy.discard(track_id)
                found.append(max(0.0, left))
        return found

    def _others_take(self, receiver: Receiver, sink: int, now: float) -> float:
        """What the receiver is sent beside this sink that is as important or more."""
        mine = receiver.importance(self._tracks[receiver.sinks[sink]], self.on_stage)
        taken = 0.0
        for other, track_id in receiver.sinks.items():
            track, choice = self._tracks.get(track_id), receiver.line.granted(other)
            if other == sink or track is None or choice is None:
                continue
            if receiver.importance(track, self.on_stage) <= mine:
                # A slide that is turned goes first for a moment; what it leaves else is not left unused.
                taken += track.rates.present_bps(choice.layer, now)
        return taken
