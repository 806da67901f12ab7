"""The bus the service and the relays talk over: named topics of JSON objects, in order within a topic."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message of a kept topic. `position` grows from message to message; it is empty where nothing is kept."""

    position: str
    message: dict[str, Any]


class Consumption(Protocol):
    """The messages of a kept topic, for the one reader who makes them safe."""

    def __aiter__(self) -> AsyncIterator[Delivery]:
        """Itself."""

    async def __anext__(self) -> Delivery:
        """Give the next message; again, after a reader died, what it had not acknowledged."""

    async def acknowledge(self, position: str) -> None:
        """All messages up to this position are safe and need not be given again."""


class Bus(Protocol):
    """A message bus: in memory on one machine, Redis between several."""

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        """Hand `message`, a JSON object, to everyone subscribed to `topic` now."""

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """Subscribe while the context is entered.

        Whatever is published after the context was entered is received, in the order of publishing.
        """

    def consume(self, topic: str) -> AbstractAsyncContextManager[Consumption]:
        """Read a topic whose messages must not be lost; one reader at a time.

        Between processes it also gives what was published before and not acknowledged by anybody.
        """
