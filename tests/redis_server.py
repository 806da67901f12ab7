"""A Redis of the tests' own: the real program on a loopback port with a password, over a temporary folder."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "only-for-tests"
START_WITHIN_S = 20.0


class RedisServer:
    """A running server that can be killed, frozen, thawed and started again with its data."""

    def __init__(self, folder: Path, *also_at: str) -> None:
        """`also_at`: addresses beside loopback."""
        self.folder = folder
        self._addresses = ("127.0.0.1", *also_at)
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return self.url_at("127.0.0.1")

    def url_at(self, address: str) -> str:
        """Its address for those who reach it there."""
        return f"redis://:{PASSWORD}@{address}:{self.port}/0"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("redis-server is missing: run deploy/install-test-packages")
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(program, "--port", str(self.port), "--dir", str(self.folder)),
                    *("--bind", *self._addresses),
                    *("--requirepass", PASSWORD, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.terminate()
            self._process.wait(10)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as connection:
                connection.sendall(f"AUTH {PASSWORD}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """A server of one's own until the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
