"""The bus of a deployment in one process: bounded queues, one for each subscriber.

A subscriber that falls behind by more than `most_waiting` messages is cut off: its iterator raises SubscriberTooSlow.
Silently missing messages would leave a lesson in a state nobody sees; a cut is seen, logged and repaired by
subscribing anew. Publishers never wait.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from media.contract import Delivery
from media.contract.tracing import with_trace


class SubscriberTooSlow(Exception):  # noqa: N818 - named for who is at fault
    """Messages were lost because the subscriber did not read them in time. Remedy: subscribe again, read the state."""


class MemoryBus:
    """A Bus for publishers and subscribers on one event loop.

    Messages are copied through JSON, so that nothing works here that would not work over a wire.
    """

    def __init__(self, most_waiting: int = 10_000) -> None:
        self._most_waiting = most_waiting
        self._subscribers: dict[str, list[_Subscription]] = defaultdict(list)

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        """Hand `message` to all present subscribers of `topic`. Raises TypeError or ValueError if it is not JSON."""
        text = json.dumps(with_trace(message), allow_nan=False)
        for subscription in list(self._subscribers[topic]) if topic in self._subscribers else ():
            subscription.put(text)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Subscribe while the context is entered."""
        subscription = _Subscription(self._most_waiting)
        self._subscribers[topic].append(subscription)
        try:
            yield subscription
        finally:
            self._subscribers[topic].remove(subscription)
            if not self._subscribers[topic]:
                del self._subscribers[topic]

    @asynccontextmanager
    async def consume(self, topic: str) -> AsyncIterator["_Consumption"]:
        """Subscribe; what dies with the process need not be acknowledged."""
        async with self.subscribe(topic) as messages:
            yield _Consumption(messages)


class _Consumption:
    def __init__(self, messages: AsyncIterator[dict[str, Any]]) -> None:
        self._messages = messages

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self

    async def __anext__(self) -> Delivery:
        return Delivery("", await anext(self._messages))

    async def acknowledge(self, position: str) -> None:
        """Nothing is kept."""


class _Subscription:
    def __init__(self, most_waiting: int) -> None:
        self._queue: asyncio.Queue[str] = asyncio.Queue(most_waiting)
        self._overflowed = False

    def put(self, text: str) -> None:
        if self._overflowed:
            return
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self._overflowed = True

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self

    async def __anext__(self) -> dict[str, Any]:
        if self._overflowed and self._queue.empty():
            raise SubscriberTooSlow("the subscriber fell behind and was cut off")
        message: dict[str, Any] = json.loads(await self._queue.get())
        return message
