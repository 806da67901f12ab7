"""Sends to Redis in order and exactly once: messages wait in memory (and on disk) while Redis is away.

Every message has a number. Redis remembers the last number of each producer and passes over what it has already, so
a batch whose answer was lost can be sent again.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Literal

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from service.bus.connection import AWAY_ERRORS, Reach, back_off_s
from service.bus.spool import Entry, Spool
from service.storage.base import new_id

log = logging.getLogger(__name__)

MOST_WAITING = 200_000
SAFE_WITHIN_S = 0.25
"""What Redis has not taken within this time is written to disk."""
BATCH = 256
INBOX_LENGTH = 50_000
"""Messages an inbox keeps for a reader that was away; about so many."""
INBOX_SECONDS = 3600
PRODUCER_SECONDS = 7 * 24 * 3600
Delivery = Literal["kept", "inbox", "volatile"]
"""`kept` until it is acknowledged; in an `inbox` for an hour; `volatile` reaches only who listens now."""

_APPEND = f"""
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
for i = 1, #ARGV, 4 do
  local number = tonumber(ARGV[i])
  if number > last then
    local delivery, topic, text = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if delivery == 'volatile' then
      redis.call('PUBLISH', topic, text)
    elseif delivery == 'kept' then
      redis.call('XADD', topic, '*', 'm', text)
    else
      redis.call('XADD', topic, 'MAXLEN', '~', {INBOX_LENGTH}, '*', 'm', text)
      redis.call('EXPIRE', topic, {INBOX_SECONDS})
    end
    last = number
  end
end
redis.call('SET', KEYS[1], last, 'EX', {PRODUCER_SECONDS})
return last
"""


class OutboxFullError(Exception):
    """Redis has been away for so long that nothing more can be kept. Remedy: bring Redis back."""


class Outbox:
    """The messages of this process on their way; `put` from the event loop only."""

    def __init__(
        self, redis: Redis, reach: Reach, key_of: Callable[[str], str], delivery_of: Callable[[str], Delivery]
    ) -> None:
        self._redis = redis
        self._reach = reach
        self._key_of = key_of
        self._delivery_of = delivery_of
        self._append = redis.register_script(_APPEND)
        self._producer = new_id()
        self._number = 0
        self._waiting: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._spool: Spool | None = None
        self._spooled: Entry | None = None
        """The newest entry that is on disk as well."""
        self._unsafe = False
        """Whether the disk refused the last time; said once."""

    def __len__(self) -> int:
        """Messages that Redis does not have yet."""
        return len(self._waiting)

    def use_spool(self, spool: Spool) -> None:
        """Keep waiting messages on disk too, beginning with those of a former process."""
        self._spool = spool
        former = spool.read()
        if former:
            log.warning("%d messages of the process before this one are sent now", len(former))
            self._waiting.extendleft(reversed(former))
            self._spooled = former[-1]
            self._note_waiting()

    def put(self, topic: str, text: str) -> None:
        """Take a message. Raises OutboxFullError."""
        if len(self._waiting) >= MOST_WAITING:
            raise OutboxFullError(f"{MOST_WAITING} messages wait for Redis")
        self._number += 1
        self._waiting.append(Entry(self._producer, self._number, topic, text))
        self._note_waiting()

    async def sent(self) -> None:
        """Wait until Redis has everything."""
        await self._empty.wait()

    async def run(self) -> None:
        """Send until cancelled."""
        failures = 0
        while True:
            await self._wake.wait()
            batch = self._next_batch()
            try:
                await self._send_or_keep(batch)
            except Exception as error:
                # Whatever it is: who stops sending here is as good as dead.
                failures += 1
                if isinstance(error, AWAY_ERRORS):
                    self._reach.away(error)
                elif failures == 1:
                    log.exception("messages could not be sent to Redis; trying again")
                await self._keep_safe()
                await asyncio.sleep(back_off_s(failures))
            else:
                failures = 0
                self._reach.back()
                await self._forget(len(batch))

    def _note_waiting(self) -> None:
        self._wake.set()
        self._empty.clear()

    def _next_batch(self) -> list[Entry]:
        """The next messages of one producer."""
        batch = list(islice(self._waiting, BATCH))
        return [entry for entry in batch if entry.producer == batch[0].producer]

    async def _send_or_keep(self, batch: list[Entry]) -> None:
        """Send; what waits goes to disk while Redis lets us wait: it may be frozen, and we may die before we know."""
        sending = asyncio.ensure_future(self._send(batch))
        try:
            while not sending.done():
                await asyncio.wait({sending}, timeout=SAFE_WITHIN_S)
                if not sending.done():
                    await self._write_fresh()
            await sending
        finally:
            sending.cancel()

    async def _send(self, batch: list[Entry]) -> None:
        arguments: list[str | int] = []
        for entry in batch:
            arguments += (entry.number, self._delivery_of(entry.topic), self._key_of(entry.topic), entry.text)
        try:
            await self._append(keys=[self._key_of(f"producer.{batch[0].producer}")], args=arguments)
        except ResponseError:
            log.debug("Redis refused a batch", exc_info=True)
            raise

    async def _forget(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
        if self._waiting:
            return
        if self._spooled is not None and self._spool is not None:
            self._spooled = None
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._spool.clear)
        if not self._waiting:
            self._wake.clear()
            self._empty.set()

    async def _keep_safe(self) -> None:
        """Drop what is stale when it comes late, and write the rest to disk."""
        self._waiting = deque(entry for entry in self._waiting if self._delivery_of(entry.topic) != "volatile")
        if not self._waiting:
            self._wake.clear()
            self._empty.set()
            return
        await self._write_fresh()

    async def _write_fresh(self) -> None:
        """Append what is kept and not on disk yet to the spool."""
        if self._spool is None:
            return
        kept = [entry for entry in self._waiting if self._delivery_of(entry.topic) == "kept"]
        fresh = kept[kept.index(self._spooled) + 1 :] if self._spooled in kept else kept
        if fresh:
            try:
                await asyncio.to_thread(self._spool.append, fresh)
            except OSError as error:
                if not self._unsafe:
                    log.error("what waits for Redis cannot be kept on disk: %s", error.strerror)
                self._unsafe = True
            else:
                self._unsafe = False
                self._spooled = fresh[-1]
