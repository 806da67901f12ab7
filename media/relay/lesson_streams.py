"""The tracks of one lesson in the packet core: a stream for each that is published, a sink for each on its way out."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from media.contract import Party
from media.forwarder import api as core
from media.relay.accounting import DeliveryLedger
from media.relay.lesson_journals import LessonJournals
from media.relay.lesson_lines import LessonLines
from media.relay.line_parties import TrackFacts
from media.relay.media_port import MediaPort
from media.relay.publisher import Publisher
from media.relay.subscriber import Subscriber
from media.session.actions import StartTrack


@dataclass(eq=False)
class LiveSink:
    """A track on its way to one client."""

    number: int
    connection: "LiveConnection"
    mid: str
    added: bool = False


@dataclass(eq=False)
class LiveTrack:
    """A published track."""

    info: StartTrack
    stream: int
    connection: "LiveConnection"
    added: bool = False
    started: bool = False
    "From its first packet on."
    sinks: dict[str, LiveSink] = field(default_factory=dict)
    "By receiving connection."


@dataclass(eq=False)
class LiveConnection:
    """A client's media."""

    connection_id: str
    party: Party
    publisher: Publisher
    subscriber: Subscriber
    tracks: dict[str, LiveTrack] = field(default_factory=dict)
    received: dict[str, LiveTrack] = field(default_factory=dict)
    "What is sent to the client, by mid."


class LessonStreams:
    """Adds a track to the packet core, the lines, the ledger and the journals together, and takes it away from all."""

    def __init__(
        self,
        port: MediaPort,
        lines: LessonLines,
        ledger: DeliveryLedger,
        journals: LessonJournals,
        *,
        monotonic: Callable[[], float],
        listeners: MutableMapping[int, Callable[[core.StreamStarted], None]],
        started: Callable[[StartTrack, str], None],
    ) -> None:
        """`listeners` gets who hears of a stream, by number; `started` is told a track's codec at its first packet."""
        self._port = port
        self._lines = lines
        self._ledger = ledger
        self._journals = journals
        self._monotonic = monotonic
        self._listeners = listeners
        self._started = started
        self._tracks: dict[str, LiveTrack] = {}
        self._recording = False

    def __len__(self) -> int:
        """How many tracks are published."""
        return len(self._tracks)

    # Tracks

    def start(self, info: StartTrack, connection: LiveConnection) -> None:
        """A client publishes a track."""
        track = LiveTrack(info, self._port.number(), connection)
        connection.tracks[info.track_id] = track
        self._tracks[info.track_id] = track
        self._add_stream(track)

    def end(self, track_id: str, at: float) -> LiveTrack | None:
        """A track is over; `at` is for its journal, Unix seconds."""
        track = self._tracks.pop(track_id, None)
        if track is None:
            return None
        track.connection.tracks.pop(track_id, None)
        self._lines.remove_track(track_id)
        if track.added:
            self._port.command(core.RemoveStream(track.stream))
        self._ledger.forget_stream(track.stream)
        self._listeners.pop(track.stream, None)
        self._journals.end_track(track_id, at)
        return track

    def flow_in(self, connection: LiveConnection) -> None:
        """Media may come from the client: add what waited for it."""
        for track in connection.tracks.values():
            self._add_stream(track)

    def request_keyframe(self, track_id: str) -> None:
        """Ask the track's publisher for a whole picture."""
        if (track := self._tracks.get(track_id)) is not None and track.added:
            self._port.command(core.RequestKeyframe(track.stream))

    # Sinks

    def attach(self, connection: LiveConnection, mid: str, track_id: str) -> None:
        """Send a track to a client, on this m-line."""
        track = self._tracks.get(track_id)
        if track is None:
            return
        sink = LiveSink(self._port.number(), connection, mid)
        track.sinks[connection.connection_id] = sink
        connection.received[mid] = track
        self._add_sink(track, sink)

    def detach(self, connection: LiveConnection, mid: str) -> None:
        """Send nothing more on this m-line of a client."""
        track = connection.received.pop(mid, None)
        sink = track.sinks.pop(connection.connection_id, None) if track is not None else None
        if sink is not None and sink.added:
            self._port.command(core.RemoveSink(sink.number))
            self._ledger.forget_sink(sink.number)
            self._lines.remove_sink(connection.connection_id, sink.number)

    def flow_out(self, connection: LiveConnection) -> None:
        """Media may go to the client: add what waited for it."""
        for track in connection.received.values():
            self._add_sink(track, track.sinks[connection.connection_id])

    # Recording

    def record(self, active: bool) -> None:
        """Journal what may be recorded from now on, or nothing more."""
        self._recording = active
        for track in self._tracks.values():
            if track.added and track.connection.party.recorded:
                self._tap(track, active)

    def records(self, track_id: str) -> bool:
        """Whether the track is journalled now: a party that refused consent is forwarded but never recorded."""
        track = self._tracks.get(track_id)
        return track is not None and self._recording and track.connection.party.recorded

    def _tap(self, track: LiveTrack, active: bool) -> None:
        """Let the packet core put what the track sends into its journal, or no more."""
        into = self._journals.open_track(track.info, track.connection.party) if active else None
        self._port.command(core.SetTap(track.stream, active, into))

    # What the packet core has

    def _add_stream(self, track: LiveTrack) -> None:
        command = track.connection.publisher.stream(track.stream, track.info.mid)
        if track.added or command is None:
            return
        track.added = True
        self._listeners[track.stream] = lambda event: self._stream_started(track, event)
        self._port.command(command)
        if self.records(track.info.track_id):
            self._tap(track, True)
        self._lines.add_track(
            TrackFacts(
                track_id=track.info.track_id,
                stream=track.stream,
                connection_id=track.connection.connection_id,
                party=track.connection.party,
                source=track.info.source,
                kind=track.info.kind,
                layers=max(1, len(command.layers)),
                slow=track.info.codec == "vp8" and track.info.temporal_layers > 1,
            )
        )
        self._ledger.add_stream(
            track.stream,
            track.connection.connection_id,
            picture=track.info.kind == "video",
            lead=track.connection.party.role == "lead",
            now=self._monotonic(),
        )
        for sink in track.sinks.values():
            self._add_sink(track, sink)

    def _add_sink(self, track: LiveTrack, sink: LiveSink) -> None:
        if sink.added or not track.added:
            return
        command = sink.connection.subscriber.sink(sink.number, track.stream, sink.mid, track.info.track_id)
        if command is None:
            return
        sink.added = True
        self._port.command(command)
        self._ledger.add_sink(
            sink.number,
            sink.connection.connection_id,
            picture=track.info.kind == "video",
            lead=track.connection.party.role == "lead",
            now=self._monotonic(),
        )
        connection_id = sink.connection.connection_id
        self._lines.add_sink(connection_id, sink.number, track.info.track_id, self._monotonic())

    def _stream_started(self, track: LiveTrack, event: core.StreamStarted) -> None:
        first, track.started = not track.started, True
        if first:
            self._started(track.info, event.codec)
