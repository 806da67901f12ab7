"""Reading Redis: inboxes that survive an absence of Redis without a gap, kept topics that are acknowledged, news."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ResponseError

from media.contract import Delivery
from service.bus.connection import AWAY_ERRORS, Reach, back_off_s
from service.bus.memory import SubscriberTooSlow

log = logging.getLogger(__name__)

WAIT_MS = 1_000
AT_ONCE = 512
IN_A_ROW = 16
"""Messages given without letting anything else of this process have its turn: they come in hundreds."""
MOST_HASTY = 5
"""A confirmation that is passed over, too, looks as if nothing came without any wait; so many in a row are none."""
BEGINNING = "0-0"
GROUP = "service"
READER = "ledger"
"""One reader at a time has the group's one name: whoever takes over is given what its predecessor left open."""
Decode = Callable[[bytes], dict[str, Any] | None]
"""Opens a sealed message; None for a forged one."""
Rows = list[tuple[bytes, dict[bytes, bytes] | None]]


class Inbox:
    """An inbox read by one reader, which keeps its own place: a lost connection loses nothing."""

    def __init__(self, redis: Redis, reach: Reach, key: str, decode: Decode) -> None:
        self._redis = redis
        self._reach = reach
        self._key = key
        self._decode = decode
        self._place = BEGINNING
        self._ready: deque[bytes] = deque()
        self._turns = Turns()

    async def begin(self) -> None:
        """Begin after what is there now; waits for Redis."""
        rows = await _patiently(self._reach, lambda: self._redis.xrevrange(self._key, count=1))
        self._place = rows[0][0].decode() if rows else BEGINNING

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Itself."""
        return self

    async def __anext__(self) -> dict[str, Any]:
        """Give the next message. Raises SubscriberTooSlow when messages were dropped before they were read."""
        while True:
            if not self._ready:
                await self._fill()
            await self._turns.take()
            message = self._decode(self._ready.popleft()) if self._ready else None
            if message is not None:
                return message

    async def _fill(self) -> None:
        before = self._reach.absences
        rows = await _patiently(self._reach, self._read)
        if rows and (len(rows) == AT_ONCE or self._reach.absences != before):
            await self._refuse_gap()
        if rows:
            self._place = rows[-1][0].decode()
        self._ready.extend(_sealed(fields) for _, fields in rows)

    async def _read(self) -> Rows:
        answer: Any = await self._redis.xread({self._key: self._place}, count=AT_ONCE, block=WAIT_MS)
        rows: Rows = answer[0][1] if answer else []
        return rows

    async def _refuse_gap(self) -> None:
        try:
            about = await self._redis.xinfo_stream(self._key)
        except ResponseError:
            return  # it is gone: nobody wrote for an hour
        deleted = about.get("max-deleted-entry-id", b"0-0").decode()
        if _number(deleted) > _number(self._place):
            raise SubscriberTooSlow("the subscriber fell behind and was cut off")


class News:
    """What is told to those who listen now: nothing is kept, a lost connection loses what came meanwhile."""

    def __init__(self, redis: Redis, reach: Reach, key: str, decode: Decode) -> None:
        self._pubsub: PubSub = redis.pubsub(ignore_subscribe_messages=True)
        self._reach = reach
        self._key = key
        self._decode = decode
        self._hasty = 0

    async def begin(self) -> None:
        """Listen; waits for Redis."""
        await _patiently(self._reach, self._subscribe)

    async def close(self) -> None:
        """Listen no more."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Itself."""
        return self

    async def __anext__(self) -> dict[str, Any]:
        """Give the next message."""
        while True:
            began = time.monotonic()
            try:
                news = await self._pubsub.get_message(timeout=WAIT_MS / 1000)
                self._refuse_haste(news, time.monotonic() - began)
            except AWAY_ERRORS as error:
                self._reach.away(error)
                await asyncio.sleep(back_off_s(1))
                await _patiently(self._reach, self._subscribe)
                continue
            message = self._decode(news["data"]) if news and news["type"] == "message" else None
            if message is not None:
                return message

    def _refuse_haste(self, news: Any, waited_s: float) -> None:
        """Raise ConnectionError when nothing came again and again without any wait.

        A host that vanished without a word ends its connection with ETIMEDOUT. Python's name for that is TimeoutError,
        which redis-py takes for its own "nothing came in time": it would ask for ever without giving way to anybody.
        """
        self._hasty = self._hasty + 1 if news is None and waited_s < WAIT_MS / 2000 else 0
        if self._hasty >= MOST_HASTY:
            self._hasty = 0
            raise ConnectionError("the connection ended without a word")

    async def _subscribe(self) -> None:
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._pubsub.subscribe(self._key)
        # The confirmation: from here on nothing is missed.
        await self._pubsub.get_message(timeout=WAIT_MS / 1000)


