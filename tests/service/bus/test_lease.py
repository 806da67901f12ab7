"""One process at a time leads; when it dies, hangs or goes, the next does within seconds."""

import asyncio
import contextlib
import time
from uuid import uuid4

from redis_server import RedisServer

from service.bus.connection import Reach, connect
from service.bus.lease import LEASE_S, RedisLease


def test_one_holds_it_and_the_next_gets_it_at_once_when_it_goes(redis: RedisServer) -> None:
    async def scenario() -> tuple[bool, bool, float]:
        key, client, reach = uuid4().hex, connect(redis.url), Reach()
        first, second = (RedisLease(client, reach, key, name) for name in ("first", "second"))
        async with contextlib.AsyncExitStack() as later:
            async with first.running():
                await asyncio.wait_for(first.gained(), 2)
                await later.enter_async_context(second.running())
                await asyncio.sleep(0.3)
                held = first.held, second.held
            gone_at = time.monotonic()
            await asyncio.wait_for(second.gained(), 5)
            took_s = time.monotonic() - gone_at
        await client.aclose()
        return *held, took_s

    first, second, took_s = asyncio.run(scenario())
    assert (first, second) == (True, False)
    assert took_s < 2


def test_who_hears_nothing_of_redis_stops_leading_before_the_lease_ends(own_redis: RedisServer) -> None:
    async def scenario() -> float:
        client = connect(own_redis.url)
        lease = RedisLease(client, Reach(), "lease", "only")
        async with lease.running():
            await asyncio.wait_for(lease.gained(), 2)
            own_redis.freeze()
            since = time.monotonic()
            await asyncio.wait_for(lease.lost(), 10)
            own_redis.thaw()
            took = time.monotonic() - since
            await asyncio.wait_for(lease.gained(), 10)
        await client.aclose()
        return took

    assert asyncio.run(scenario()) < LEASE_S
