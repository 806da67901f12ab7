"""A relay: takes the service's commands off the bus, runs lessons on one UDP port, and reports events in order."""

import asyncio
import contextlib
import gc
import itertools
import logging
import time
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from pydantic import ValidationError

from media.contract import (
    EVENTS_TOPIC,
    Bus,
    ClientMessage,
    CloseConnection,
    HandOverLesson,
    JoinLesson,
    LeaveLesson,
    OpenLesson,
    RelayCommand,
    RelayEvent,
    RelayHeartbeat,
    SetOnStage,
    SetRecording,
    ToClient,
    commands_topic,
    join_is_granted,
    parse_command,
)
from media.contract.tracing import continued
from media.forwarder import api as core
from media.recorder.journal_disk import JournalDisk
from media.relay.accounting import PacketTotals
from media.relay.configuration import RelayConfiguration
from media.relay.live_lesson import LiveLesson, RelayClock
from media.relay.media_port import MediaPort
from media.relay.school_shares import SchoolShares
from media.session import events

logger = logging.getLogger(__name__)

SAMPLE_S = 1.0
SLICES = 4
"""Parts in which all lessons are looked after, one after another within each `SAMPLE_S`: what hundreds of them have to
be asked and have to tell at one moment would keep whoever joins then waiting."""
MAX_QUEUED_EVENTS = 100_000
RETRY_S = 0.5
JOURNALS_CLOSE_S = 10.0
NEW_OBJECTS = 50_000
"""A second's counters of hundreds of lessons are tens of thousands of objects, none of them in a cycle: with Python's
usual threshold, looking for cycles among them took a quarter of its time."""