class Consumption:
    """A kept topic, read by one reader at a time; what is not acknowledged is given to the next reader again."""

    def __init__(self, redis: Redis, reach: Reach, key: str, decode: Decode) -> None:
        self._redis = redis
        self._reach = reach
        self._key = key
        self._decode = decode
        self._place: str | None = BEGINNING
        """How far what a reader left open was given again; None once all of it was."""
        self._open: deque[str] = deque()
        self._ready: deque[tuple[str, bytes]] = deque()
        self._turns = Turns()

    async def begin(self) -> None:
        """Make sure that the topic has its group; waits for Redis."""
        await _patiently(self._reach, self._make_group)

    def __aiter__(self) -> AsyncIterator[Delivery]:
        """Itself."""
        return self

    async def __anext__(self) -> Delivery:
        """Give the next message and its position, which grows."""
        while True:
            if not self._ready:
                self._take(await _patiently(self._reach, self._read, self._go_back))
            await self._turns.take()
            if not self._ready:
                continue
            place, sealed = self._ready.popleft()
            message = self._decode(sealed)
            if message is not None:
                return Delivery(place, message)

    async def acknowledge(self, position: str) -> None:
        """All up to this position is safe elsewhere. When Redis is away, it is given again later."""
        done = []
        while self._open and _number(self._open[0]) <= _number(position):
            done.append(self._open.popleft())
        if not done:
            return
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.xack(self._key, GROUP, *done)
                pipeline.xtrim(self._key, minid=done[-1], approximate=True)
                await pipeline.execute()
        except AWAY_ERRORS as error:
            self._reach.away(error)

    def _go_back(self) -> None:
        """Redis may have given what never arrived here: ask again for all after the last that did."""
        self._place = self._open[-1] if self._open else BEGINNING

    def _take(self, rows: Rows) -> None:
        for identity, fields in rows:
            place = identity.decode()
            if self._open and _number(place) <= _number(self._open[-1]):
                continue
            self._open.append(place)
            self._ready.append((place, _sealed(fields)))
        if self._place is not None:
            self._place = rows[-1][0].decode() if rows else None

    async def _read(self) -> Rows:
        place, block = (">", WAIT_MS) if self._place is None else (self._place, None)
        try:
            read = self._redis.xreadgroup
            answer: Any = await read(GROUP, READER, {self._key: place}, count=AT_ONCE, block=block)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            log.error("Redis has forgotten its streams: does it keep them on disk?")
            await self._make_group()
            return []
        rows: Rows = answer[0][1] if answer else []
        return rows

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._key, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


async def _patiently(reach: Reach, ask: Callable[[], Any], failed: Callable[[], None] = lambda: None) -> Any:
    """Ask Redis until it answers; `failed` is called after each failure."""
    failures = 0
    while True:
        try:
            answer = await ask()
        except AWAY_ERRORS as error:
            failures += 1
            reach.away(error)
            failed()
            await asyncio.sleep(back_off_s(failures))
        else:
            reach.back()
            return answer


class Turns:
    """Lets others have their turn now and then while one after another is there to be taken."""

    def __init__(self) -> None:
        self._in_a_row = 0

    async def take(self) -> None:
        """Go on, or let others go first."""
        self._in_a_row += 1
        if self._in_a_row >= IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)


def _sealed(fields: dict[bytes, bytes] | None) -> bytes:
    return (fields or {}).get(b"m", b"")


def _number(place: str) -> tuple[int, int]:
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number or 0)
