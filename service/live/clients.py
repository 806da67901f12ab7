"""The WebSocket clients of this process, each with a bounded queue: a slow one holds up neither memory nor others."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

MOST_WAITING_MESSAGES = 512
MOST_WAITING_BYTES = 4 * 1024 * 1024

GOING_AWAY = 1001
TOO_SLOW = 4008
CLOSE_CODES = {
    "left": 1000,
    "replaced": 4000,
    "protocol_error": 4002,
    "media_lost": 4003,
    "lesson_over": 4004,
    "full": 4005,
}
"""WebSocket close codes (RFC 6455 7.4.2: 4000-4999 are private) for the reasons a relay gives."""


@dataclass(frozen=True)
class Closing:
    """The last thing a client is sent: the close code and its reason."""

    code: int
    reason: str


class Client:
    """One joined connection. All methods run on the event loop."""

    def __init__(
        self,
        connection_id: str,
        lesson_id: str,
        party_id: str,
        welcome_lesson: dict[str, Any],
        ice: dict[str, Any] | None = None,
    ) -> None:
        self.connection_id = connection_id
        self.lesson_id = lesson_id
        self.party_id = party_id
        self.welcome_lesson = welcome_lesson
        """What the service knows of the lesson; put into the relay's welcome on its way."""
        self.ice = ice or {}
        """The welcome's `ice`: where this client finds the deployment's TURN server."""
        self.relay_id: str | None = None
        """The relay its messages go to, once it is known."""
        self.closing: Closing | None = None
        self._waiting: asyncio.Queue[str | Closing] = asyncio.Queue()
        self._waiting_bytes = 0

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message; a client that has fallen too far behind is closed instead and comes back by itself."""
        if self.closing is not None:
            return
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        self._waiting_bytes += len(text)
        if self._waiting.qsize() >= MOST_WAITING_MESSAGES or self._waiting_bytes > MOST_WAITING_BYTES:
            self._drop_waiting()
            self.close(TOO_SLOW, "too_slow")
            return
        self._waiting.put_nowait(text)

    def close(self, code: int, reason: str) -> None:
        """Close the connection once all before it is delivered."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self._waiting.put_nowait(self.closing)

    async def deliver(self, send: Callable[[str], Awaitable[None]]) -> Closing:
        """Send what is queued, in order, until the closing comes, and give that."""
        while True:
            item = await self._waiting.get()
            if isinstance(item, Closing):
                return item
            self._waiting_bytes -= len(item)
            await send(item)

    def _drop_waiting(self) -> None:
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting_bytes = 0


class Clients:
    """The connected clients, by connection."""

    def __init__(self) -> None:
        self._by_connection: dict[str, Client] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def add(self, client: Client) -> None:
        """Make the client reachable."""
        self._by_connection[client.connection_id] = client
        self._empty.clear()

    def remove(self, client: Client) -> None:
        """Forget the client."""
        self._by_connection.pop(client.connection_id, None)
        if not self._by_connection:
            self._empty.set()

    async def all_gone(self) -> None:
        """Wait until no client is left."""
        await self._empty.wait()

    def get(self, connection_id: str) -> Client | None:
        """Give the client of a connection of this process, if it is still there."""
        return self._by_connection.get(connection_id)

    def all(self) -> list[Client]:
        """List all clients."""
        return list(self._by_connection.values())

    def of_lesson(self, lesson_id: str) -> list[Client]:
        """List the clients in a lesson."""
        return [client for client in self._by_connection.values() if client.lesson_id == lesson_id]

    def close_all(self, code: int, reason: str) -> None:
        """Close every client, when the process stops."""
        for client in list(self._by_connection.values()):
            client.close(code, reason)

    def __len__(self) -> int:
        """Count the clients."""
        return len(self._by_connection)
