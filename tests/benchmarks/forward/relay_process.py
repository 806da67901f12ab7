"""The relay as a process of its own, its bus a pipe: commands come in as JSON lines, events leave as such."""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from media.relay.configuration import RelayConfiguration
from media.relay.relay import Relay
from media.session.room import RoomLimits

UNREAD = frozenset({"roster", "lesson"})
"Messages to clients that the benchmark does not look at; a roster for each of 200 at each join would fill the pipe."


class PipeBus:
    """The seam `media.contract.Bus` on standard input and output."""

    def __init__(self, lines: asyncio.StreamReader) -> None:
        self._lines = lines
        self.ended = asyncio.Event()

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        """Write an event."""
        if message.get("type") == "to_client" and message["message"]["type"] in UNREAD:
            return
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Read commands."""
        yield self._commands()

    async def _commands(self) -> AsyncIterator[dict[str, Any]]:
        async for line in self._lines:
            yield json.loads(line)
        self.ended.set()
        await asyncio.Event().wait()


async def main() -> None:
    """Run the relay until the input closes."""
    lines = asyncio.StreamReader(limit=64 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    bus = PipeBus(lines)
    with tempfile.TemporaryDirectory() as folder:
        configuration = RelayConfiguration(
            relay_id="bench",
            journals_folder=Path(folder),
            bind_addresses=("0.0.0.0",),
            announced_addresses=(sys.argv[1],),
            max_lessons=2000,
            room_limits=RoomLimits(max_connections=2000),
        )
        relay = Relay(configuration, bus)
        await relay.start()
        print(json.dumps({"type": "started", "port": relay.udp_port}), flush=True)
        await bus.ended.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(relay.stop(), 2.0)


asyncio.run(main())
