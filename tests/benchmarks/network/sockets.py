"""The sockets of a lesson before the relay: joins, words both ways, and cut connections that are taken up again.

The clients are the service's own (`service.live.clients`), which number, keep and repeat; accounts and bookings are
left out. What a socket's end means and for how long a connection is held is the service's too (`service.api.live`).
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import websockets

from media.contract import ClientMessage, JoinLesson, LeaveLesson, OpenLesson, Party, commands_topic
from service.api.live import FAREWELLS, HOLD_S, PONG
from service.live.clients import CLOSE_CODES, Client, Clients, TakenOverError

RELAY_ID = "bench"
FAR_FUTURE = 4e9


class SocketBus:
    """The seam `media.contract.Bus`: commands to the relay by a queue, its words to clients by their sockets."""

    def __init__(self) -> None:
        self._commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._clients = Clients()
        self._numbers = itertools.count(1)

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        """An event of the relay."""
        client = self._clients.get(message.get("connection_id", ""))
        if client is None:
            return
        if message["type"] == "to_client":
            told = message["message"]
            client.send({**told, "resume": client.resumable} if told["type"] == "welcome" else told)
        elif message["type"] == "close_connection":
            client.close(CLOSE_CODES.get(message["code"], 1000), message["code"])

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The relay's commands."""
        assert topic == commands_topic(RELAY_ID)
        yield self._taken()

    async def serve(self, socket: websockets.ServerConnection) -> None:
        """One socket, from its first message until it closes."""
        assert socket.request is not None
        lesson_id, role, name = socket.request.path.strip("/").split("/")
        with contextlib.suppress(websockets.ConnectionClosed):
            first = json.loads(await socket.recv())
            if first["type"] == "resume":
                await self._resume(socket, first)
                return
            client = Client(f"c{next(self._numbers)}", lesson_id, f"room:{name}", {})
            client.resumable = True
            self._clients.add(client)
            self._enter(client, Party(party_id=client.party_id, role=role, name=name, room_id=name, school=name))  # type: ignore[arg-type]
            await self._hold(socket, client, ())

    async def _resume(self, socket: websockets.ServerConnection, first: dict[str, Any]) -> None:
        client = self._clients.get(first["connection_id"])
        missed = client.missed_since(first["received"]) if client is not None and client.closing is None else None
        if client is None or missed is None:
            await socket.send(json.dumps({"v": 1, "type": "error", "code": "media_lost", "about": "resume"}))
            await socket.close(CLOSE_CODES["media_lost"], "media_lost")
            return
        await self._hold(
            socket, client, [json.dumps({"v": 1, "type": "resumed", "received": client.received}), *missed]
        )

    async def _hold(self, socket: websockets.ServerConnection, client: Client, again: Sequence[str]) -> None:
        """Keep the client in its lesson for as long as its socket lives, and a little longer when that is cut."""
        holder = client.take()
        writing = asyncio.create_task(self._write(socket, client, holder, again))
        try:
            with contextlib.suppress(websockets.ConnectionClosed):
                async for text in socket:
                    self._hear(client, json.loads(text))
            if socket.close_code not in FAREWELLS and client.closing is None:
                await client.wait_for_another(holder, HOLD_S)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            if client.is_held_by(holder):
                self._clients.remove(client)
                self._command(
                    LeaveLesson(
                        lesson_id=client.lesson_id, connection_id=client.connection_id, reason="connection_lost"
                    )
                )

    async def _write(
        self, socket: websockets.ServerConnection, client: Client, holder: int, again: Sequence[str]
    ) -> None:
        with contextlib.suppress(websockets.ConnectionClosed, TakenOverError):
            for text in again:
                await socket.send(text)
            closing = await client.deliver(socket.send, holder)
            await socket.close(closing.code, closing.reason)
            return
        await socket.close()

    def _hear(self, client: Client, message: dict[str, Any]) -> None:
        client.received += 1
        if message["type"] == "ping":
            client.send(PONG)
        else:
            self._command(
                ClientMessage(lesson_id=client.lesson_id, connection_id=client.connection_id, message=message)
            )

    def _enter(self, client: Client, party: Party) -> None:
        self._command(
            OpenLesson(
                lesson_id=client.lesson_id,
                kind="synchronous",
                title="",
                recorded=False,
                starts_at=0,
                ends_at=FAR_FUTURE,
            )
        )
        self._command(JoinLesson(lesson_id=client.lesson_id, connection_id=client.connection_id, party=party))

    def _command(self, command: Any) -> None:
        self._commands.put_nowait(command.model_dump(mode="json"))

    async def _taken(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await self._commands.get()
