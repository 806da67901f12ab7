"""The contract every Bus keeps, tested on the one in memory; and what is this one's own."""

import asyncio

import pytest

from media.contract import Bus
from service.bus.memory import MemoryBus, SubscriberTooSlow


@pytest.fixture
def bus() -> Bus:
    return MemoryBus()


def test_messages_arrive_in_the_order_of_publishing(bus: Bus) -> None:
    async def scenario() -> list[int]:
        async with bus.subscribe("topic") as messages:
            for number in range(100):
                await bus.publish("topic", {"number": number})
            return [(await anext(messages))["number"] for _ in range(100)]

    assert asyncio.run(scenario()) == list(range(100))


def test_everybody_subscribed_gets_every_message_of_the_topic_and_no_other(bus: Bus) -> None:
    async def scenario() -> tuple[dict[str, object], dict[str, object]]:
        async with bus.subscribe("a") as one, bus.subscribe("a") as two:
            await bus.publish("b", {"topic": "b"})
            await bus.publish("a", {"topic": "a"})
            return await anext(one), await anext(two)

    assert asyncio.run(scenario()) == ({"topic": "a"}, {"topic": "a"})


def test_what_was_published_before_or_after_the_subscription_is_not_received(bus: Bus) -> None:
    async def scenario() -> dict[str, object]:
        await bus.publish("topic", {"n": 1})
        async with bus.subscribe("topic") as messages:
            await bus.publish("topic", {"n": 2})
            first = await anext(messages)
        await bus.publish("topic", {"n": 3})
        return first

    assert asyncio.run(scenario()) == {"n": 2}


def test_a_waiting_subscriber_is_woken(bus: Bus) -> None:
    async def scenario() -> dict[str, object]:
        async with bus.subscribe("topic") as messages:
            waiting = asyncio.ensure_future(anext(messages))
            await asyncio.sleep(0)
            await bus.publish("topic", {"n": 1})
            return await waiting

    assert asyncio.run(scenario()) == {"n": 1}


def test_receivers_cannot_change_each_others_messages(bus: Bus) -> None:
    async def scenario() -> object:
        async with bus.subscribe("topic") as one, bus.subscribe("topic") as two:
            sent = {"list": [1]}
            await bus.publish("topic", sent)
            sent["list"].append(2)
            (await anext(one))["list"].append(3)
            return (await anext(two))["list"]

    assert asyncio.run(scenario()) == [1]


@pytest.mark.parametrize("message", [{"x": object()}, {"x": float("nan")}, {"x": b"bytes"}])
def test_what_is_not_json_is_refused_at_once(bus: Bus, message: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        asyncio.run(bus.publish("topic", message))


def test_who_falls_behind_is_cut_off_after_what_was_kept_and_nobody_else_suffers() -> None:
    async def scenario() -> tuple[list[int], int]:
        bus = MemoryBus(most_waiting=3)
        async with bus.subscribe("topic") as slow, bus.subscribe("topic") as quick:
            seen = 0
            for number in range(5):
                await bus.publish("topic", {"n": number})
                seen += (await anext(quick))["n"] == number
            received = []
            with pytest.raises(SubscriberTooSlow):
                async for message in slow:
                    received.append(message["n"])  # noqa: PERF401 - what came before the cut counts
            return received, seen

    assert asyncio.run(scenario()) == ([0, 1, 2], 5)
