"""Our relay with a WebSocket in front of it, as a process: what the service does for a lesson, without accounts.

`relay_process.py ADDRESS`; the path of a socket says who comes: `/lesson/role/name`. Prints its port.
"""

import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import websockets

from media.contract import ClientMessage, JoinLesson, LeaveLesson, OpenLesson, Party, commands_topic
from media.relay.configuration import RelayConfiguration
from media.relay.relay import Relay
from service.live.clients import CLOSE_CODES

RELAY_ID = "bench"
FAR_FUTURE = 4e9


class SocketBus:
    """The seam `media.contract.Bus`: commands to the relay by a queue, its words to clients by their sockets."""

    def __init__(self) -> None:
        self._commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._clients: dict[str, websockets.ServerConnection] = {}
        self._numbers = itertools.count(1)

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        """An event of the relay."""
        client = self._clients.get(message.get("connection_id", ""))
        if client is None:
            return
        with contextlib.suppress(websockets.ConnectionClosed):
            if message["type"] == "to_client":
                await client.send(json.dumps(message["message"]))
            elif message["type"] == "close_connection":
                await client.close(CLOSE_CODES.get(message["code"], 1000), message["code"])

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The relay's commands."""
        assert topic == commands_topic(RELAY_ID)
        yield self._taken()

    async def serve(self, client: websockets.ServerConnection) -> None:
        """One client, from its join until its socket closes."""
        assert client.request is not None
        lesson_id, role, name = client.request.path.strip("/").split("/")
        connection_id = f"c{next(self._numbers)}"
        self._clients[connection_id] = client
        self._command(
            OpenLesson(
                lesson_id=lesson_id,
                kind="synchronous",
                title="",
                recorded=False,
                starts_at=0,
                ends_at=FAR_FUTURE,
            )
        )
        party = Party(party_id=f"room:{name}", role=role, name=name, room_id=name, school=name)  # type: ignore[arg-type]
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in client:
                message = json.loads(text)
                if message["type"] == "join":
                    self._command(JoinLesson(lesson_id=lesson_id, connection_id=connection_id, party=party))
                elif message["type"] == "ping":
                    await client.send(json.dumps({"v": 1, "type": "pong"}))
                else:
                    self._command(ClientMessage(lesson_id=lesson_id, connection_id=connection_id, message=message))
        del self._clients[connection_id]
        self._command(LeaveLesson(lesson_id=lesson_id, connection_id=connection_id, reason="socket_closed"))

    def _command(self, command: Any) -> None:
        self._commands.put_nowait(command.model_dump(mode="json"))

    async def _taken(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await self._commands.get()


async def main() -> None:
    """Run until standard input closes."""
    bus = SocketBus()
    with tempfile.TemporaryDirectory() as folder:
        configuration = RelayConfiguration(
            relay_id=RELAY_ID,
            journals_folder=Path(folder),
            bind_addresses=("0.0.0.0",),
            announced_addresses=(sys.argv[1],),
        )
        relay = Relay(configuration, bus)
        await relay.start()
        async with websockets.serve(bus.serve, "0.0.0.0", 0, ping_interval=10, ping_timeout=15) as server:
            print(next(iter(server.sockets)).getsockname()[1], flush=True)
            await asyncio.to_thread(sys.stdin.read)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(relay.stop(), 3.0)


asyncio.run(main())
