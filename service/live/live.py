"""The live part of the service as one object: clients, the relays' events, and the conductor that tells the relays."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError

from media.contract import (
    Bus,
    JoinLesson,
    LeaveLesson,
    Party,
    RecordingState,
    RelayCommand,
    RelayHeartbeat,
    SchoolLine,
    StageTold,
)
from service.bus.connection import AWAY_ERRORS, Reach
from service.clock import Clock
from service.live.clients import CLOSE_CODES, GOING_AWAY, Client, Clients
from service.live.conductor import Conductor
from service.live.fleet import Fleet
from service.live.leadership import AlwaysLeading, Leadership
from service.live.placement import Placement
from service.live.presence import Presence
from service.live.registry import RelayRegistry
from service.live.relay_events import RelayEvents
from service.storage.database import Database
from service.usage.log import UsageLog

log = logging.getLogger(__name__)

CLOSE_WITHIN_S = 3.0
PROBE_EVERY_S = 0.25
PATIENCE_S = 0.5
LISTENING_WITHIN_S = 5.0
WORKERS = "workers"
"""Where all workers listen to be seen, as each relay does at its own place."""
Listeners = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]
"""Asks Redis how many listen where each relay listens."""


@dataclass(frozen=True)
class FleetWiring:
    """What binds the processes of a deployment together."""

    leadership: Leadership
    listeners: Listeners
    grant_key: str
    reach: Reach
    """Whether Redis answers."""
    waiting: Callable[[], int]
    """Messages that wait for Redis."""


class Live:
    """Made once; runs while the application does."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        *,
        placement: Placement,
        usage_log: UsageLog,
        lesson_closed: Callable[[str], None],
        recording_told: Callable[[RecordingState], None],
        replica_id: str,
        fleet: Fleet,
        wiring: FleetWiring | None = None,
    ) -> None:
        """In a fleet (with `wiring`) relays are watched and remembered; in one process there is nothing to watch."""
        self.clients = Clients()
        self.presence = Presence()
        self.fleet = fleet
        self.leadership: Leadership = wiring.leadership if wiring else AlwaysLeading()
        self._listeners = wiring.listeners if wiring else None
        self._carrying: set[asyncio.Task[None]] = set()
        self._registry = RelayRegistry(database, clock)
        self.conductor = Conductor(
            database,
            bus,
            clock,
            placement,
            clients=self.clients,
            presence=self.presence,
            leadership=self.leadership,
            grant_key=wiring.grant_key if wiring else None,
        )
        self.events = RelayEvents(
            bus,
            self.clients,
            self.presence,
            usage_log,
            replica_id=replica_id,
            leadership=self.leadership,
            lesson_closed=lesson_closed,
            lead_came=self.conductor.lead_came,
            heard=self._heard,
            takes_over=self._take_over,
            recording_told=recording_told,
            stage_told=self._carry_stage,
        )

    def look(self) -> None:
        """A booking changed: look at the database soon. From any thread."""
        self.conductor.look()

    async def enter(self, client: Client, party: Party, school_line: SchoolLine | None = None) -> bool:
        """Let an admitted client into its lesson; False when no relay takes it at this moment."""
        client.relay_id = await self.conductor.relay_of(client.lesson_id)
        if client.relay_id is None:
            return False
        join = JoinLesson(
            lesson_id=client.lesson_id, connection_id=client.connection_id, party=party, school_line=school_line
        )
        await self.say(client, join)
        return True

    async def leave(self, client: Client, reason: str) -> None:
        """The client is gone."""
        await self.say(
            client, LeaveLesson(lesson_id=client.lesson_id, connection_id=client.connection_id, reason=reason)
        )

    async def say(self, client: Client, command: RelayCommand) -> None:
        """Send what concerns a client to the relay it is on."""
        if client.relay_id is not None:
            await self.conductor.send(client.relay_id, command)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take events and conduct lessons; on leaving, tell every client that the service goes away."""
        tasks: list[asyncio.Task[None]] = []
        if self._listeners is not None:
            tasks.append(asyncio.create_task(self._watch_fleet(self._listeners), name="fleet"))
        listening = asyncio.Event()
        tasks.append(asyncio.create_task(self.events.run(listening.set), name="relay-events"))
        with contextlib.suppress(TimeoutError):
            # Without Redis one can still book and replay; what relays say is taken once it is there.
            await asyncio.wait_for(listening.wait(), LISTENING_WITHIN_S)
        tasks.append(asyncio.create_task(self.conductor.run(), name="conductor"))
        try:
            yield
        finally:
            await self._say_goodbye()
            for task in reversed(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _heard(self, beat: RelayHeartbeat) -> None:
        known = beat.relay_id in self.fleet.beats
        if self.fleet.heard(beat):
            self.conductor.forget(beat.relay_id)
            if known:
                self._send_away_from(beat.relay_id)

    def _carry_stage(self, told: StageTold) -> None:
        carrying = asyncio.ensure_future(self.conductor.set_stage(told))
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)

    def _send_away_from(self, relay_id: str) -> None:
        """The relay began anew and knows nobody: its clients would wait for media until they miss it."""
        for client in self.clients.all():
            if client.relay_id == relay_id:
                client.close(CLOSE_CODES["media_lost"], "media_lost")

    async def _take_over(self) -> None:
        """Know what the process that led before knew."""
        while self._listeners is not None:
            try:
                present = await asyncio.to_thread(self._registry.leads_present)
            except OperationalError:
                await asyncio.sleep(PATIENCE_S)
                continue
            for lesson_id, connection_id in present:
                self.presence.was_there(lesson_id, connection_id)
            return

    async def _watch_fleet(self, listeners: Listeners) -> None:
        """Ask again and again who listens, and remember who was heard."""
        with contextlib.suppress(OperationalError):
            for relay_id, capacity in (await asyncio.to_thread(self._registry.known)).items():
                self.fleet.capacities.setdefault(relay_id, capacity)
        lost: set[str] = set()
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            try:
                heard = dict(await asyncio.wait_for(listeners([*self.fleet.beats, WORKERS]), 2.0))
                self.fleet.workers = heard.pop(WORKERS, None)
                self.fleet.redis_answered(heard)
                if self.leadership.held:
                    await asyncio.to_thread(self._registry.note, dict(self.fleet.capacities))
            except (*AWAY_ERRORS, OperationalError):
                continue  # the bus and the conductor say so
            except Exception:
                log.exception("the fleet could not be looked at")
            now_lost = {relay_id for relay_id in self.fleet.beats if self.fleet.is_lost(relay_id)}
            for relay_id in now_lost - lost:
                log.error("relay %s is lost: its lessons move to others", relay_id)
            if now_lost - lost:
                self.look()
            lost = now_lost

    async def _say_goodbye(self) -> None:
        self.clients.close_all(GOING_AWAY, "service_stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self.clients.all_gone()
