"""What somebody who can write to Redis, but has no key, achieves by sending signed messages a second time: nothing."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from redis_server import RedisServer

from media.contract import EVENTS_TOPIC, HEARTBEATS_TOPIC
from service.bus.redis_bus import CLOCKS_APART_S, RedisBus
from service.bus.signing import ForgedError, Freshness, Signer, Stamp

INBOX = "relay.relay-1.commands"


async def copies(bus: RedisBus, topic: str) -> list[bytes]:
    """All signed messages of a topic, as an eavesdropper has them."""
    rows: Any = await bus.redis.xrange(bus.key_of(topic))
    return [fields[b"m"] for _, fields in rows]


def on_a_bus(redis: RedisServer, scenario: Any) -> Any:
    async def run() -> Any:
        bus = RedisBus(redis.url, "the fleet's key", namespace=uuid4().hex)
        async with bus.running():
            return await asyncio.wait_for(scenario(bus), 20), bus.forged, bus.replayed

    return asyncio.run(run())


def test_a_command_sent_again_is_not_obeyed_again(redis: RedisServer) -> None:
    async def scenario(bus: RedisBus) -> list[int]:
        async with bus.subscribe(INBOX) as commands:
            for number in range(3):
                await bus.publish(INBOX, {"n": number})
            taken = [(await anext(commands))["n"] for _ in range(3)]
            for copy in await copies(bus, INBOX):
                await bus.redis.xadd(bus.key_of(INBOX), {"m": copy})
            await bus.publish(INBOX, {"n": 3})
            return [*taken, (await anext(commands))["n"]]

    assert on_a_bus(redis, scenario) == ([0, 1, 2, 3], 0, 3)


def test_a_reader_that_begins_anew_does_not_obey_what_is_old(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(bus: RedisBus) -> int:
        await bus.publish(INBOX, {"n": 0})
        await bus._outbox.sent()
        old = await copies(bus, INBOX)
        later = RedisBus(redis.url, "the fleet's key", namespace=bus._namespace)
        with monkeypatch.context() as patch:
            # A reader that begins much later; the message is that old, whatever the stream says of the copy.
            patch.setattr("service.bus.redis_bus.CLOCKS_APART_S", -3600.0)
            opening = later.subscribe(INBOX)
            commands = await opening.__aenter__()
        await bus.redis.xadd(bus.key_of(INBOX), {"m": old[0]})
        # Sealed another hour later still.
        signer = Signer("the fleet's key", lambda: 1e10)
        await bus.redis.xadd(bus.key_of(INBOX), {"m": signer.seal(INBOX, '{"n": 1}')})
        number: int = (await anext(commands))["n"]
        await opening.__aexit__(None, None, None)
        await later.redis.aclose()
        assert later.replayed == 1
        return number

    assert on_a_bus(redis, scenario) == (1, 0, 0)


def test_a_heartbeat_sent_again_is_not_heard(redis: RedisServer) -> None:
    async def scenario(bus: RedisBus) -> list[int]:
        eavesdropper = bus.redis.pubsub(ignore_subscribe_messages=True)
        await eavesdropper.subscribe(bus.key_of(HEARTBEATS_TOPIC))
        await eavesdropper.get_message(timeout=5)
        async with bus.subscribe(HEARTBEATS_TOPIC) as beats:
            await bus.publish(HEARTBEATS_TOPIC, {"n": 0})
            taken = [(await anext(beats))["n"]]
            heard: Any = None
            while heard is None:
                heard = await eavesdropper.get_message(timeout=5)
            await bus.redis.publish(bus.key_of(HEARTBEATS_TOPIC), heard["data"])
            await bus.publish(HEARTBEATS_TOPIC, {"n": 1})
            taken.append((await anext(beats))["n"])
        await eavesdropper.aclose()
        return taken

    assert on_a_bus(redis, scenario) == ([0, 1], 0, 1)


def test_minutes_sent_again_are_not_counted_again(redis: RedisServer) -> None:
    async def scenario(bus: RedisBus) -> list[int]:
        async with bus.consume(EVENTS_TOPIC) as facts:
            await bus.publish(EVENTS_TOPIC, {"n": 0})
            taken = [(await anext(aiter(facts))).message["n"]]
            await bus.redis.xadd(bus.key_of(EVENTS_TOPIC), {"m": (await copies(bus, EVENTS_TOPIC))[0]})
            await bus.publish(EVENTS_TOPIC, {"n": 1})
            return [*taken, (await anext(aiter(facts))).message["n"]]

    assert on_a_bus(redis, scenario) == ([0, 1], 0, 1)


def test_a_stamp_cannot_be_changed() -> None:
    signer = Signer("key")
    signature, stamp, text = signer.seal("topic", "{}").split("|")
    sender, number, at = stamp.split(".")
    assert signer.open("topic", f"{signature}|{stamp}|{text}".encode())[1] == "{}"
    for changed in (f"{sender}.{int(number) + 1}.{at}", f"{sender}.{number}.{int(at) + 1}", f"other.{number}.{at}", ""):
        with pytest.raises(ForgedError):
            signer.open("topic", f"{signature}|{changed}|{text}".encode())


def test_a_sender_unknown_until_now_is_believed_only_what_it_said_lately() -> None:
    freshness = Freshness(since=1000.0)
    assert not freshness.is_new(Stamp("a", 5, 999.0))
    assert freshness.is_new(Stamp("a", 6, 1000.0))
    assert not freshness.is_new(Stamp("a", 5, 2000.0)), "numbers only grow"
    assert freshness.is_new(Stamp("a", 9, 900.0)), "its clock was set back; its numbers were not"
    assert freshness.is_new(Stamp("b", 1, 1001.0)), "each sender counts for itself"
    assert CLOCKS_APART_S >= 60, "as much as join grants allow"
