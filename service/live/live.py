"""The live part of the service as one object: clients, the relays' events, and the conductor that tells the relays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from media.contract import Bus
from service.clock import Clock
from service.live.clients import GOING_AWAY, Clients
from service.live.conductor import Conductor
from service.live.placement import Placement
from service.live.presence import Presence
from service.live.relay_events import RelayEvents
from service.storage.database import Database
from service.usage.log import UsageLog

CLOSE_WITHIN_S = 3.0


class Live:
    """Made once; runs while the application does."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        *,
        relay_ids: Sequence[str],
        usage_log: UsageLog,
        lesson_closed: Callable[[str], None],
    ) -> None:
        self.clients = Clients()
        self.presence = Presence()
        self.conductor = Conductor(
            database, bus, clock, Placement(relay_ids), clients=self.clients, presence=self.presence
        )
        self.events = RelayEvents(
            bus,
            self.clients,
            self.presence,
            usage_log,
            lesson_closed=lesson_closed,
            lead_came=self.look,
            relay_began=self.conductor.forget,
        )

    def look(self) -> None:
        """A booking changed: look at the database soon. From any thread."""
        self.conductor.look()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take events and conduct lessons; on leaving, tell every client that the service goes away."""
        subscribed = asyncio.Event()
        tasks = [asyncio.create_task(self.events.run(subscribed.set), name="relay-events")]
        await subscribed.wait()
        tasks.append(asyncio.create_task(self.conductor.run(), name="conductor"))
        try:
            yield
        finally:
            await self._say_goodbye()
            for task in reversed(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _say_goodbye(self) -> None:
        self.clients.close_all(GOING_AWAY, "service_stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self.clients.all_gone()
