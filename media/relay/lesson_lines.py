"""The receivers' lines of one lesson: who is sent which layer, what publishers need not send, what rooms are told."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from media.contract import LineReason, LineState, Party, PictureState, TrackSource
from media.forwarder import api as core
from media.line.allocation import Choice, Wish
from media.line.lowest_layer import FREE, LEAST_BPS
from media.line.rates import TrackRates
from media.line.subscriber_line import SubscriberLine
from media.relay.line_parties import LARGE_HEIGHT, LineTrack, Receiver, TrackFacts
from media.relay.school_shares import SchoolShares
from media.relay.wanted_layers import WantedLayers

DECIDE_EVERY_S = 0.4
"A receiver that gets less than it could is reconsidered so often, the others at each sample."
LEAST_RATE_BPS = 10_000
"The packet core paces no slower."
HELD_BACK_AFTER_S = 4.0
"A layer that is wanted and does not come for so long is one that the publisher's own line does not carry."
TELL_EVERY_S = 2.0
REPEAT_EVERY_S = 15.0
REMEMBERED_S = 120.0
"Who comes back within this time most likely comes over the same line."


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
        self._receivers: dict[str, Receiver] = {}
        self._tracks: dict[str, LineTrack] = {}
        self._carried: dict[str, tuple[float, float]] = {}
        "By party: what the line of its last connection carried, and when that ended."
        self._looked_early: dict[str, dict[str, int]] = {}
        "What clients said of the sizes before their receiving legs were negotiated, by connection."
        self.wanted = WantedLayers(self._tracks, self._receivers, shares, tell)
        "Set its `on_stage` and `recorded`."

    # What there is

    def open_receiver(self, connection_id: str, party: Party, peer: int, now: float, *, reports: bool) -> None:
        """A client's receiving leg was negotiated; may be told again."""
        known = self._receivers.get(connection_id)
        if known is None or known.peer != peer:
            line = SubscriberLine(now, reports=reports, before_bps=self._carried_lately(party, now))
            heights = self._looked_early.pop(connection_id, None) if known is None else known.heights
            self._receivers[connection_id] = Receiver(connection_id, party, line, peer, heights=heights)
        else:
            known.line.reports = known.line.reports or reports

    def close_receiver(self, connection_id: str, now: float) -> None:
        """The client is gone; it may come back."""
        self._looked_early.pop(connection_id, None)
        receiver = self._receivers.pop(connection_id, None)
        if receiver is not None and receiver.line.estimator.known:
            self._carried[receiver.party.party_id] = (receiver.line.estimator.lately_bps, now)

    def _carried_lately(self, party: Party, now: float) -> float | None:
        """What the party's line carried when it was here within the last two minutes."""
        present = [one.line.estimator for one in self._receivers.values() if one.party.party_id == party.party_id]
        known = [estimator.lately_bps for estimator in present if estimator.known]
        self._carried = {one: kept for one, kept in self._carried.items() if now - kept[1] < REMEMBERED_S}
        gone = self._carried.get(party.party_id)
        return known[-1] if known else gone[0] if gone is not None else None

    def add_track(self, facts: TrackFacts) -> None:
        """A track is received."""
        self._tracks[facts.track_id] = LineTrack(facts, TrackRates(facts.source, facts.layers))

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
                self.wanted.want(track, now)

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
        if receiver is None:
            self._looked_early[connection_id] = dict(heights)
        else:
            receiver.heights = dict(heights)
            # What it asked for itself is no sign of a weak line.
            receiver.line.forgive()
            self._decide(receiver, now)
            receiver.line.forgive()
            for track_id in set(receiver.sinks.values()) & self._tracks.keys():
                self.wanted.want(self._tracks[track_id], now)

    def not_looking(self) -> frozenset[str]:
        """The connections that show none of the lead's pictures, by their own choice."""
        return frozenset(one.connection_id for one in self._receivers.values() if self._turned_away(one))

    def _turned_away(self, receiver: Receiver) -> bool:
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
            changed = receiver.line.take_window(event, now)
        else:
            changed = receiver.line.take_probe(event)
        waiting = receiver.line.reason != "none" and now - receiver.decided_at >= DECIDE_EVERY_S
        if changed or waiting:
            self._decide(receiver, now)
        if changed:
            for track_id in set(receiver.sinks.values()) & self._tracks.keys():
                self.wanted.want(self._tracks[track_id], now)

    def moved(self, connection_id: str, now: float) -> None:
        """A receiver goes on over another path."""
        receiver = self._receivers.get(connection_id)
        if receiver is not None and receiver.line.estimator.known:
            receiver.line.estimator.moved(now)
            receiver.line.forgive()
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
        self.wanted.note_up_demands()
        for track in self._tracks.values():
            self.wanted.want(track, now)

    # Deciding

    def _decide(self, receiver: Receiver, now: float) -> None:
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

    def _repeat(self, receiver: Receiver, sink: int) -> None:
        repeats = receiver.line.repeats_sound
        if receiver.repeated.get(sink, False) != repeats:
            receiver.repeated[sink] = repeats
            self._command(core.SetSinkRepeat(sink, repeats))

    def _obey_grant(self, receiver: Receiver, sink: int, choice: Choice | None) -> None:
        track = self._tracks[receiver.sinks[sink]]
        if choice is not None and track.facts.kind == "video":
            self._command(core.SetSinkLayer(sink, choice.layer, choice.temporal))
        if receiver.active.get(sink) != (choice is not None):
            receiver.active[sink] = choice is not None
            self._command(core.SetSinkActive(sink, choice is not None))

    def _wish(self, receiver: Receiver, sink: int, track: LineTrack, now: float) -> Wish:
        facts = track.facts
        importance = receiver.importance(track, self.wanted.on_stage)
        if facts.kind == "audio":
            return Wish(sink, importance, track.rates.choices(now, slow=False, layers=1))
        layers = receiver.most_layers(track)
        # Where nobody gets the lowest layer yet, it is made to fit whoever does first.
        least = LEAST_BPS if track.lowest.elastic or track.lowest == FREE else None
        return Wish(sink, importance, track.rates.choices(now, slow=facts.slow, layers=layers, least_bps=least))

    # Telling

    def _say(self, receiver: Receiver, now: float) -> None:
        states = {track_id: self._state(receiver, sink, now) for sink, track_id in receiver.sinks.items()}
        pictures = {one: state for one, state in states.items() if state != "none"}
        reason = self._reason(receiver, pictures.values())
        told = (reason, tuple(sorted(pictures.items())))
        wait_ms = receiver.line.repair_wait.milliseconds(receiver.rtt_s)
        # Until it waits, the receiver makes up sound: that cannot be told late.
        waits_more = wait_ms > receiver.wait_ms
        changed = told != receiver.told or wait_ms != receiver.wait_ms
        if waits_more or (changed and now - receiver.told_at >= TELL_EVERY_S):
            receiver.told, receiver.told_at, receiver.wait_ms = told, now, wait_ms
            self._tell(receiver.connection_id, self._line_message(receiver, reason, pictures))
        self._log(receiver, reason, now)

    def _line_message(self, receiver: Receiver, reason: str, pictures: Mapping[str, str]) -> dict[str, Any]:
        estimator = receiver.line.estimator
        return {
            "v": 1,
            "type": "line",
            "reason": reason,
            "kbps": round(estimator.rate_bps / 1000) if estimator.known else None,
            "loss_pct": round(100 * estimator.loss, 1),
            "queue_ms": round(estimator.queue_ms),
            "wait_ms": receiver.wait_ms,
            "tracks": [{"track_id": track_id, "state": state} for track_id, state in pictures.items()],
        }

    def _log(self, receiver: Receiver, reason: LineReason, now: float) -> None:
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

    def _lead_state(self, receiver: Receiver, source: TrackSource, now: float) -> PictureState:
        for sink, track_id in receiver.sinks.items():
            track = self._tracks.get(track_id)
            if track is not None and track.facts.party.role == "lead" and track.facts.source == source:
                return self._state(receiver, sink, now)
        return "none"

    def _state(self, receiver: Receiver, sink: int, now: float) -> PictureState:
        """What the receiver gets of a picture, be it for its own line or for the sender's."""
        granted = self._granted_state(receiver, sink)
        track = self._tracks.get(receiver.sinks[sink])
        held_back = granted == "full" and track is not None and self._is_held_back(receiver, track, now)
        return "small" if held_back else granted

    def _is_held_back(self, receiver: Receiver, track: LineTrack, now: float) -> bool:
        missing = track.missing_since is not None and now - track.missing_since >= HELD_BACK_AFTER_S
        return missing and receiver.most_layers(track) == track.facts.layers

    def _watch_best_layer(self, track: LineTrack, now: float) -> None:
        best = track.facts.layers - 1
        missing = best > 0 and track.wanted_layers == best + 1
        missing = missing and track.rates.is_sent(0, now) and not track.rates.is_sent(best, now)
        track.missing_since = (track.missing_since or now) if missing else None

    def _granted_state(self, receiver: Receiver, sink: int) -> PictureState:
        track = self._tracks.get(receiver.sinks[sink])
        if track is None or track.facts.kind != "video" or not receiver.looks(track):
            return "none"
        choice = receiver.line.granted(sink)
        if choice is None:
            return "paused"
        if choice.temporal is not None:
            return "slow"
        return "full" if choice.layer == receiver.most_layers(track) - 1 else "small"

    def _reason(self, receiver: Receiver, states: Iterable[PictureState]) -> LineReason:
        granted = {self._granted_state(receiver, sink) for sink in receiver.sinks} - {"full", "none"}
        if granted:
            return receiver.line.reason if receiver.line.reason != "none" else "line"
        return "sender" if any(state != "full" for state in states) else "none"
