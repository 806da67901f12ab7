"""What is the memory bus's own: a slow subscriber is cut off."""

import asyncio

import pytest

from service.bus.memory import MemoryBus, SubscriberTooSlow


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
