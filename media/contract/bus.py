"""The bus the service and the relays talk over: named topics of JSON objects, in order within a topic."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Bus(Protocol):
    """A message bus: in memory on one machine, Redis between several."""

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        """Hand `message`, a JSON object, to everyone subscribed to `topic` now."""

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """Subscribe while the context is entered.

        Whatever is published after the context was entered is received, in the order of publishing.
        """
