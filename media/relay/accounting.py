"""Turns the packet core's counters into evidence: for how long the lead's picture and sound really reached a party.

Sans-IO: a sample of all counters is taken once a second; what moved since the last sample counts for the time
between the two, less the share that the receiver reported lost.
"""

from dataclasses import dataclass

from media.forwarder.api import SinkStatistics, Statistics, StreamStatistics

FIRST_REPORT_S = 8.0
"A new sink counts for so long before its first receiver report must have come."
LONGEST_SAMPLE_S = 2.0
"A relay that could not even sample for longer (frozen, starved) did not forward all that time either."
REPORT_AGE_S = 15.0
"A receiver that has not reported for so long receives nothing, as far as we can prove."


@dataclass
class Tally:
    """What one connection received and published since its last report."""

    since_at: float
    lead_picture_s: float = 0.0
    lead_sound_s: float = 0.0
    picture_bytes: int = 0
    sound_bytes: int = 0
    published_picture_s: float = 0.0
    published_sound_s: float = 0.0


@dataclass
class _Counted:
    connection_id: str
    picture: bool
    lead: bool
    since: float
    packets: int = 0
    bytes: int = 0


@dataclass
class _Credit:
    """What one connection is credited in one sample: the best of its sinks and streams."""

    lead_picture_s: float = 0.0
    lead_sound_s: float = 0.0
    published_picture_s: float = 0.0
    published_sound_s: float = 0.0


class DeliveryLedger:
    """Tallies of all connections of a lesson."""

    def __init__(self, now: float) -> None:
        self._sampled_at = now
        self._tallies: dict[str, Tally] = {}
        self._sinks: dict[int, _Counted] = {}
        self._streams: dict[int, _Counted] = {}

    def open(self, connection_id: str, at: float) -> None:
        """Begin a connection's tally at `at`, Unix seconds."""
        self._tallies[connection_id] = Tally(at)

    def add_sink(self, sink: int, connection_id: str, *, picture: bool, lead: bool, now: float) -> None:
        """Count what goes to the connection through this sink; `lead` if the lead publishes it."""
        self._sinks[sink] = _Counted(connection_id, picture, lead, now)

    def add_stream(self, stream: int, connection_id: str, *, picture: bool, now: float) -> None:
        """Count what the connection publishes on this stream."""
        self._streams[stream] = _Counted(connection_id, picture, False, now)

    def forget_sink(self, sink: int) -> None:
        """The sink is gone."""
        self._sinks.pop(sink, None)

    def forget_stream(self, stream: int) -> None:
        """The stream is gone."""
        self._streams.pop(stream, None)

    def sample(self, statistics: Statistics, now: float) -> None:
        """Credit what moved since the last sample."""
        elapsed = min(now - self._sampled_at, LONGEST_SAMPLE_S)
        if elapsed <= 0:
            return
        self._sampled_at = now
        earned: dict[str, _Credit] = {}
        for sink, counted in self._sinks.items():
            if (state := statistics.sinks.get(sink)) is not None:
                self._credit_sink(counted, state, earned, now, elapsed)
        for stream, counted in self._streams.items():
            if (state_in := statistics.streams.get(stream)) is not None:
                _credit_stream(counted, state_in, earned, min(elapsed, now - counted.since))
        for connection_id, credit in earned.items():
            if (tally := self._tallies.get(connection_id)) is not None:
                tally.lead_picture_s += credit.lead_picture_s
                tally.lead_sound_s += credit.lead_sound_s
                tally.published_picture_s += credit.published_picture_s
                tally.published_sound_s += credit.published_sound_s

    def take(self, connection_id: str, at: float) -> Tally | None:
        """The tally since the last call, and begin the next at `at`; None for an unknown connection."""
        tally = self._tallies.get(connection_id)
        if tally is not None:
            self._tallies[connection_id] = Tally(at)
        return tally

    def close(self, connection_id: str, at: float) -> Tally | None:
        """The last tally of a connection."""
        tally = self.take(connection_id, at)
        self._tallies.pop(connection_id, None)
        return tally

    def _credit_sink(
        self, counted: _Counted, state: SinkStatistics, earned: dict[str, _Credit], now: float, elapsed: float
    ) -> None:
        sent_bytes = state.bytes - counted.bytes
        moved = state.packets > counted.packets
        counted.packets, counted.bytes = state.packets, state.bytes
        tally = self._tallies.get(counted.connection_id)
        if tally is None:
            return
        if counted.picture:
            tally.picture_bytes += sent_bytes
        else:
            tally.sound_bytes += sent_bytes
        if moved and counted.lead:
            received = 1.0 - state.fraction_lost if _is_received(counted, state, now) else 0.0
            seconds = received * min(elapsed, now - counted.since)
            best = earned.setdefault(counted.connection_id, _Credit())
            if counted.picture:
                best.lead_picture_s = max(best.lead_picture_s, seconds)
            else:
                best.lead_sound_s = max(best.lead_sound_s, seconds)


def _is_received(counted: _Counted, state: SinkStatistics, now: float) -> bool:
    if state.last_rr is None:
        return now - counted.since <= FIRST_REPORT_S
    return now - state.last_rr <= REPORT_AGE_S


def _credit_stream(counted: _Counted, state: StreamStatistics, earned: dict[str, _Credit], seconds: float) -> None:
    moved = state.packets > counted.packets
    counted.packets, counted.bytes = state.packets, state.bytes
    if moved:
        best = earned.setdefault(counted.connection_id, _Credit())
        if counted.picture:
            best.published_picture_s = max(best.published_picture_s, seconds)
        else:
            best.published_sound_s = max(best.published_sound_s, seconds)


class PacketTotals:
    """RTP packets taken in and sent on since the start, added up from snapshots: counters vanish with their owners."""

    def __init__(self) -> None:
        self.received = 0
        self.forwarded = 0
        self._streams: dict[int, int] = {}
        self._sinks: dict[int, int] = {}

    def note(self, statistics: Statistics) -> None:
        """Add what came since the last snapshot."""
        streams = {number: stream.packets for number, stream in statistics.streams.items()}
        sinks = {number: sink.packets + sink.resent for number, sink in statistics.sinks.items()}
        self.received += sum(count - self._streams.get(number, 0) for number, count in streams.items())
        self.forwarded += sum(count - self._sinks.get(number, 0) for number, count in sinks.items())
        self._streams, self._sinks = streams, sinks
