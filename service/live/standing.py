"""Whether those who are connected still may be: their sessions and devices are looked up together, not one by one.

With hundreds of rooms in lessons, a look at each every 20 s would ask the database dozens of times a second.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError

from service.accounts.principal import Person, Principal, RoomDevice
from service.accounts.sessions import SEEN_EVERY as SESSION_SEEN_EVERY
from service.accounts.sessions import living_sessions, renew_sessions
from service.clock import Clock
from service.rooms.devices import SEEN_EVERY as DEVICE_SEEN_EVERY
from service.rooms.devices import paired_devices, saw_devices
from service.storage.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
RECHECK_S = 20.0
"""How often it is looked up whether somebody may still be here; it also notes that a room's device is there."""


class _Watched:
    def __init__(self, principal: Principal) -> None:
        self.key = key_of(principal)
        self.due_at = 0.0
        """Monotonic; who has just come is due at once."""
        self.over = asyncio.Event()


class Standing:
    """The sessions and devices behind this process's connections; one event loop."""

    def __init__(self, database: Database, clock: Clock, idle: timedelta) -> None:
        """`idle`: a session not seen for so long is over."""
        self._database = database
        self._clock = clock
        self._idle = idle
        self._watched: set[_Watched] = set()

    async def until_over(self, principal: Principal) -> None:
        """Wait until the session is over or the device not paired any more; until then both count as seen."""
        watched = _Watched(principal)
        self._watched.add(watched)
        try:
            await watched.over.wait()
        finally:
            self._watched.discard(watched)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look while the context is entered."""
        looking = asyncio.create_task(self._run(), name="standing")
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = time.monotonic()
            due = [one for one in self._watched if one.due_at <= now]
            if not due:
                continue
            try:
                good = await asyncio.to_thread(self._look_up, {one.key for one in due})
            except OperationalError:
                continue  # nobody loses a lesson because the database is away
            except Exception:
                log.exception("it could not be looked up who may still be here")
                continue
            for one in due:
                one.due_at = now + RECHECK_S
                if one.key not in good:
                    one.over.set()

    def _look_up(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Give those that are still good, and note that they were seen."""
        now = self._clock.now()
        session_ids = [identity for kind, identity in keys if kind == "session"]
        device_ids = [identity for kind, identity in keys if kind == "device"]
        with self._database.reading() as session:
            sessions = living_sessions(session, session_ids, now, self._idle) if session_ids else {}
            devices = paired_devices(session, device_ids) if device_ids else {}
        stale_sessions = [one for one, at in sessions.items() if _is_stale(at, SESSION_SEEN_EVERY, now)]
        stale_devices = [one for one, at in devices.items() if _is_stale(at, DEVICE_SEEN_EVERY, now)]
        if stale_sessions or stale_devices:
            with self._database.unit_of_work() as session:
                renew_sessions(session, stale_sessions, now)
                saw_devices(session, stale_devices, now)
        return {("session", one) for one in sessions} | {("device", one) for one in devices}


def key_of(principal: Principal) -> tuple[str, str]:
    """What a principal's standing depends on."""
    match principal:
        case Person():
            return "session", principal.session_id
        case RoomDevice():
            return "device", principal.device_id


def _is_stale(last_seen_at: datetime | None, seen_every: timedelta, now: datetime) -> bool:
    return last_seen_at is None or last_seen_at + seen_every < now
