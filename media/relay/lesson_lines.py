"""The receivers' lines of one lesson: who is sent which layer, what publishers need not send, what rooms are told."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from media.contract import LineReason, LineState, Party, PictureState, TrackKind, TrackSource
from media.forwarder import api as core
from media.line.allocation import Choice, Importance, Wish
from media.line.lowest_layer import FREE, LEAST_BPS, MARGIN, Lowest, lowest_layer, range_of
from media.line.rates import TrackRates
from media.line.subscriber_line import SubscriberLine
from media.relay.school_shares import SchoolShares

LARGE_HEIGHT = 400
"A picture shown smaller than this (CSS pixels times the screen's scale) needs no more than the lowest layer."
UNWANTED_S = 5.0
"A layer nobody is sent is switched off at its publisher after so long."
DECIDE_EVERY_S = 0.4
"A receiver that gets less than it could is reconsidered so often, the others at each sample."
ASK_MORE_EVERY_S = 2.0
"A publisher is asked at once to take less for its lowest layer, and no more often than this to take more."
ASK_STEP = 0.1
"It is asked anew when that differs by more than this."
LEAST_RATE_BPS = 10_000
"The packet core paces no slower."
HELD_BACK_AFTER_S = 4.0
"A layer that is wanted and does not come for so long is one that the publisher's own line does not carry."
TELL_EVERY_S = 2.0
REPEAT_EVERY_S = 15.0


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
class _Track:
    facts: TrackFacts
    rates: TrackRates
    wanted_layers: int | None = None
    "What its publisher was told last; None: nothing yet."
    needed_at: dict[int, float] = field(default_factory=dict)
    "When each number of layers was last needed."
    lowest: Lowest = FREE
    "What its lowest layer should take."
    missing_since: float | None = None
    "Since when its best layer is wanted and does not come, though a lower one does."
    asked: tuple[float | None, float] = (None, float("-inf"))
    "What its publisher was told of that last, and when."


@dataclass(eq=False)
class _Receiver:
    connection_id: str
    party: Party
    line: SubscriberLine
    peer: int | None = None
    "Number of its receiving leg in the packet core."
    sinks: dict[int, str] = field(default_factory=dict)
    "Track by sink."
    heights: dict[str, int] | None = None
    "How large it shows each track it knew when it last said so; None: it never did."
    active: dict[int, bool] = field(default_factory=dict)
    repeated: dict[int, bool] = field(default_factory=dict)
    "Sinks of sound whose packets go out twice."
    rtt_s: float | None = None
    decided_at: float = float("-inf")
    told: tuple[Any, ...] = ()
    told_at: float = float("-inf")
    logged: tuple[PictureState, PictureState, LineReason] = ("none", "none", "none")
    logged_at: float = float("-inf")


class LessonLines:
    """Driven by the lesson; gives the packet core its commands itself."""

    def __init__(
        self,
        lesson_id: str,
        command: Callable[[core.Command], None],
        shares: SchoolShares,
        *,
        tell: Callable[[str, dict[str, Any]], None],
        emit: Callable[[LineState], None],
        wall: Callable[[], float],
    ) -> None:
        self._lesson_id = lesson_id
        self._command = command
        self._shares = shares
        self._tell = tell
        self._emit = emit
        self._wall = wall
        self._receivers: dict[str, _Receiver] = {}
        self._tracks: dict[str, _Track] = {}
        self.on_stage: frozenset[str] = frozenset()
        "Parties that were brought up."
        self.recorded: Callable[[str], bool] = lambda _track_id: False
        "Whether a track is being recorded: then its best layer is needed whoever looks."

    # What there is

    def open_receiver(self, connection_id: str, party: Party, peer: int, now: float, *, reports: bool) -> None:
        """A client's receiving leg was negotiated; may be told again."""
        known = self._receivers.get(connection_id)
        if known is None or known.peer != peer:
            line = SubscriberLine(now, reports=reports)
            self._receivers[connection_id] = _Receiver(connection_id, party, line, peer)
        else:
            known.line.reports = known.line.reports or reports

    def close_receiver(self, connection_id: str) -> None:
        """The client is gone."""
        self._receivers.pop(connection_id, None)

    def add_track(self, facts: TrackFacts) -> None:
        """A track is received."""
        self._tracks[facts.track_id] = _Track(facts, TrackRates(facts.source, facts.layers))

    def remove_track(self, track_id: str) -> None:
        """A track is over."""
        self._tracks.pop(track_id, None)

    def add_sink(self, connection_id: str, sink: int, track_id: str, now: float) -> None:
        """A track is about to be sent to a receiver; decides at once whether and how."""
        receiver = self._receivers.get(connection_id)
        if receiver is not None:
            receiver.sinks[sink] = track_id
            if receiver.heights is not None:
                # It cannot have said anything of this one yet.
                receiver.heights.setdefault(track_id, LARGE_HEIGHT)
            receiver.active[sink] = True
            receiver.repeated.pop(sink, None)
            self._decide(receiver, now)
            if (track := self._tracks.get(track_id)) is not None:
                self._want(track, now)

    def remove_sink(self, connection_id: str, sink: int) -> None:
        """A track is not sent to a receiver any more."""
        receiver = self._receivers.get(connection_id)
        if receiver is not None:
            receiver.sinks.pop(sink, None)
            receiver.active.pop(sink, None)
            receiver.repeated.pop(sink, None)

    def looked(self, connection_id: str, heights: Mapping[str, int], now: float) -> None:
        """A client says how large it shows the tracks, in lines; what it does not name it does not show."""
        receiver = self._receivers.get(connection_id)
        if receiver is not None:
            receiver.heights = dict(heights)
            # What it asked for itself is no sign of a weak line.
            receiver.line.forgive()
            self._decide(receiver, now)
            receiver.line.forgive()
            for track_id in set(receiver.sinks.values()) & self._tracks.keys():
                self._want(self._tracks[track_id], now)

    def not_looking(self) -> frozenset[str]:
        """The connections that show none of the lead's pictures, by their own choice."""
        return frozenset(one.connection_id for one in self._receivers.values() if self._turned_away(one))

    def _turned_away(self, receiver: _Receiver) -> bool:
        heights = receiver.heights
        return heights is not None and not any(
            heights.get(track_id, 0) > 0
            for track_id in receiver.sinks.values()
            if (track := self._tracks.get(track_id)) and track.facts.party.role == "lead"
        )

    # What happens

    def heard(self, connection_id: str, event: core.ReceiverWindow | core.ProbeResult, now: float) -> None:
        """The packet core reports on a receiver's line."""
        receiver = self._receivers.get(connection_id)
        if receiver is None:
            return
        if isinstance(event, core.ReceiverWindow):
            changed = receiver.line.take_window(event)
        else:
            changed = receiver.line.take_probe(event)
        waiting = receiver.line.reason != "none" and now - receiver.decided_at >= DECIDE_EVERY_S
        if changed or waiting:
            self._decide(receiver, now)

    def sample(self, statistics: core.Statistics, now: float) -> None:
        """Reconsider everything by fresh counters, about twice a second."""
        for track in self._tracks.values():
            if (state := statistics.streams.get(track.facts.stream)) is not None:
                track.rates.note(state, now)
            self._watch_best_layer(track, now)
        for receiver in self._receivers.values():
            rtts = [sent.rtt for sink in receiver.sinks if (sent := statistics.sinks.get(sink)) and sent.rtt]
            receiver.rtt_s = min(rtts, default=receiver.rtt_s)
            self._decide(receiver, now)
            self._say(receiver, now)
        self._note_up_demands(now)
        for track in self._tracks.values():
            self._want(track, now)

    # Deciding

    def _decide(self, receiver: _Receiver, now: float) -> None:
        receiver.decided_at = now
        wishes = [
            self._wish(receiver, sink, self._tracks[track_id], now)
            for sink, track_id in receiver.sinks.items()
            if track_id in self._tracks
        ]
        demand = sum(wish.choices[-1].bits_per_second for wish in wishes if wish.choices)
        self._shares.note_demand(receiver.connection_id, demand)
        orders = receiver.line.decide(wishes, self._shares.ceiling_bps(receiver.connection_id), now)
        for grant in orders.grants:
            self._obey_grant(receiver, grant.sink, grant.choice)
        for sink, track_id in receiver.sinks.items():
            if (track := self._tracks.get(track_id)) is not None and track.facts.kind == "audio":
                self._repeat(receiver, sink)
        if receiver.peer is not None and orders.rate_bps is not None:
            self._command(core.SetPeerRate(receiver.peer, max(LEAST_RATE_BPS, orders.rate_bps)))
        if receiver.peer is not None and orders.probe is not None:
            self._command(core.Probe(receiver.peer, orders.probe.bits_per_second, orders.probe.duration_ms))

    def _repeat(self, receiver: _Receiver, sink: int) -> None:
        repeats = receiver.line.repeats_sound
        if receiver.repeated.get(sink, False) != repeats:
            receiver.repeated[sink] = repeats
            self._command(core.SetSinkRepeat(sink, repeats))

    def _obey_grant(self, receiver: _Receiver, sink: int, choice: Choice | None) -> None:
        track = self._tracks[receiver.sinks[sink]]
        if choice is not None and track.facts.kind == "video":
            self._command(core.SetSinkLayer(sink, choice.layer, choice.temporal))
        if receiver.active.get(sink) != (choice is not None):
            receiver.active[sink] = choice is not None
            self._command(core.SetSinkActive(sink, choice is not None))

    def _wish(self, receiver: _Receiver, sink: int, track: _Track, now: float) -> Wish:
        facts = track.facts
        if facts.kind == "audio":
            return Wish(sink, _importance(facts, brought_up=False), track.rates.choices(now, slow=False, layers=1))
        height = LARGE_HEIGHT if receiver.heights is None else receiver.heights.get(facts.track_id, 0)
        layers = 0 if height <= 0 else 1 if height < LARGE_HEIGHT else facts.layers
        importance = self._importance_at(receiver, track)
        least = LEAST_BPS if track.lowest.elastic else None
        return Wish(sink, importance, track.rates.choices(now, slow=facts.slow, layers=layers, least_bps=least))

    def _importance_at(self, receiver: _Receiver, track: _Track) -> Importance:
        facts = track.facts
        chosen = receiver.heights is not None and receiver.heights.get(facts.track_id, 0) >= LARGE_HEIGHT
        return _importance(facts, brought_up=facts.party.party_id in self.on_stage or chosen)

    # Dynacast

    def _want(self, track: _Track, now: float) -> None:
        """Tell the publisher how many of the track's layers anybody is sent, or would be."""
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

    def _up_left(self, track: _Track, now: float) -> float:
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

    def _note_up_demands(self, now: float) -> None:
        demands: dict[str, float] = defaultdict(float)
        for track in self._tracks.values():
            layers = range(track.facts.layers)
            demands[track.facts.connection_id] += sum(track.rates.usual_bps(layer) for layer in layers)
        for connection_id, demand in demands.items():
            self._shares.note_up_demand(connection_id, demand)

    def _ask_lowest(self, track: _Track, up_left: float, now: float) -> bool:
        """Find what the lowest layer should take; true if the publisher must be told."""
        limits = range_of(track.facts.source, track.facts.layers)
        track.lowest = lowest_layer(self._left_for(track, now), limits)
        asked, at = track.asked
        bps = track.lowest.bps
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

    def _left_for(self, track: _Track, now: float) -> list[float]:
        """What each line that gets the lowest layer at most has left for it, beside what is as important."""
        found = []
        for receiver in self._receivers.values():
            for sink, track_id in receiver.sinks.items():
                if track_id != track.facts.track_id or not self._looks(receiver, track):
                    continue
                choice = receiver.line.granted(sink)
                if choice is not None and choice.layer > 0:
                    continue
                left = receiver.line.budget_bps - self._others_take(receiver, sink, now)
                small = self._most_layers(receiver, track) < track.facts.layers
                if not small or left < range_of(track.facts.source, track.facts.layers).usual:
                    # Who shows it small has no use for more than the usual.
                    found.append(max(0.0, left))
        return found

    def _others_take(self, receiver: _Receiver, sink: int, now: float) -> float:
        """What the receiver is sent beside this sink that is as important or more."""
        mine = self._importance_at(receiver, self._tracks[receiver.sinks[sink]])
        taken = 0.0
        for other, track_id in receiver.sinks.items():
            track, choice = self._tracks.get(track_id), receiver.line.granted(other)
            if other == sink or track is None or choice is None:
                continue
            if self._importance_at(receiver, track) <= mine:
                taken += track.rates.bits_per_second(choice.layer, now)
        return taken

    # Telling

    def _say(self, receiver: _Receiver, now: float) -> None:
        states = {track_id: self._state(receiver, sink, now) for sink, track_id in receiver.sinks.items()}
        pictures = {one: state for one, state in states.items() if state != "none"}
        reason = self._reason(receiver, pictures.values())
        told = (reason, tuple(sorted(pictures.items())))
        if told != receiver.told and now - receiver.told_at >= TELL_EVERY_S:
            receiver.told, receiver.told_at = told, now
            self._tell(receiver.connection_id, self._line_message(receiver, reason, pictures))
        self._log(receiver, reason, now)

    def _line_message(self, receiver: _Receiver, reason: str, pictures: Mapping[str, str]) -> dict[str, Any]:
        estimator = receiver.line.estimator
        return {
            "v": 1,
            "type": "line",
            "reason": reason,
            "kbps": round(estimator.rate_bps / 1000) if estimator.known else None,
            "loss_pct": round(100 * estimator.loss, 1),
            "queue_ms": round(estimator.queue_ms),
            "tracks": [{"track_id": track_id, "state": state} for track_id, state in pictures.items()],
        }

    def _log(self, receiver: _Receiver, reason: LineReason, now: float) -> None:
        picture = self._lead_state(receiver, "camera", now)
        screen = self._lead_state(receiver, "screen", now)
        seen = (picture, screen, reason)
        due = TELL_EVERY_S if seen != receiver.logged else REPEAT_EVERY_S if reason != "none" else float("inf")
        if now - receiver.logged_at < due:
            return
        receiver.logged, receiver.logged_at = seen, now
        estimator = receiver.line.estimator
        self._emit(
            LineState(
                lesson_id=self._lesson_id,
                party_id=receiver.party.party_id,
                at=self._wall(),
                picture=picture,
                screen=screen,
                reason=reason,
                kbps=round(estimator.rate_bps / 1000) if estimator.known else None,
                loss_pct=round(100 * estimator.loss, 1),
                queue_ms=round(estimator.queue_ms),
                rtt_ms=round(1000 * receiver.rtt_s) if receiver.rtt_s is not None else None,
            )
        )

    def _lead_state(self, receiver: _Receiver, source: TrackSource, now: float) -> PictureState:
        for sink, track_id in receiver.sinks.items():
            track = self._tracks.get(track_id)
            if track is not None and track.facts.party.role == "lead" and track.facts.source == source:
                return self._state(receiver, sink, now)
        return "none"

    def _state(self, receiver: _Receiver, sink: int, now: float) -> PictureState:
        """What the receiver gets of a picture, be it for its own line or for the sender's."""
        granted = self._granted_state(receiver, sink)
        track = self._tracks.get(receiver.sinks[sink])
        held_back = granted == "full" and track is not None and self._is_held_back(receiver, track, now)
        return "small" if held_back else granted

    def _is_held_back(self, receiver: _Receiver, track: _Track, now: float) -> bool:
        missing = track.missing_since is not None and now - track.missing_since >= HELD_BACK_AFTER_S
        return missing and self._most_layers(receiver, track) == track.facts.layers

    def _watch_best_layer(self, track: _Track, now: float) -> None:
        best = track.facts.layers - 1
        missing = best > 0 and track.wanted_layers == best + 1
        missing = missing and track.rates.is_sent(0, now) and not track.rates.is_sent(best, now)
        track.missing_since = (track.missing_since or now) if missing else None

    def _granted_state(self, receiver: _Receiver, sink: int) -> PictureState:
        track = self._tracks.get(receiver.sinks[sink])
        if track is None or track.facts.kind != "video" or not self._looks(receiver, track):
            return "none"
        choice = receiver.line.granted(sink)
        if choice is None:
            return "paused"
        if choice.temporal is not None:
            return "slow"
        return "full" if choice.layer == self._most_layers(receiver, track) - 1 else "small"

    def _looks(self, receiver: _Receiver, track: _Track) -> bool:
        return receiver.heights is None or receiver.heights.get(track.facts.track_id, 0) > 0

    def _most_layers(self, receiver: _Receiver, track: _Track) -> int:
        if receiver.heights is not None and receiver.heights.get(track.facts.track_id, 0) < LARGE_HEIGHT:
            return 1
        return track.facts.layers

    def _reason(self, receiver: _Receiver, states: Iterable[PictureState]) -> LineReason:
        granted = {self._granted_state(receiver, sink) for sink in receiver.sinks} - {"full", "none"}
        if granted:
            return receiver.line.reason if receiver.line.reason != "none" else "line"
        return "sender" if any(state != "full" for state in states) else "none"


def _importance(facts: TrackFacts, *, brought_up: bool) -> Importance:
    lead = facts.party.role == "lead"
    if facts.kind == "audio":
        return Importance.LEAD_SOUND if lead else Importance.OTHER_SOUND
    if facts.source == "screen":
        return Importance.SCREEN
    if lead:
        return Importance.LEAD_PICTURE
    return Importance.BROUGHT_UP if brought_up else Importance.REST
