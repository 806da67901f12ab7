"""The contract every Bus keeps, on the one in memory and the one over a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from media.contract import EVENTS_TOPIC, HEARTBEATS_TOPIC, Bus
from service.bus.memory import MemoryBus
from service.bus.redis_bus import RedisBus

Scenario = Callable[[Bus], Awaitable[Any]]
TOPICS = ["topic", HEARTBEATS_TOPIC]


@pytest.fixture(params=["memory", "redis"])
def run(request: Any) -> Callable[[Scenario], Any]:
    """Runs a scenario on a bus of its own."""
    if request.param == "memory":
        return lambda scenario: asyncio.run(scenario(MemoryBus()))  # type: ignore[arg-type]
    server = request.getfixturevalue("redis")

    @asynccontextmanager
    async def redis_bus() -> AsyncIterator[Bus]:
        bus = RedisBus(server.url, "the fleet's key", namespace=uuid4().hex)
        async with bus.running():
            yield bus

    async def on_redis(scenario: Scenario) -> Any:
        async with redis_bus() as bus:
            return await asyncio.wait_for(scenario(bus), 20)

    return lambda scenario: asyncio.run(on_redis(scenario))


@pytest.mark.parametrize("topic", TOPICS)
def test_messages_arrive_in_the_order_of_publishing(run: Any, topic: str) -> None:
    async def scenario(bus: Bus) -> list[int]:
        async with bus.subscribe(topic) as messages:
            for number in range(1000):
                await bus.publish(topic, {"number": number})
            return [(await anext(messages))["number"] for _ in range(1000)]

    assert run(scenario) == list(range(1000))


def test_everybody_subscribed_gets_every_message_of_the_topic_and_no_other(run: Any) -> None:
    async def scenario(bus: Bus) -> tuple[dict[str, object], dict[str, object]]:
        async with bus.subscribe("a") as one, bus.subscribe("a") as two:
            await bus.publish("b", {"topic": "b"})
            await bus.publish("a", {"topic": "课"})
            return await anext(one), await anext(two)

    assert run(scenario) == ({"topic": "课"}, {"topic": "课"})


@pytest.mark.parametrize("topic", TOPICS)
def test_what_was_published_before_or_after_the_subscription_is_not_received(run: Any, topic: str) -> None:
    async def scenario(bus: Bus) -> dict[str, object]:
        await bus.publish(topic, {"n": 1})
        async with bus.subscribe(topic) as messages:
            await bus.publish(topic, {"n": 2})
            first = await anext(messages)
        await bus.publish(topic, {"n": 3})
        return first

    assert run(scenario) == {"n": 2}


def test_a_waiting_subscriber_is_woken(run: Any) -> None:
    async def scenario(bus: Bus) -> dict[str, object]:
        async with bus.subscribe("topic") as messages:
            waiting = asyncio.ensure_future(anext(messages))
            await asyncio.sleep(0)
            await bus.publish("topic", {"n": 1})
            return await waiting

    assert run(scenario) == {"n": 1}


def test_receivers_cannot_change_each_others_messages(run: Any) -> None:
    async def scenario(bus: Bus) -> object:
        async with bus.subscribe("topic") as one, bus.subscribe("topic") as two:
            sent: dict[str, Any] = {"list": [1]}
            await bus.publish("topic", sent)
            sent["list"].append(2)
            (await anext(one))["list"].append(3)
            return (await anext(two))["list"]

    assert run(scenario) == [1]


@pytest.mark.parametrize("message", [{"x": object()}, {"x": float("nan")}, {"x": b"bytes"}])
def test_what_is_not_json_is_refused_at_once(run: Any, message: dict[str, object]) -> None:
    async def scenario(bus: Bus) -> None:
        with pytest.raises((TypeError, ValueError)):
            await bus.publish("topic", message)

    run(scenario)


def test_a_kept_topic_is_consumed_in_order_and_acknowledged(run: Any) -> None:
    async def scenario(bus: Bus) -> list[int]:
        async with bus.consume(EVENTS_TOPIC) as consumption:
            received = []
            for number in range(100):
                await bus.publish(EVENTS_TOPIC, {"number": number})
            for _ in range(100):
                delivery = await anext(aiter(consumption))
                received.append(delivery.message["number"])
                await consumption.acknowledge(delivery.position)
        return received

    assert run(scenario) == list(range(100))


@pytest.mark.parametrize("topic", TOPICS)
def test_equal_messages_are_two_messages(run: Any, topic: str) -> None:
    async def scenario(bus: Bus) -> list[dict[str, object]]:
        async with bus.subscribe(topic) as messages:
            for message in ({"n": 1}, {"n": 1}, {"n": 2}):
                await bus.publish(topic, message)
            return [await anext(messages) for _ in range(3)]

    assert run(scenario) == [{"n": 1}, {"n": 1}, {"n": 2}]


def test_equal_messages_of_a_kept_topic_are_two_messages(run: Any) -> None:
    async def scenario(bus: Bus) -> list[dict[str, object]]:
        async with bus.consume(EVENTS_TOPIC) as consumption:
            for message in ({"n": 1}, {"n": 1}, {"n": 2}):
                await bus.publish(EVENTS_TOPIC, message)
            return [(await anext(aiter(consumption))).message for _ in range(3)]

    assert run(scenario) == [{"n": 1}, {"n": 1}, {"n": 2}]
