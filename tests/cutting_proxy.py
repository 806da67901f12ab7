"""A TCP proxy that cuts all connections through it when told to: what school proxies do to old sockets."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK_BYTES = 65536
NO_FAREWELL = struct.pack("ii", 1, 0)
"""SO_LINGER for zero seconds: the connection is reset."""


class CuttingProxy:
    """Passes on to another address; runs on a thread of its own."""

    def __init__(self, address: str, port: int, target: tuple[str, int]) -> None:
        self._address, self._port, self._target = address, port, target
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def cut(self) -> None:
        """Reset every connection there is; new ones are welcome."""
        asyncio.run_coroutine_threadsafe(self._reset(), self._loop).result(5)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._listening.wait(10)

    def stop(self) -> None:
        """End everything."""
        self.cut()
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._pass_on, self._address, self._port)
        self._listening.set()
        await self._over.wait()
        server.close()
        await self._reset()
        await asyncio.sleep(0.1)  # lets the connections' tasks end

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_target, to_target = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, to_target}
        await asyncio.gather(self._copy(reader, to_target), self._copy(from_target, writer))
        self._writers -= {writer, to_target}

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _reset(self) -> None:
        for writer in self._writers:
            connection = writer.get_extra_info("socket")
            if connection is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_FAREWELL)
            writer.transport.abort()


@contextmanager
def cutting_proxy(address: str, port: int, target: tuple[str, int]) -> Iterator[CuttingProxy]:
    """A proxy on `address`:`port` until the block is left."""
    proxy = CuttingProxy(address, port, target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
