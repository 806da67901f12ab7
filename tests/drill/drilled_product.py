"""The product with its demonstration lesson, to be killed at will, and what a person can see of it through the API."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

START_WITHIN_S = 90.0


class DrilledProduct:
    """`three-classrooms serve --demo`, started again and again over the same data."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.log = folder / "output.txt"
        self.ready: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it says READY."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("THREE_CLASSROOMS_")}
        command = [sys.executable, "-m", "service.command_line", "serve", "--demo", "--port", "0", "--udp-port", "0"]
        with self.log.open("a") as output:
            begin = output.tell()
            self._process = subprocess.Popen(
                [*command, "--data-folder", str(self.data)], stdout=output, stderr=output, env=environment
            )
        text = ""
        deadline = time.monotonic() + START_WITHIN_S
        while "READY {" not in text:
            assert self._process.poll() is None and time.monotonic() < deadline, text[-3000:]
            time.sleep(0.05)
            text = self.log.read_text()[begin:]
        self.ready = json.loads(re.search(r"READY (.*)", text)[1])  # type: ignore[index]

    def kill(self) -> float:
        """SIGKILL, relay and service in one; tells when, in Unix seconds."""
        assert self._process is not None
        killed_at = time.time()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        return killed_at

    def stop(self) -> None:
        """End it, by force if need be."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            finally:
                self._process.kill()

    def workers(self) -> list[int]:
        """Process ids of the workers that make files."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        threads = Path(f"/proc/{self._process.pid}/task").iterdir()
        found = {int(pid) for thread in threads for pid in _read(thread / "children").split()}
        found |= {int(pid) for pid in _read(children).split()}
        return sorted(pid for pid in found if b"spawn_main" in _read_bytes(Path(f"/proc/{pid}/cmdline")))

    @contextmanager
    def signed_in(self, role: str = "system_administrator") -> Iterator[httpx.Client]:
        """An API client of somebody in that role."""
        account = next(account for account in self.ready["accounts"] if account["role"] == role)
        with httpx.Client(base_url=self.ready["url"], trust_env=False, timeout=30) as client:
            answer = client.post("/api/session", json={name: account[name] for name in ("username", "password")})
            client.headers["X-CSRF-Token"] = answer.raise_for_status().json()["csrf_token"]
            yield client


def eventually(read: Callable[[], Any], within_s: float, every_s: float = 0.1) -> Any:
    """What `read` gives once it gives something."""
    deadline = time.monotonic() + within_s
    while not (found := read()):
        assert time.monotonic() < deadline, f"waited {within_s} s in vain"
        time.sleep(every_s)
    return found


def _read(path: Path) -> str:
    return _read_bytes(path).decode()


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone meanwhile
        return b""
