"""Short-lived lessons, each of one page, over which that page measures what its line and firewall let through.

A test lives on a relay as a lesson does, with several connections of the same page; nothing of it is written down.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Literal

from media.contract import CONNECTION_TEST, CloseLesson, JoinLesson, OpenLesson, Party, SchoolLine, new_connection_id
from service.clock import Clock
from service.live.clients import Client
from service.live.live import Live
from service.live.turn import TurnServer
from service.problems import TooManyAttempts
from service.storage.base import new_id

MOST_AT_ONCE = 6
"""Tests of everybody at one time in this process: running lessons come first."""
MOST_PARTIES = 8
LASTS_S = 90.0
ASK_AGAIN_S = 30


class NoRelayError(Exception):
    """No relay takes lessons at this moment."""


class ConnectionTest:
    """One running test: parties of one page in a lesson of their own."""

    def __init__(self, live: Live, turn_server: TurnServer, clock: Clock, replica_id: str, relay_id: str) -> None:
        self.lesson_id = f"{CONNECTION_TEST}{new_id()}"
        self.relay_id = relay_id
        self._live, self._turn_server, self._clock, self._replica_id = live, turn_server, clock, replica_id
        self._clients: dict[int, Client] = {}

    async def open(self) -> None:
        """Begin the lesson."""
        now = self._clock.now()
        lesson = OpenLesson(
            lesson_id=self.lesson_id,
            kind="synchronous",
            title="",
            recorded=False,
            starts_at=now.timestamp(),
            ends_at=(now + timedelta(seconds=LASTS_S)).timestamp(),
        )
        await self._live.conductor.send(self.relay_id, lesson)

    async def enter(self, number: int, *, receives: bool, school_line: SchoolLine | None) -> Client:
        """Let party `number` in, to send or to receive; one that is in already is replaced."""
        await self.leave(number)
        connection_id = new_connection_id(self._replica_id)
        party_id = f"test:{number}"
        ice = self._turn_server.ice_for(connection_id, self._clock.now())
        client = Client(connection_id, self.lesson_id, party_id, {"id": self.lesson_id, "kind": "synchronous"}, ice)
        client.relay_id = self.relay_id
        role: Literal["observer", "lead"] = "observer" if receives else "lead"
        party = Party(party_id=party_id, role=role, name="", recorded=False)
        self._clients[number] = client
        self._live.clients.add(client)
        join = JoinLesson(lesson_id=self.lesson_id, connection_id=connection_id, party=party, school_line=school_line)
        await self._live.say(client, join)
        return client

    def party(self, number: int) -> Client | None:
        """Give the party's connection while it is in."""
        return self._clients.get(number)

    async def leave(self, number: int) -> None:
        """Take the party out; harmless when it is not in."""
        client = self._clients.pop(number, None)
        if client is None:
            return
        self._live.clients.remove(client)
        client.close(1000, "left")
        await self._live.leave(client, "left")

    async def close(self) -> None:
        """End the lesson for all its parties."""
        for number in list(self._clients):
            await self.leave(number)
        await self._live.conductor.send(self.relay_id, CloseLesson(lesson_id=self.lesson_id, reason="over"))


class ConnectionTests:
    """The tests of this process."""

    def __init__(
        self, live: Live, turn_server: TurnServer, clock: Clock, *, replica_id: str, relays: Callable[[], list[str]]
    ) -> None:
        """`relays` tells which relays take new lessons at this moment."""
        self._live, self._turn_server, self._clock = live, turn_server, clock
        self._replica_id, self._relays = replica_id, relays
        self._running = 0

    @property
    def running(self) -> int:
        """How many run."""
        return self._running

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[ConnectionTest]:
        """Run a test until the block is left. Raises TooManyAttempts when enough run, NoRelayError without relays."""
        if self._running >= MOST_AT_ONCE:
            raise TooManyAttempts(ASK_AGAIN_S)
        relays = self._relays()
        if not relays:
            raise NoRelayError
        relay_id = random.choice(relays)  # noqa: S311 - which relay is tested is no secret
        test = ConnectionTest(self._live, self._turn_server, self._clock, self._replica_id, relay_id)
        self._running += 1
        try:
            await test.open()
            yield test
        finally:
            self._running -= 1
            await test.close()
