"""A lease in Redis that one process at a time holds; a holder that dies or hangs loses it within seconds."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from service.bus.connection import AWAY_ERRORS, Reach

log = logging.getLogger(__name__)

LEASE_S = 4.0
RENEW_EVERY_S = 1.0
SURELY_HELD_S = 3.0
"""For so long after it asked, a holder relies on its lease; shorter than the lease, by more than clocks drift."""

_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisLease:
    """Competes for a lease while `running`; a `service.live.leadership.Leadership`."""

    def __init__(self, redis: Redis, reach: Reach, key: str, holder: str) -> None:
        self._redis = redis
        self._reach = reach
        self._key = key
        self._holder = holder
        self._take = redis.register_script(_TAKE)
        self._release = redis.register_script(_RELEASE)
        self._held_until = 0.0
        self._gained = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()

    @property
    def held(self) -> bool:
        """Whether it is surely held now."""
        return time.monotonic() < self._held_until

    async def gained(self) -> None:
        """Wait until it is held."""
        await self._gained.wait()

    async def lost(self) -> None:
        """Wait until it is not held."""
        await self._lost.wait()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Compete; on leaving, give it to the next at once."""
        competing = asyncio.create_task(self._compete(), name=f"lease {self._key}")
        try:
            yield
        finally:
            competing.cancel()
            await asyncio.gather(competing, return_exceptions=True)
            self._held_until = 0.0
            with contextlib.suppress(*AWAY_ERRORS):
                await self._release(keys=[self._key], args=[self._holder])

    async def _compete(self) -> None:
        while True:
            asked_at = time.monotonic()
            asking = asyncio.ensure_future(self._ask())
            # The answer may take longer than the lease lasts: what is held runs out meanwhile.
            while not asking.done():
                await asyncio.wait({asking}, timeout=0.2)
                if not asking.done():
                    self._note()
            if asking.result():
                self._held_until = asked_at + SURELY_HELD_S
            self._note()
            await asyncio.sleep(RENEW_EVERY_S)
            self._note()

    async def _ask(self) -> bool:
        try:
            return bool(await self._take(keys=[self._key], args=[self._holder, int(LEASE_S * 1000)]))
        except AWAY_ERRORS as error:
            self._reach.away(error)
            return False

    def _note(self) -> None:
        if self.held and not self._gained.is_set():
            log.info("this process leads now: %s", self._key)
            self._lost.clear()
            self._gained.set()
        elif not self.held and not self._lost.is_set():
            log.warning("this process does not lead any more: %s", self._key)
            self._gained.clear()
            self._lost.set()
