"""The product started by its command line, in one process or in many, and signed-in clients of its API."""

import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

PROGRAM = Path(sys.executable).with_name("three-classrooms")
START_DEADLINE_S = 90.0
STOP_DEADLINE_S = 20.0


class ProductFailedError(Exception):
    """The process ended or stayed silent instead of printing READY; the message carries what it said."""


@dataclass(frozen=True)
class BrowserTrust:
    """Which address a browser must find behind the deployment's name, and whose certificates it must believe."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Addresses by name."""
    authority: Path | None = None
    """The certificate of a CA, in PEM."""


class Installation:
    """What tests ask of a product, whatever it consists of; `ready` is the JSON of a READY line."""

    data_folder: Path
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        """An address that answers the API, behind whatever stands in front of it; without a slash at the end."""
        raise NotImplementedError

    @property
    def page_url(self) -> str:
        """The address people type, without a slash at the end."""
        return str(self.ready["url"]).rstrip("/")

    @property
    def front(self) -> tuple[str, int]:
        """Address and port at which browsers' connections arrive."""
        raise NotImplementedError

    @property
    def seen_at(self) -> tuple[str, int]:
        """Address and port to which the address people type leads: `front`, or what stands before it."""
        address = urlsplit(self.page_url)
        return str(address.hostname), address.port or 80

    @property
    def trust(self) -> BrowserTrust:
        """What a browser needs to open its pages."""
        return BrowserTrust()

    def start(self) -> None:
        """Start it and wait for READY; raises ProductFailedError when it does not come."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop it as an operator does and hold it to a clean end."""
        raise NotImplementedError

    def kill(self) -> None:
        """SIGKILL to all of it: what a power cut looks like to its processes."""
        raise NotImplementedError

    def transport(self) -> httpx.BaseTransport | None:
        """How requests of API clients travel; None: to `url`."""
        return None

    @contextmanager
    def client(self, username: str, password: str) -> Iterator[httpx.Client]:
        """An API client signed in as that person."""
        with httpx.Client(base_url=self.url, timeout=30, transport=self.transport()) as client:
            client.post("/api/session", json={"username": username, "password": password}).raise_for_status()
            client.headers["X-CSRF-Token"] = client.get("/api/session").raise_for_status().json()["csrf_token"]
            yield client

    def set_up(self, username: str, password: str, organisation_name: str) -> None:
        """Create the first administrator through the one-time address the READY line gave."""
        token = str(self.ready["setup_url"]).rpartition("token=")[2]
        httpx.post(
            f"{self.url}/api/setup",
            json={
                "token": token,
                "username": username,
                "password": password,
                "display_name": username,
                "organisation_name": organisation_name,
            },
        ).raise_for_status()


@dataclass
class Product(Installation):
    """Everything in one process."""

    data_folder: Path
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    http_port: int = 0
    ready: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    reader: threading.Thread | None = None

    @classmethod
    @contextmanager
    def started(cls, data_folder: Path, *arguments: str, **environment: str) -> Iterator["Product"]:
        """Start a product that is stopped, and must stop cleanly, at the end of the block."""
        product = cls(data_folder, arguments, environment)
        product.start()
        try:
            yield product
        finally:
            product.stop()

    @property
    def url(self) -> str:
        """Its own web address."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def front(self) -> tuple[str, int]:
        """Its own port."""
        return "127.0.0.1", self.http_port

    @property
    def log_path(self) -> Path:
        """Where everything it wrote to stderr is kept."""
        return self.data_folder.with_suffix(".log")

    def start(self) -> None:
        """Start the process and wait for READY; raises ProductFailedError when it does not come."""
        if self.http_port == 0:
            self.http_port = free_tcp_port()
        command = [
            *(str(PROGRAM), "serve", "--data-folder", str(self.data_folder)),
            *("--port", str(self.http_port), "--udp-port", "0"),
            *self.arguments,
        ]
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **self.environment}
            )
        lines: queue.Queue[str | None] = queue.Queue()
        self.reader = threading.Thread(target=_read_lines, args=(self.process, lines), daemon=True)
        self.reader.start()
        try:
            while (line := lines.get(timeout=START_DEADLINE_S)) is not None:
                if line.startswith("READY "):
                    self.ready = json.loads(line.removeprefix("READY "))
                    return
        except queue.Empty:
            self.kill()
        raise ProductFailedError(f"no READY line; it said:\n{self.log_path.read_text()[-4000:]}")

    def stop(self) -> None:
        """Stop as Ctrl-C does and hold it to a clean end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProductFailedError(f"it did not stop within {STOP_DEADLINE_S} s of SIGINT") from None
        if code != 0:
            raise ProductFailedError(f"it ended with {code}; it said:\n{self.log_path.read_text()[-4000:]}")

    def kill(self) -> None:
        """SIGKILL: what a power cut looks like to the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self.reader is not None:
            self.reader.join()


def zone_where_it_is_morning() -> ZoneInfo:
    """A zone whose clock reads between 8:00 and 9:00, so that a lesson booked for now does not cross midnight."""
    offset = 8 - datetime.now(UTC).hour
    offset += 24 if offset < -12 else 0
    return ZoneInfo(f"Etc/GMT{-offset:+d}")  # the sign of these names is reversed


def new_password() -> str:
    """A password that satisfies every rule."""
    return f"Aa1-{secrets.token_urlsafe(12)}"


def free_tcp_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read_lines(process: subprocess.Popen[str], lines: "queue.Queue[str | None]") -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            lines.put(line)
    lines.put(None)
