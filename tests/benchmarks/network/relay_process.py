"""Our relay with a WebSocket in front of it, as a process: what the service does for a lesson, without accounts.

`relay_process.py ADDRESS`; the path of a socket says who comes: `/lesson/role/name`. Prints its port.
"""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

import websockets
from benchmarks.network.sockets import RELAY_ID, SocketBus

from media.relay.configuration import RelayConfiguration
from media.relay.relay import Relay

PING_EVERY_S, PING_TIMEOUT_S = 10, 20
"As the service's own server (service/command_line/serving.py)."


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
        async with websockets.serve(
            bus.serve, "0.0.0.0", 0, ping_interval=PING_EVERY_S, ping_timeout=PING_TIMEOUT_S
        ) as server:
            print(next(iter(server.sockets)).getsockname()[1], flush=True)
            await asyncio.to_thread(sys.stdin.read)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(relay.stop(), 3.0)


asyncio.run(main())
