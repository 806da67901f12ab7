"""What the Redis bus keeps through absences of Redis and deaths of its users; forged messages; the lease of one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from errno import ETIMEDOUT
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis_server import RedisServer

from media.contract import EVENTS_TOPIC, HEARTBEATS_TOPIC
from service.bus.redis_bus import RedisBus, RefusedByRedisError

KEY = "the fleet's key"


@asynccontextmanager
async def running(url: str, key: str = KEY, namespace: str = "n", spool: Path | None = None) -> AsyncIterator[RedisBus]:
    bus = RedisBus(url, key, namespace=namespace)
    async with bus.running(spool):
        yield bus


def numbers(count: int) -> list[dict[str, int]]:
    return [{"n": number} for number in range(count)]


async def take(consumption: Any, count: int, *, acknowledged: bool = True) -> list[int]:
    taken = []
    for _ in range(count):
        delivery = await asyncio.wait_for(anext(aiter(consumption)), 15)
        taken.append(delivery.message["n"])
        if acknowledged:
            await consumption.acknowledge(delivery.position)
    return taken


async def publish(bus: RedisBus, topic: str, messages: list[dict[str, int]]) -> None:
    for message in messages:
        await bus.publish(topic, message)


def test_what_a_dead_reader_left_open_is_given_to_the_next_and_nothing_twice(redis: RedisServer) -> None:
    async def scenario() -> tuple[list[int], list[int]]:
        async with running(redis.url, namespace=uuid4().hex) as bus:
            await publish(bus, EVENTS_TOPIC, numbers(10))
            async with bus.consume(EVENTS_TOPIC) as first:
                taken = await take(first, 4)
                await take(first, 3, acknowledged=False)
            async with bus.consume(EVENTS_TOPIC) as second:
                return taken, await take(second, 6)

    assert asyncio.run(scenario()) == ([0, 1, 2, 3], [4, 5, 6, 7, 8, 9])


def test_what_is_acknowledged_is_removed_from_redis(redis: RedisServer) -> None:
    async def scenario() -> int:
        async with running(redis.url, namespace=uuid4().hex) as bus:
            await publish(bus, EVENTS_TOPIC, numbers(2000))
            async with bus.consume(EVENTS_TOPIC) as consumption:
                await take(consumption, 2000)
            return int(await bus.redis.xlen(bus.key_of(EVENTS_TOPIC)))

    assert asyncio.run(scenario()) < 200


@pytest.mark.parametrize("absence", ["killed", "frozen"])
def test_nothing_is_lost_or_doubled_while_redis_is_away(own_redis: RedisServer, absence: str) -> None:
    async def scenario() -> tuple[list[int], list[int], int, bool]:
        async with running(own_redis.url) as bus, bus.subscribe("inbox") as inbox, bus.consume(EVENTS_TOPIC) as kept:
            await publish(bus, EVENTS_TOPIC, numbers(5))
            await publish(bus, "inbox", numbers(5))
            facts, words = await take(kept, 5), [(await anext(inbox))["n"] for _ in range(5)]
            own_redis.kill() if absence == "killed" else own_redis.freeze()
            for number in range(5, 300):
                await bus.publish(EVENTS_TOPIC, {"n": number})
                await bus.publish("inbox", {"n": number})
                if number % 50 == 0:
                    await asyncio.sleep(0.1)
            if absence == "frozen":
                await asyncio.sleep(5)
            away = not bus.reach.connected
            own_redis.start() if absence == "killed" else own_redis.thaw()
            facts += await take(kept, 295)
            words += [(await asyncio.wait_for(anext(inbox), 15))["n"] for _ in range(295)]
            # One more round trip: would something come twice, it would stand before this one.
            await publish(bus, EVENTS_TOPIC, [{"n": 1000}])
            await publish(bus, "inbox", [{"n": 1000}])
            facts += await take(kept, 1)
            words.append((await asyncio.wait_for(anext(inbox), 15))["n"])
            return facts, words, bus.reach.absences, away

    facts, words, absences, away = asyncio.run(scenario())
    assert facts == [*range(300), 1000]
    assert words == [*range(300), 1000]
    assert (absences, away) == (1, True)


def test_facts_of_a_process_killed_while_redis_was_away_are_sent_by_the_next(
    own_redis: RedisServer, tmp_path: Path
) -> None:
    spool = tmp_path / "spool" / "relay-1.jsonl"

    async def dying() -> None:
        bus = RedisBus(own_redis.url, KEY, namespace="n")
        running_bus = bus.running(spool)
        await running_bus.__aenter__()
        await publish(bus, EVENTS_TOPIC, numbers(3))
        await bus._outbox.sent()
        own_redis.kill()
        await publish(bus, EVENTS_TOPIC, [{"n": number} for number in range(3, 50)])
        while not spool.exists():  # noqa: ASYNC110 - the file is the event
            await asyncio.sleep(0.05)
        # Killed: nothing is said to anybody.

    async def after() -> list[int]:
        async with running(own_redis.url, spool=spool) as bus, bus.consume(EVENTS_TOPIC) as kept:
            await bus.publish(EVENTS_TOPIC, {"n": 50})
            return await take(kept, 51)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(dying())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    own_redis.start()
    assert asyncio.run(after()) == list(range(51))
    assert not spool.exists()


def test_facts_are_on_disk_while_a_frozen_redis_lets_us_wait(own_redis: RedisServer, tmp_path: Path) -> None:
    spool = tmp_path / "spool" / "relay-1.jsonl"

    async def scenario() -> tuple[float, list[int]]:
        async with running(own_redis.url, spool=spool) as bus:
            await publish(bus, EVENTS_TOPIC, numbers(3))
            await bus._outbox.sent()
            own_redis.freeze()
            begun = time.monotonic()
            await publish(bus, EVENTS_TOPIC, [{"n": 3}, {"n": 4}])
            while not spool.exists() or len(spool.read_text().splitlines()) < 2:  # noqa: ASYNC110 - the file is the event
                await asyncio.sleep(0.02)
            kept_after_s = time.monotonic() - begun
            own_redis.thaw()
            async with bus.consume(EVENTS_TOPIC) as kept:
                return kept_after_s, await take(kept, 5)

    kept_after_s, taken = asyncio.run(scenario())
    assert kept_after_s < 2  # long before Redis is given up, after 4 s
    assert taken == list(range(5))


def test_a_stranger_with_the_password_but_not_the_key_is_not_heard(redis: RedisServer) -> None:
    async def scenario() -> tuple[dict[str, Any], int]:
        namespace = uuid4().hex
        async with (
            running(redis.url, namespace=namespace) as bus,
            running(redis.url, "another key", namespace) as stranger,
            bus.subscribe("topic") as messages,
        ):
            await stranger.publish("topic", {"n": 1})
            await stranger._outbox.sent()
            await bus.publish("topic", {"n": 2})
            return await anext(messages), bus.forged

    assert asyncio.run(scenario()) == ({"n": 2}, 1)


def test_a_signed_message_moved_to_another_topic_is_not_heard(redis: RedisServer) -> None:
    async def scenario() -> dict[str, Any]:
        async with running(redis.url, namespace=uuid4().hex) as bus, bus.subscribe("b") as messages:
            async with bus.subscribe("a") as own:
                await bus.publish("a", {"n": 1})
                await anext(own)
            rows: Any = await bus.redis.xrange(bus.key_of("a"))
            await bus.redis.xadd(bus.key_of("b"), rows[0][1])
            await bus.publish("b", {"n": 2})
            return await anext(messages)

    assert asyncio.run(scenario()) == {"n": 2}


def test_a_wrong_password_is_told_at_once_and_an_absent_redis_is_only_noted(redis: RedisServer) -> None:
    async def scenario() -> bool:
        wrong = RedisBus(redis.url.replace("only-for-tests", "wrong"), KEY)
        with pytest.raises(RefusedByRedisError):
            await wrong.check()
        await wrong.redis.aclose()
        absent = RedisBus("redis://127.0.0.1:1/0", KEY)
        await absent.check()
        return absent.reach.connected

    assert asyncio.run(scenario()) is False


@pytest.mark.timeout(30)
def test_a_host_that_vanished_without_a_word_stops_nobody_and_is_listened_to_again(redis: RedisServer) -> None:
    async def scenario() -> tuple[dict[str, Any], int]:
        namespace = uuid4().hex
        async with running(redis.url, namespace=namespace) as bus, bus.subscribe(HEARTBEATS_TOPIC) as news:
            waiting = asyncio.ensure_future(anext(aiter(news)))
            await asyncio.sleep(0.2)
            # What the kernel tells when the other machine is gone and nothing was answered for too long.
            news._pubsub.connection._reader.set_exception(TimeoutError(ETIMEDOUT, "Connection timed out"))  # type: ignore[attr-defined]
            async with running(redis.url, namespace=namespace) as other:
                while not waiting.done():  # what comes before it listens again is lost
                    await other.publish(HEARTBEATS_TOPIC, {"n": 1})
                    await asyncio.sleep(0.1)
            return await waiting, bus.reach.absences

    assert asyncio.run(scenario()) == ({"n": 1}, 1)
