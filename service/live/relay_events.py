"""Takes the relays' events off the bus: messages go to their clients, facts to presence, usage log and recordings."""

import logging
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from media.contract import (
    EVENTS_TOPIC,
    Bus,
    CloseConnection,
    LessonClosed,
    LessonOpened,
    PartyJoined,
    PartyLeft,
    RelayEvent,
    RelayHeartbeat,
    ToClient,
    parse_event,
)
from service.live.clients import CLOSE_CODES, Clients
from service.live.presence import Presence
from service.usage.log import UsageLog

log = logging.getLogger(__name__)


class RelayEvents:
    """The one consumer of the events topic."""

    def __init__(
        self,
        bus: Bus,
        clients: Clients,
        presence: Presence,
        usage_log: UsageLog,
        *,
        lesson_closed: Callable[[str], None],
        lead_came: Callable[[], None],
        relay_began: Callable[[], None],
    ) -> None:
        self._bus = bus
        self._clients = clients
        self._presence = presence
        self._usage_log = usage_log
        self._lesson_closed = lesson_closed
        self._lead_came = lead_came
        self._relay_began = relay_began
        self.heartbeats: dict[str, RelayHeartbeat] = {}
        """The newest heartbeat of each relay."""

    async def run(self, subscribed: Callable[[], None]) -> None:
        """Take events until cancelled; calls `subscribed` each time nothing published from now on is missed."""
        while True:
            try:
                async with self._bus.subscribe(EVENTS_TOPIC) as events:
                    subscribed()
                    async for message in events:
                        self._take(message)
            except Exception:
                log.exception("the relays' events were interrupted; subscribing again")

    def _take(self, message: dict[str, Any]) -> None:
        try:
            event = parse_event(message)
        except ValidationError as error:
            log.error("an event that is none of the contract was dropped: %s", error.errors(include_input=False)[:1])
            return
        try:
            self.handle(event)
        except Exception:
            log.exception("the event %s could not be handled", event.type)

    def handle(self, event: RelayEvent) -> None:
        """Do what the event asks."""
        match event:
            case ToClient():
                self._deliver(event)
            case CloseConnection():
                client = self._clients.get(event.connection_id)
                if client is not None:
                    client.close(CLOSE_CODES.get(event.code, 1000), event.code)
            case RelayHeartbeat():
                self._note_heartbeat(event)
            case LessonOpened():
                log.info("lesson %s is open", event.lesson_id)
            case LessonClosed():
                self._presence.lesson_over(event.lesson_id)
                self._lesson_closed(event.lesson_id)
            case _:
                self._note_presence(event)
                self._usage_log.put(event)

    def _note_heartbeat(self, event: RelayHeartbeat) -> None:
        known = self.heartbeats.get(event.relay_id)
        self.heartbeats[event.relay_id] = event
        if known is None or known.run_id != event.run_id:
            self._relay_began()

    def _note_presence(self, event: RelayEvent) -> None:
        if isinstance(event, PartyJoined):
            self._presence.joined(event)
            if event.role == "lead":
                self._lead_came()
        elif isinstance(event, PartyLeft):
            self._presence.left(event)

    def _deliver(self, event: ToClient) -> None:
        client = self._clients.get(event.connection_id)
        if client is None:
            return
        message = event.message
        if message.get("type") == "welcome":
            message = {**message, "lesson": client.welcome_lesson, "ice": client.ice}
        client.send(message)
