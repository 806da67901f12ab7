"""The WebSocket clients of this process, each with a bounded queue: a slow one holds up neither memory nor others."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

MOST_WAITING_MESSAGES = 512
MOST_KEPT = 64
"""Sent messages kept for a socket that takes the connection up: more than are under way at any moment."""
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


class TakenOverError(Exception):
    """Another socket has taken the client's connection up."""


class Client:
    """One joined connection. All methods run on the event loop.

    It may outlive its socket: when that is cut without a word, another takes the connection up and is sent again what
    did not arrive.
    """

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
        self.is_moving = False
        """Whether it was told that its lesson goes to another relay."""
        self.closing: Closing | None = None
        self.resumable = False
        """Whether its welcome says that a cut connection can be taken up again."""
        self.received = 0
        """Messages of the client so far."""
        self._sent = 0
        self._kept: deque[str] = deque(maxlen=MOST_KEPT)
        self._holder = 0
        self._waiting: deque[str | Closing] = deque()
        self._waiting_bytes = 0
        self._changed = asyncio.Event()

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message; a client that has fallen too far behind is closed instead and comes back by itself."""
        if self.closing is not None:
            return
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        self._waiting_bytes += len(text)
        if len(self._waiting) >= MOST_WAITING_MESSAGES or self._waiting_bytes > MOST_WAITING_BYTES:
            self._waiting.clear()
            self._waiting_bytes = 0
            self.close(TOO_SLOW, "too_slow")
            return
        self._waiting.append(text)
        self._changed.set()

    def close(self, code: int, reason: str) -> None:
        """Close the connection once all before it is delivered."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self._waiting.append(self.closing)
            self._changed.set()

    def take(self) -> int:
        """Hold the connection from now on; whoever held it before does not any more. Gives what proves it."""
        self._holder += 1
        self._changed.set()
        return self._holder

    def is_held_by(self, holder: int) -> bool:
        """Whether nobody took the connection up since."""
        return self._holder == holder

    def missed_since(self, received: int) -> list[str] | None:
        """Give what was sent after the first `received` messages; None when that is not known any more."""
        count = self._sent - received
        if not 0 <= count <= len(self._kept):
            return None
        return list(self._kept)[len(self._kept) - count :]

    async def deliver(self, send: Callable[[str], Awaitable[None]], holder: int | None = None) -> Closing:
        """Send what is queued, in order, until the closing comes, and give that.

        Raises TakenOverError as soon as `holder` does not hold the connection any more.
        """
        while True:
            while not self._waiting and holder in (None, self._holder):
                self._changed.clear()
                await self._changed.wait()
            if holder not in (None, self._holder):
                raise TakenOverError
            item = self._waiting.popleft()
            if isinstance(item, Closing):
                return item
            self._waiting_bytes -= len(item)
            self._kept.append(item)
            self._sent += 1
            await send(item)

    async def wait_for_another(self, holder: int, seconds: float) -> None:
        """Wait until somebody else holds the connection, it is closed, or the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._holder == holder and self.closing is None:
                    self._changed.clear()
                    await self._changed.wait()


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
