"""Takes the relays' events off the bus: messages go to their clients, facts to presence, usage log and recordings.

In a fleet every replica takes what is for its own clients and the heartbeats; the facts are taken by the leading one,
and acknowledged when the usage log has them on disk.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError

from media.contract import (
    EVENTS_TOPIC,
    HEARTBEATS_TOPIC,
    Bus,
    CloseConnection,
    Consumption,
    LessonClosed,
    LessonOpened,
    PartyJoined,
    PartyLeft,
    RecordingState,
    RelayEvent,
    RelayHeartbeat,
    StageTold,
    ToClient,
    clients_topic,
    is_connection_test,
    parse_event,
)
from media.contract.tracing import continued
from service.live.clients import CLOSE_CODES, Clients
from service.live.leadership import Leadership
from service.live.presence import Presence
from service.usage.kept import LoggedEvent
from service.usage.log import UsageLog

log = logging.getLogger(__name__)

TRY_AGAIN_S = 0.5


class RelayEvents:
    """What this process hears from the relays."""

    def __init__(
        self,
        bus: Bus,
        clients: Clients,
        presence: Presence,
        usage_log: UsageLog,
        *,
        replica_id: str,
        leadership: Leadership,
        lesson_closed: Callable[[str], None],
        lead_came: Callable[[str], None],
        heard: Callable[[RelayHeartbeat], None],
        takes_over: Callable[[], Awaitable[None]],
        recording_told: Callable[[RecordingState], None],
        stage_told: Callable[[StageTold], None],
    ) -> None:
        self._bus = bus
        self._clients = clients
        self._presence = presence
        self._usage_log = usage_log
        self._replica_id = replica_id
        self._leadership = leadership
        self._lesson_closed = lesson_closed
        self._lead_came = lead_came
        self._heard = heard
        self._takes_over = takes_over
        self._recording_told = recording_told
        self._stage_told = stage_told

    async def run(self, listening: Callable[[], None]) -> None:
        """Take events until cancelled; calls `listening` once nothing this process needs is missed any more."""
        waiting = {clients_topic(self._replica_id), HEARTBEATS_TOPIC}
        if self._leadership.held:
            waiting.add(EVENTS_TOPIC)

        def subscribed(topic: str) -> None:
            waiting.discard(topic)
            if not waiting:
                listening()

        async with asyncio.TaskGroup() as tasks:
            for topic in (clients_topic(self._replica_id), HEARTBEATS_TOPIC):
                tasks.create_task(self._follow(topic, subscribed))
            tasks.create_task(self._lead(subscribed))

    async def _follow(self, topic: str, subscribed: Callable[[str], None]) -> None:
        while True:
            try:
                async with self._bus.subscribe(topic) as events:
                    subscribed(topic)
                    async for message in events:
                        self._take(message, "")
            except Exception:
                log.exception("what relays say on %s was interrupted; subscribing again", topic)
                await asyncio.sleep(TRY_AGAIN_S)

    async def _lead(self, subscribed: Callable[[str], None]) -> None:
        while True:
            await self._leadership.gained()
            consuming = asyncio.create_task(self._consume(subscribed), name="relay facts")
            try:
                await self._leadership.lost()
            finally:
                consuming.cancel()
                await asyncio.gather(consuming, return_exceptions=True)

    async def _consume(self, subscribed: Callable[[str], None]) -> None:
        while True:
            try:
                await self._takes_over()
                async with self._bus.consume(EVENTS_TOPIC) as consumption:
                    subscribed(EVENTS_TOPIC)
                    with self._usage_log.telling(self._acknowledging(consumption)):
                        async for delivery in consumption:
                            await self._wait_for_room(delivery.position)
                            self._take(delivery.message, delivery.position)
            except Exception:
                log.exception("the relays' events were interrupted; subscribing again")
                await asyncio.sleep(TRY_AGAIN_S)

    async def _wait_for_room(self, position: str) -> None:
        """Let events that are kept elsewhere wait there while the usage log is full."""
        while position and self._usage_log.is_full:  # noqa: ASYNC110 - emptied on another thread
            await asyncio.sleep(TRY_AGAIN_S)

    def _acknowledging(self, consumption: Consumption) -> Callable[[str], None]:
        """Acknowledge from the usage log's thread what it has written."""
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()

        def acknowledge(position: str) -> None:
            task = loop.create_task(consumption.acknowledge(position))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        def written(position: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: it is given again
                loop.call_soon_threadsafe(acknowledge, position)

        return written

    def _take(self, message: dict[str, Any], position: str) -> None:
        with continued(message, "service") as plain:
            self._take_plain(plain, position)

    def _take_plain(self, message: dict[str, Any], position: str) -> None:
        try:
            event = parse_event(message)
        except ValidationError as error:
            log.error("an event that is none of the contract was dropped: %s", error.errors(include_input=False)[:1])
            return
        try:
            logged = self.handle(event)
        except Exception:
            log.exception("the event %s could not be handled", event.type)
            return
        if logged is not None:
            self._usage_log.put(logged, position)

    def handle(self, event: RelayEvent) -> LoggedEvent | None:
        """Do what the event asks; give back what belongs into the usage log."""
        match event:
            case ToClient():
                self._deliver(event)
            case CloseConnection():
                client = self._clients.get(event.connection_id)
                if client is not None:
                    client.close(CLOSE_CODES.get(event.code, 1000), event.code)
            case RelayHeartbeat():
                self._heard(event)
            case _ if is_connection_test(event.lesson_id):
                pass  # who tests a line attends no lesson
            case LessonOpened():
                log.info("lesson %s is open", event.lesson_id)
            case StageTold():
                self._stage_told(event)
            case LessonClosed():
                self._presence.lesson_over(event.lesson_id)
                self._lesson_closed(event.lesson_id)
            case _:
                self._note_presence(event)
                return event
        return None

    def _note_presence(self, event: RelayEvent) -> None:
        if isinstance(event, PartyJoined):
            self._presence.joined(event)
            if event.role == "lead":
                self._lead_came(event.lesson_id)
        elif isinstance(event, PartyLeft):
            self._presence.left(event)
        elif isinstance(event, RecordingState):
            self._recording_told(event)

    def _deliver(self, event: ToClient) -> None:
        client = self._clients.get(event.connection_id)
        if client is None:
            return
        message = event.message
        if message.get("type") == "welcome":
            message = {**message, "lesson": client.welcome_lesson, "ice": client.ice, "resume": client.resumable}
        client.send(message)
