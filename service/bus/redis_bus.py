"""The bus of a deployment of several processes, over Redis.

Commands and words for clients travel in inboxes (streams their one reader follows by its own place), what must not be
lost in kept streams with a consumer group and acknowledgement, heartbeats as publish/subscribe. All of it is signed,
and a signed message that comes a second time is dropped.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import AuthenticationError, ResponseError

from media.contract import EVENTS_TOPIC, HEARTBEATS_TOPIC
from media.contract.tracing import with_trace
from service.bus.connection import AWAY_ERRORS, Reach, connect
from service.bus.outbox import Delivery, Outbox
from service.bus.signing import ForgedError, Freshness, Signer
from service.bus.spool import Spool
from service.bus.streams import Consumption, Inbox, News

log = logging.getLogger(__name__)

NAMESPACE = "three-classrooms"
KEPT = frozenset({EVENTS_TOPIC})
VOLATILE = frozenset({HEARTBEATS_TOPIC})
FAREWELL_S = 2.0
CLOCKS_APART_S = 60.0
"""How far apart the clocks of a fleet's machines may be, and how long a message may be on its way when its reader is
new; join grants ask for no less."""
KEPT_FOR_S = 30 * 24 * 3600.0
"""For so long at most, what must not be lost may wait on the disk of its sender for Redis or for a reader."""
LISTEN_AGAIN_S = 0.5
Open = Callable[[bytes], dict[str, Any] | None]


class RefusedByRedisError(Exception):
    """Redis answers and refuses us. Remedy: correct user and password in REDIS_URL, or the rights of that user."""


class RedisBus:
    """A Bus between processes; `running` sends what is published. One event loop."""

    def __init__(self, url: str, key: str, *, namespace: str = NAMESPACE) -> None:
        self.redis = connect(url)
        self.reach = Reach()
        self.forged = 0
        """Messages dropped because their signature was wrong."""
        self.replayed = 0
        """Messages dropped because they were copies of earlier ones."""
        self._signer = Signer(key)
        self._namespace = namespace
        self._outbox = Outbox(self.redis, self.reach, self.key_of, _delivery_of)

    @property
    def waiting(self) -> int:
        """Messages that wait for Redis."""
        return len(self._outbox)

    def key_of(self, topic: str) -> str:
        """Name the key of a topic in Redis."""
        return f"{self._namespace}:{topic}"

    async def check(self) -> None:
        """Find out whether Redis takes us; one that is away is only noted. Raises RefusedByRedisError."""
        try:
            await self.redis.ping()
        except (AuthenticationError, ResponseError) as error:
            raise RefusedByRedisError(str(error)) from error
        except AWAY_ERRORS as error:
            self.reach.away(error)

    @contextlib.asynccontextmanager
    async def running(self, spool: Path | None = None) -> AsyncIterator[None]:
        """Send what is published; on leaving, what waits gets a moment to be sent.

        With `spool`, what must not be lost is kept in that file while Redis is away.
        """
        if spool is not None:
            self._outbox.use_spool(Spool(spool))
        sending = asyncio.create_task(self._outbox.run(), name="bus-outbox")
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._outbox.sent(), FAREWELL_S)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            with contextlib.suppress(*AWAY_ERRORS):
                await self.redis.aclose()

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        """Take `message` for sending. Raises TypeError or ValueError if it is not JSON, OutboxFullError."""
        text = json.dumps(with_trace(message), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        self._outbox.put(topic, self._signer.seal(topic, text))

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Subscribe while the context is entered; waits for Redis."""
        await self._outbox.sent()
        if _delivery_of(topic) == "volatile":
            news = News(self.redis, self.reach, self.key_of(topic), self._opening(topic, CLOCKS_APART_S))
            try:
                await news.begin()
                yield news
            finally:
                with contextlib.suppress(*AWAY_ERRORS):
                    await news.close()
        else:
            inbox = Inbox(self.redis, self.reach, self.key_of(topic), self._opening(topic, CLOCKS_APART_S))
            await inbox.begin()
            yield inbox

    @contextlib.asynccontextmanager
    async def consume(self, topic: str) -> AsyncIterator[Consumption]:
        """Read a kept topic, from what nobody has acknowledged on; waits for Redis."""
        consumption = Consumption(self.redis, self.reach, self.key_of(topic), self._opening(topic, KEPT_FOR_S))
        await consumption.begin()
        yield consumption

    async def listeners(self, relay_ids: Sequence[str]) -> dict[str, int]:
        """How many listen where each relay listens while it lives; Redis knows at once when a process is gone."""
        keys = [self.key_of(alive_topic(relay_id)) for relay_id in relay_ids]
        counts = await self.redis.pubsub_numsub(*keys)
        return {relay_id: int(count) for relay_id, (_key, count) in zip(relay_ids, counts, strict=True)}

    @contextlib.asynccontextmanager
    async def alive(self, relay_id: str) -> AsyncIterator[None]:
        """Be seen to live while the context is entered."""
        listening = asyncio.create_task(self._listen(alive_topic(relay_id)), name="alive")
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, topic: str) -> None:
        while True:
            try:
                async with self.subscribe(topic) as messages:
                    async for message in messages:
                        log.debug("%s: %s", topic, message)
            except Exception:
                # Whatever it is: who does not listen any more is given up by the others.
                log.exception("listening on %s was interrupted; listening again", topic)
                await asyncio.sleep(LISTEN_AGAIN_S)

    def _opening(self, topic: str, most_age_s: float) -> Open:
        """What opens the messages of a topic for a reader that begins now."""
        freshness = Freshness(time.time() - most_age_s)
        return lambda sealed: self._open(topic, sealed, freshness) if sealed else None

    def _open(self, topic: str, sealed: bytes, freshness: Freshness) -> dict[str, Any] | None:
        try:
            stamp, text = self._signer.open(topic, sealed)
            message: dict[str, Any] = json.loads(text)
        except (ForgedError, ValueError):
            self.forged += 1
            if self.forged == 1:
                log.error("a message on %s was not signed with this fleet's key; such messages are dropped", topic)
            return None
        if freshness.is_new(stamp):
            return message
        self.replayed += 1
        if self.replayed == 1:
            log.error("a message on %s came again, or is too old by its clock; such messages are dropped", topic)
        return None


def _delivery_of(topic: str) -> Delivery:
    if topic in KEPT:
        return "kept"
    return "volatile" if topic in VOLATILE or topic.endswith(".alive") else "inbox"


def alive_topic(relay_id: str) -> str:
    """Name what a relay listens to only to be seen."""
    return f"relay.{relay_id}.alive"
