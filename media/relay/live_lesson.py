"""One lesson on this relay: carries out what its room decides, on peer connections, the packet core and journals."""

import logging
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

from media.contract import JoinLesson, OpenLesson, RelayEvent, is_connection_test
from media.forwarder import api as core
from media.recorder.journal_disk import JournalDisk
from media.relay.accounting import DeliveryLedger
from media.relay.configuration import RelayConfiguration
from media.relay.lesson_journals import LessonJournals, Trouble
from media.relay.lesson_lines import LessonLines
from media.relay.lesson_news import LessonNews
from media.relay.lesson_streams import LessonStreams, LiveConnection
from media.relay.media_port import Leg, MediaPort
from media.relay.publisher import Publisher
from media.relay.remote_sdp import SdpError
from media.relay.school_shares import SchoolShares
from media.relay.subscriber import Subscriber
from media.session import actions, events
from media.session.room import LessonRoom

logger = logging.getLogger(__name__)

MIN_SAMPLE_S = 0.1


@dataclass(frozen=True)
class RelayClock:
    """The two clocks of a relay: `monotonic` for all logic, `wall` (Unix seconds) for what others are told."""

    monotonic: Callable[[], float]
    wall_minus_monotonic: float

    def wall(self) -> float:
        """Now, Unix seconds; never goes back while the relay runs."""
        return self.monotonic() + self.wall_minus_monotonic


