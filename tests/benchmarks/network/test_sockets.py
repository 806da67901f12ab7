"""The benchmark's sockets do what the service's do: a connection that is cut goes on for a while."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets
from benchmarks.network import sockets
from benchmarks.network.sockets import RELAY_ID, SocketBus

from media.contract import commands_topic


class Desk:
    """A bus behind a socket, and what the relay would be told."""

    def __init__(self, port: int, commands: AsyncIterator[dict], bus: SocketBus) -> None:
        self.port, self.commands, self.bus = port, commands, bus

    async def connect(self, **first: object) -> websockets.ClientConnection:
        socket = await websockets.connect(f"ws://127.0.0.1:{self.port}/lesson/room/a")
        await socket.send(json.dumps({"v": 1, **first}))
        return socket

    async def join(self) -> websockets.ClientConnection:
        socket = await self.connect(type="join")
        assert [await self.command(), await self.command()] == ["open_lesson", "join_lesson"]
        await self.say({"type": "welcome"})
        assert json.loads(await socket.recv()) == {"type": "welcome", "resume": True}
        return socket

    async def command(self) -> str:
        return (await asyncio.wait_for(anext(self.commands), 5))["type"]

    async def say(self, message: dict) -> None:
        await self.bus.publish("", {"type": "to_client", "connection_id": "c1", "message": message})

    async def resume(self, received: int) -> websockets.ClientConnection:
        return await self.connect(type="resume", lesson_id="lesson", connection_id="c1", received=received)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    bus = SocketBus()
    async with (
        websockets.serve(bus.serve, "127.0.0.1", 0) as server,
        bus.subscribe(commands_topic(RELAY_ID)) as commands,
    ):
        yield Desk(next(iter(server.sockets)).getsockname()[1], commands, bus)


def test_a_connection_that_was_cut_goes_on_and_what_was_missed_is_said_again() -> None:
    async def lesson() -> None:
        async with desk() as lesson:
            first = await lesson.join()
            await first.send(json.dumps({"v": 1, "type": "hand", "raised": True}))
            assert await lesson.command() == "client_message"
            first.transport.abort()
            await lesson.say({"type": "roster"})
            again = await lesson.resume(received=1)
            assert json.loads(await again.recv()) == {"v": 1, "type": "resumed", "received": 1}
            assert json.loads(await again.recv()) == {"type": "roster"}
            await again.send(json.dumps({"v": 1, "type": "ping"}))
            assert json.loads(await again.recv())["type"] == "pong"
            await again.close()
            assert await lesson.command() == "leave_lesson"

    asyncio.run(lesson())


def test_a_connection_that_nobody_takes_up_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HOLD_S", 0.05)

    async def lesson() -> None:
        async with desk() as lesson:
            (await lesson.join()).transport.abort()
            assert await lesson.command() == "leave_lesson"
            again = await lesson.resume(received=1)
            assert json.loads(await again.recv())["code"] == "media_lost"
            await again.wait_closed()
            assert again.close_code == 4003

    asyncio.run(lesson())