class Relay:
    """`start` returns when the port is bound and commands are taken; `stop` when nothing of it is left."""

    def __init__(
        self,
        configuration: RelayConfiguration,
        bus: Bus,
        topic_of: Callable[[RelayEvent], str] = lambda _event: EVENTS_TOPIC,
    ) -> None:
        """`topic_of` says where each event goes; in a fleet not all go to the same place."""
        self._configuration = configuration
        self._bus = bus
        self._topic_of = topic_of
        self._draining = False
        self._leaving = False
        self._run_id = uuid.uuid4().hex
        self._totals = PacketTotals()
        self._clock = RelayClock(time.monotonic, time.time() - time.monotonic())
        self._port = MediaPort(configuration, self._clock.wall_minus_monotonic, time.monotonic, self._core_event)
        self._journal_disk: JournalDisk
        self._lessons: dict[str, LiveLesson] = {}
        self._stream_listeners: dict[int, Callable[[core.StreamStarted], None]] = {}
        self._shares = SchoolShares()
        self._outbox: asyncio.Queue[RelayEvent] = asyncio.Queue(MAX_QUEUED_EVENTS)
        self._closing: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._subscription = contextlib.AsyncExitStack()
        self._stopping = False

    @property
    def udp_port(self) -> int:
        """The port all media uses, known once started."""
        return self._port.port

    async def start(self) -> None:
        """Bind the port and begin to take commands. Raises OSError when the port cannot be had."""
        gc.set_threshold(max(NEW_OBJECTS, gc.get_threshold()[0]))
        self._port.open()
        try:
            commands = await self._subscribe()
        except BaseException:
            await self._port.close()
            raise
        self._journal_disk = JournalDisk(self._configuration.journals_folder, self._configuration.recording_space)
        self._heartbeat()
        self._tasks = [
            asyncio.create_task(self._take_commands(commands)),
            asyncio.create_task(self._publish_events()),
            asyncio.create_task(self._watch()),
        ]

    @property
    def lessons(self) -> int:
        """How many lessons it carries."""
        return len(self._lessons)

    def drain(self, *, leaving: bool = False) -> None:
        """Ask for no new lessons, or (`leaving`) for those it carries to be taken over at once; keeps running."""
        self._draining, self._leaving = True, leaving
        self._heartbeat()

    async def stop(self) -> None:
        """Send all clients to join again elsewhere, close the journals, and end every task and socket."""
        if self._stopping or not self._tasks:
            return
        self._stopping = True
        take_commands, publish_events, watch = self._tasks
        await _cancel(take_commands, watch)
        await self._subscription.aclose()
        for lesson in list(self._lessons.values()):
            await lesson.suspend()
        self._lessons.clear()
        if self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)
        await self._port.close()
        await asyncio.to_thread(self._journal_disk.close, JOURNALS_CLOSE_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._outbox.join(), 5.0)
        await _cancel(publish_events)
        self._tasks = []

    # Commands

    async def _subscribe(self) -> AsyncIterator[dict[str, Any]]:
        topic = commands_topic(self._configuration.relay_id)
        return await self._subscription.enter_async_context(self._bus.subscribe(topic))

    async def _take_commands(self, commands: AsyncIterator[dict[str, Any]]) -> None:
        while True:
            try:
                async for message in commands:
                    self._take_command(message)
                    await asyncio.sleep(0)  # media, too, is waiting
            except Exception as error:
                # The bus is elsewhere and may be away for a while; clients of missed commands will ask again.
                logger.warning("commands were interrupted, subscribing anew: %s", error)
            commands = await self._subscribe_anew()

    async def _subscribe_anew(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            await asyncio.sleep(RETRY_S)
            with contextlib.suppress(Exception):
                await self._subscription.aclose()
            try:
                return await self._subscribe()
            except Exception as error:
                logger.warning("the bus does not take a subscription: %s", error)

    def _take_command(self, message: dict[str, Any]) -> None:
        try:
            with continued(message, "relay") as plain:
                self._obey(parse_command(plain))
        except ValidationError:
            logger.warning("a command of unknown form was ignored: %.40s", message.get("type"))
        except Exception:
            # A fault in one lesson must not end the others.
            logger.exception("a command failed: %.40s", message.get("type"))

    def _obey(self, command: RelayCommand) -> None:
        if isinstance(command, OpenLesson):
            self._open(command)
            return
        lesson = self._lessons.get(command.lesson_id)
        if lesson is None:
            self._refuse(command)
        elif isinstance(command, JoinLesson) and not self._is_granted(command):
            # Forged, or late because the bus was away: whoever has the right joins again.
            self._refuse(command, "the service did not let this connection in")
        elif isinstance(command, JoinLesson):
            lesson.join(command)
        elif isinstance(command, LeaveLesson):
            lesson.feed(events.Left(command.connection_id, command.reason))
        elif isinstance(command, ClientMessage):
            if lesson.has(command.connection_id):
                lesson.feed(events.Received(command.connection_id, command.message))
                self._end_if_handed_over(lesson)
            else:
                self._refuse(command)
        elif isinstance(command, SetOnStage):
            lesson.feed(events.StageSet(command.party_id, command.on_stage))
        elif isinstance(command, SetRecording):
            lesson.set_recording(command.active)
        elif isinstance(command, HandOverLesson):
            lesson.hand_over(command.patience_s)
            self._end_if_handed_over(lesson)
        else:
            self._end(lesson, lesson.close(command.reason))

    def _end_if_handed_over(self, lesson: LiveLesson) -> None:
        if lesson.is_handed_over:
            self._end(lesson, lesson.suspend())

    def _end(self, lesson: LiveLesson, over: Coroutine[Any, Any, None]) -> None:
        del self._lessons[lesson.lesson_id]
        task = asyncio.create_task(over)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _open(self, command: OpenLesson) -> None:
        lesson = self._lessons.get(command.lesson_id)
        if lesson is not None:
            lesson.reopen(command)
        elif len(self._lessons) >= self._configuration.max_lessons:
            logger.error("no space for another lesson: %s", command.lesson_id)
        else:
            self._lessons[command.lesson_id] = LiveLesson(
                command,
                self._configuration,
                self._port,
                self._clock,
                emit=self._emit,
                stream_listeners=self._stream_listeners,
                shares=self._shares,
                journal_disk=self._journal_disk,
            )

    def _is_granted(self, join: JoinLesson) -> bool:
        key = self._configuration.grant_key
        return key is None or join_is_granted(key, self._configuration.relay_id, join, self._clock.wall())

    def _refuse(self, command: RelayCommand, text: str = "the lesson is not open here") -> None:
        """Send a client away; one that speaks of a lesson or connection this relay does not have may join again."""
        if not isinstance(command, JoinLesson | ClientMessage):
            return
        lesson_id, connection_id = command.lesson_id, command.connection_id
        about = "join" if isinstance(command, JoinLesson) else str(command.message.get("type"))[:40]
        error = {"v": 1, "type": "error", "code": "media_lost", "message": text, "about": about}
        self._emit(ToClient(lesson_id=lesson_id, connection_id=connection_id, message=error))
        self._emit(CloseConnection(lesson_id=lesson_id, connection_id=connection_id, code="media_lost", message=text))

    # Events

    def _core_event(self, event: core.Event) -> None:
        if isinstance(event, core.StreamStarted):
            if (listener := self._stream_listeners.get(event.stream)) is not None:
                listener(event)
        elif isinstance(event, core.ReceiverWindow | core.ProbeResult):
            leg = self._port.leg(event.peer)
            if leg is not None:
                leg.owner.line_heard(leg, event)

    def _emit(self, event: RelayEvent) -> None:
        try:
            self._outbox.put_nowait(event)
        except asyncio.QueueFull:
            logger.error("the bus has taken nothing for long: %s is lost", event.type)

    async def _publish_events(self) -> None:
        while True:
            event = await self._outbox.get()
            try:
                await self._publish(self._topic_of(event), event.model_dump(mode="json"))
            except Exception:
                # Heartbeats go this way, too: a relay that stops here would be given up.
                logger.exception("an event could not be told: %s", event.type)
            self._outbox.task_done()
            await asyncio.sleep(0)  # reports come in hundreds

    async def _publish(self, topic: str, message: dict[str, Any]) -> None:
        while True:
            try:
                await self._bus.publish(topic, message)
            except (TypeError, ValueError):
                logger.exception("an event cannot be put on the bus: %s", message.get("type"))
                return
            except Exception as error:
                # The bus is elsewhere and may be away for a while; events keep their order and wait.
                logger.warning("the bus does not take events: %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return

    def _heartbeat(self) -> None:
        lessons = self._lessons.values()
        self._emit(
            RelayHeartbeat(
                relay_id=self._configuration.relay_id,
                run_id=self._run_id,
                at=self._clock.wall(),
                udp_port=self.udp_port,
                lessons=len(lessons),
                connections=sum(lesson.connections for lesson in lessons),
                tracks=sum(lesson.tracks for lesson in lessons),
                packets_received=self._totals.received,
                packets_forwarded=self._totals.forwarded,
                recording_level=self._journal_disk.level.name.lower(),
                recording_free_bytes=self._journal_disk.free_bytes,
                recording_dropped=self._journal_disk.dropped,
                capacity=self._configuration.capacity,
                draining=self._draining,
                leaving=self._leaving,
            )
        )

    async def _watch(self) -> None:
        interval_s = self._configuration.report_interval_s
        began = self._clock.monotonic()
        report_due = [began + interval_s * (part + 1) / SLICES for part in range(SLICES)]
        beat_due = began
        for part in itertools.cycle(range(SLICES)):
            await asyncio.sleep(SAMPLE_S / SLICES)
            now = self._clock.monotonic()
            reporting = now >= report_due[part]
            if reporting:
                report_due[part] = max(report_due[part] + interval_s, now)
            if now >= beat_due:
                beat_due = now + self._configuration.heartbeat_s - SAMPLE_S / SLICES / 2
                self._heartbeat()
            try:
                statistics = self._port.statistics()
                if part == 0:
                    self._totals.note(statistics)
                if part % (SLICES // 2) == 0:
                    self._shares.split()
            except Exception:
                logger.exception("the relay's counters could not be read")
                continue
            for lesson in [one for one in self._lessons.values() if _part_of(one) == part]:
                self._look_after(lesson, statistics, now, reporting=reporting)

    def _look_after(self, lesson: LiveLesson, statistics: core.Statistics, now: float, *, reporting: bool) -> None:
        try:
            lesson.sample(statistics, now)
            lesson.feed(events.Elapsed())
            if reporting:
                lesson.report()
            self._end_if_handed_over(lesson)
            if lesson.is_overdue_test:
                self._end(lesson, lesson.close("over"))
        except Exception:
            logger.exception("watching over a lesson failed: %s", lesson.lesson_id)


def _part_of(lesson: LiveLesson) -> int:
    """In which part of each second a lesson is looked after; always the same, so that its samples are evenly apart."""
    return zlib.crc32(lesson.lesson_id.encode()) % SLICES


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