class LiveLesson:
    """Feeds the room, carries out its actions in order, and tells the service what happened through `emit`."""

    def __init__(
        self,
        lesson: OpenLesson,
        configuration: RelayConfiguration,
        port: MediaPort,
        clock: RelayClock,
        *,
        emit: Callable[[RelayEvent], None],
        stream_listeners: MutableMapping[int, Callable[[core.StreamStarted], None]],
        shares: SchoolShares,
        journal_disk: JournalDisk,
    ) -> None:
        self.lesson_id = lesson.lesson_id
        self._lesson = lesson
        self._port = port
        self._clock = clock
        self._news = LessonNews(lesson.lesson_id, configuration.relay_id, emit, clock.wall)
        self._room = LessonRoom(lesson.kind, configuration.room_limits)
        self._shares = shares
        self._lines = LessonLines(
            lesson.lesson_id, port.command, shares, tell=self._news.message, emit=emit, wall=clock.wall
        )
        self._connections: dict[str, LiveConnection] = {}
        self._pending: deque[actions.Action] = deque()
        self._running = False
        self._avoid_h264 = False
        self._recording = False
        self._trouble: Trouble | None = None
        self._waits_until: float | None = None
        "Until when the lesson waits for its clients to move, once it is handed over; monotonic."
        self._sampled_at = clock.monotonic()
        self._ledger = DeliveryLedger(self._sampled_at)
        folder = configuration.journals_folder / lesson.lesson_id
        self._journals = LessonJournals(
            folder, lesson.lesson_id, lesson.kind, lesson.title, journal_disk, relay_id=configuration.relay_id
        )
        self._streams = LessonStreams(
            port,
            self._lines,
            self._ledger,
            self._journals,
            monotonic=clock.monotonic,
            listeners=stream_listeners,
            started=self._news.track_published,
        )
        self._lines.wanted.recorded = self._streams.records
        if lesson.recorded:
            self._journals.prepare(clock.wall())
        self._doers: dict[type[actions.Action], Callable[..., None]] = {
            actions.Send: self._send,
            actions.Close: self._news.closing,
            actions.OpenMedia: self._open_media,
            actions.DropMedia: self._drop_media,
            actions.TellJoined: self._news.joined,
            actions.TellLeft: self._news.left,
            actions.TellStage: self._tell_stage,
            actions.AnswerPublish: self._answer_publish,
            actions.StartTrack: self._start_track,
            actions.EndTrack: self._end_track,
            actions.StopPublishing: self._stop_publishing,
            actions.OfferTracks: self._offer_tracks,
            actions.ApplyAnswer: self._apply_answer,
            actions.Attach: self._attach,
            actions.Detach: self._detach,
            actions.Look: self._look,
        }
        self._news.opened()

    @property
    def connections(self) -> int:
        """How many clients are in the lesson."""
        return len(self._connections)

    @property
    def tracks(self) -> int:
        """How many tracks are published in it."""
        return len(self._streams)

    @property
    def is_overdue_test(self) -> bool:
        """Whether it only tested a line and should have ended: who began it may be gone."""
        return is_connection_test(self.lesson_id) and self._clock.wall() > self._lesson.ends_at

    @property
    def is_handed_over(self) -> bool:
        """Whether the lesson goes on elsewhere and nobody here needs it any more, or has waited for long enough."""
        waits_until = self._waits_until
        return waits_until is not None and (self._room.has_moved or self._clock.monotonic() >= waits_until)

    def has(self, connection_id: str) -> bool:
        """Whether the connection is in the lesson."""
        return connection_id in self._connections

    def reopen(self, lesson: OpenLesson) -> None:
        """The service opens what is open: take a changed title or wish to record, and confirm."""
        if lesson.recorded and not self._lesson.recorded:
            self._journals.prepare(self._clock.wall())
        self._lesson = lesson
        self._waits_until = None
        self._news.opened()

    def feed(self, event: events.Event) -> None:
        """Give the room an event and carry out what follows."""
        self._pending.extend(self._room.handle(event, self._clock.monotonic()))
        if self._running:
            return
        self._running = True
        try:
            while self._pending:
                action = self._pending.popleft()
                self._doers[type(action)](action)
        finally:
            self._running = False

    def join(self, command: JoinLesson) -> None:
        """A connection enters; its school's line is shared from now on."""
        self._shares.open(command.connection_id, command.school_line)
        self.feed(events.Joined(command.connection_id, command.party))
        if not self.has(command.connection_id):
            self._shares.close(command.connection_id)

    def set_recording(self, active: bool) -> None:
        """Switch recording; a lesson that is not to be recorded is not."""
        if active and not self._lesson.recorded:
            self._tell_recording(False, Trouble("not_to_be_recorded", "this lesson is not to be recorded"))
            return
        if active == self._recording:
            self._tell_recording(active, self._trouble)
            return
        self._recording = active
        at = self._clock.wall()
        if active:
            self._journals.resume(at)
        self._streams.record(active)
        if not active:
            self._journals.pause(at)
        self._trouble = None
        self._tell_recording(active, None)

    async def close(self, reason: str) -> None:
        """End the lesson for everyone, and its journals."""
        self.feed(events.Ended(reason))
        if self._recording:
            self._recording = False
            self._news.recording(False, None)
        self._news.closed(await self._journals.close(self._clock.wall()))

    def hand_over(self, patience_s: float) -> None:
        """Another relay carries the lesson: tell who is on stage, and let its clients move for so long."""
        self._waits_until = self._clock.monotonic() + patience_s
        self._news.stage(self._room.on_stage)

    async def suspend(self) -> None:
        """The relay stops or has handed the lesson over: send everyone to join again, and make the journals safe."""
        for connection_id in list(self._connections):
            self.feed(events.MediaLost(connection_id, "the relay is stopping"))
        await self._journals.close(self._clock.wall())

    # What legs and the packet core report

    def leg_ready(self, leg: Leg) -> None:
        """Media may flow on the leg: add what waited for it."""
        connection = self._connection_of(leg)
        if connection is None:
            return
        if connection.publisher.leg is leg:
            self._streams.flow_in(connection)
        else:
            self._streams.flow_out(connection)

    def leg_moved(self, leg: Leg) -> None:
        """A client goes on at another address: what it missed on the way is not worth waiting for."""
        connection = self._connection_of(leg)
        if connection is None or connection.subscriber.leg is not leg:
            return
        self._lines.moved(connection.connection_id, self._clock.monotonic())
        for track in connection.received.values():
            if track.info.kind == "video":
                self._streams.request_keyframe(track.info.track_id)

    def leg_closed(self, leg: Leg, outcome: str) -> None:
        """A leg is over: a publisher may come with a new one, anything else ends the connection."""
        connection = self._connection_of(leg)
        if connection is None:
            return
        if connection.publisher.leg is leg and outcome == "closed":
            self.feed(events.PublishingStopped(connection.connection_id))
            return
        reasons = {
            "failed": "the media connection could not be set up",
            "consent": "nothing was heard from the client's media connection",
        }
        self.feed(events.MediaLost(connection.connection_id, reasons.get(outcome, "the media connection was closed")))

    def line_heard(self, leg: Leg, event: core.ReceiverWindow | core.ProbeResult) -> None:
        """The packet core reports on the line of a client."""
        connection = self._connection_of(leg)
        if connection is not None:
            self._lines.heard(connection.connection_id, event, self._clock.monotonic())

    def sample(self, statistics: core.Statistics, now: float) -> None:
        """Account for what moved since the last sample."""
        self._sampled_at = now
        self._ledger.sample(statistics, now, self._lines.not_looking())
        self._lines.wanted.on_stage = self._room.on_stage
        self._lines.sample(statistics, now)

    def report(self) -> None:
        """Tell the service what each party received and published, and whether the recording suffers."""
        at = self._clock.wall()
        for connection in self._connections.values():
            tally = self._ledger.take(connection.connection_id, at)
            self._news.tally(connection.party.party_id, tally, at, publishes=bool(connection.tracks))
        if self._recording and (trouble := self._journals.trouble()) != self._trouble:
            self._trouble = trouble
            self._tell_recording(True, trouble)
        for track_id in self._journals.regained():
            self._streams.request_keyframe(track_id)

    # Carrying out the room's actions

    def _send(self, action: actions.Send) -> None:
        self._news.message(action.connection_id, action.message)

    def _open_media(self, action: actions.OpenMedia) -> None:
        self._ledger.open(action.connection_id, self._clock.wall())
        self._connections[action.connection_id] = LiveConnection(
            action.connection_id,
            action.party,
            Publisher(self._port, self, cname=action.party.party_id),
            Subscriber(self._port, self),
        )

    def _drop_media(self, action: actions.DropMedia) -> None:
        connection = self._connections.pop(action.connection_id)
        at = self._clock.wall()
        self._sample_soon()
        tally = self._ledger.close(action.connection_id, at)
        self._news.tally(connection.party.party_id, tally, at, publishes=bool(connection.tracks))
        for mid in list(connection.received):
            self._streams.detach(connection, mid)
        self._lines.close_receiver(action.connection_id, self._clock.monotonic())
        self._shares.close(action.connection_id)
        connection.publisher.close()
        connection.subscriber.close()

    def _tell_stage(self, action: actions.TellStage) -> None:
        self._news.stage(action.on_stage)

    def _answer_publish(self, action: actions.AnswerPublish) -> None:
        connection = self._connections.get(action.connection_id)
        if connection is None:
            return
        if connection.tracks:
            self._sample_soon()
        try:
            answer = connection.publisher.answer(action.sdp, action.tracks, avoid_h264=self._avoid_h264)
        except SdpError as error:
            self.feed(events.PublishRefused(action.connection_id, str(error)))
            return
        self.feed(
            events.PublishAnswered(
                action.connection_id, action.request_id, answer.sdp, answer.tracks, fresh=answer.fresh
            )
        )

    def _start_track(self, action: actions.StartTrack) -> None:
        if (connection := self._connections.get(action.connection_id)) is not None:
            self._streams.start(action, connection)

    def _end_track(self, action: actions.EndTrack) -> None:
        self._sample_soon()
        at = self._clock.wall()
        track = self._streams.end(action.track_id, at)
        if track is not None and track.started:
            self._news.track_ended(track.info, at)

    def _stop_publishing(self, action: actions.StopPublishing) -> None:
        if (connection := self._connections.get(action.connection_id)) is not None:
            connection.publisher.close()

    def _offer_tracks(self, action: actions.OfferTracks) -> None:
        connection = self._connections.get(action.connection_id)
        if connection is None:
            return
        sdp = connection.subscriber.offer(action.lines, cname_of=lambda party_id: party_id, restarts=action.restarts)
        tracks = [
            {
                "mid": line.mid,
                "track_id": line.track_id,
                "party_id": line.party_id,
                "source": line.source,
                "kind": line.kind,
            }
            for line in action.lines
            if line.track_id is not None
        ]
        message = {"v": 1, "type": "subscribe", "id": action.offer_id, "sdp": sdp, "tracks": tracks}
        self._news.message(action.connection_id, message)

    def _apply_answer(self, action: actions.ApplyAnswer) -> None:
        connection = self._connections.get(action.connection_id)
        if connection is None:
            return
        try:
            accepted = connection.subscriber.apply(action.sdp, action.lines)
        except SdpError as error:
            self.feed(events.SubscriptionRefused(action.connection_id, str(error)))
            return
        if not self._avoid_h264 and connection.subscriber.refuses_h264(action.lines):
            self._give_up_h264()
        self._open_line(connection)
        self.feed(events.SubscriptionAnswered(action.connection_id, action.offer_id, accepted))

    def _give_up_h264(self) -> None:
        """From now on publishers are asked for what everyone in the room can decode, those that are there as well."""
        self._avoid_h264 = True
        for one in self._connections.values():
            if one.publisher.sends_h264:
                self._news.message(one.connection_id, {"v": 1, "type": "republish"})

    def _attach(self, action: actions.Attach) -> None:
        if (connection := self._connections.get(action.connection_id)) is not None:
            self._streams.attach(connection, action.mid, action.track_id)

    def _detach(self, action: actions.Detach) -> None:
        connection = self._connections.get(action.connection_id)
        if connection is not None and action.mid in connection.received:
            self._sample_soon()
            self._streams.detach(connection, action.mid)

    def _look(self, action: actions.Look) -> None:
        self._lines.looked(action.connection_id, action.heights, self._clock.monotonic())

    def _open_line(self, connection: LiveConnection) -> None:
        leg = connection.subscriber.leg
        if leg is not None:
            self._lines.open_receiver(
                connection.connection_id,
                connection.party,
                leg.number,
                self._clock.monotonic(),
                reports=connection.subscriber.reports,
            )

    def _tell_recording(self, active: bool, trouble: Trouble | None) -> None:
        self._news.recording(active, trouble)
        self.feed(events.RecordingSet(active, trouble.lost if trouble is not None else None))

    def _sample_soon(self) -> None:
        """Account before counters vanish, unless a sample was taken a moment ago."""
        now = self._clock.monotonic()
        if now - self._sampled_at >= MIN_SAMPLE_S:
            self.sample(self._port.statistics(), now)

    def _connection_of(self, leg: Leg) -> LiveConnection | None:
        for connection in self._connections.values():
            if leg in {connection.publisher.leg, connection.subscriber.leg}:
                return connection
        return None
