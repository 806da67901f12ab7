"""The product in all its parts, as the end-to-end tests use it: two replicas and two relays behind the edge, a worker,
PostgreSQL and Redis."""

import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from edge import PAGES_NAME, TURN_NAME, Edge, running_edge
from fleet.deployment import Deployment
from running_product import BrowserTrust, Installation, ProductFailedError, free_tcp_port

from service.bootstrap import addresses_of_this_machine

REPLICAS, RELAYS = 2, 2
RELAY_ROOMS = 200


class FleetProduct(Installation):
    """Like `running_product.Product` to whoever tests it; requests of API clients reach one replica after the other."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        edge: Edge | None = None,
        http_ports: tuple[int, ...] = (),
        seen_at: tuple[str, int] | None = None,
    ) -> None:
        """`edge`: one that passes to `http_ports` already; else it has its own. `seen_at`: what stands before it."""
        self._folder = folder
        self._environment = dict(environment or {})
        self._given_seen_at = seen_at
        self._stack = ExitStack()
        self._deployment: Deployment | None = None
        self._edge: Edge | None = edge
        self._turn = itertools.count()
        self.http_ports = http_ports or tuple(free_tcp_port() for _ in range(REPLICAS))
        self.data_folder = folder / "data"
        self.ready: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def started(cls, folder: Path, **environment: str) -> Iterator["FleetProduct"]:
        """Start all of it; it must stop cleanly at the end of the block."""
        product = cls(folder, environment)
        try:
            product.start()
            yield product
        finally:
            product.stop()

    @property
    def url(self) -> str:
        """A replica's own address, each in turn."""
        return f"http://127.0.0.1:{self.http_ports[next(self._turn) % len(self.http_ports)]}"

    @property
    def front(self) -> tuple[str, int]:
        """The edge."""
        assert self._edge is not None
        return self._edge.address, 443

    @property
    def seen_at(self) -> tuple[str, int]:
        """The edge, or what stands before it."""
        return self._given_seen_at or self.front

    @property
    def trust(self) -> BrowserTrust:
        """The edge's name and its CA."""
        assert self._edge is not None
        return BrowserTrust(dict.fromkeys((PAGES_NAME, TURN_NAME), self.seen_at[0]), self._edge.authority)

    @property
    def deployment(self) -> Deployment:
        """Its processes."""
        assert self._deployment is not None
        return self._deployment

    def transport(self) -> httpx.BaseTransport:
        """Every request to the replica after the one before: nothing may stick to one."""
        return _EachInTurn(self.http_ports)

    def start(self) -> None:
        """Start all of it, or after a kill all that was killed. Raises ProductFailedError."""
        if self._deployment is None:
            self._make()
        try:
            self.deployment.start()
        except RuntimeError as error:
            raise ProductFailedError(str(error)) from error
        self.ready = dict(self.deployment.replicas[0].ready)

    def kill(self) -> None:
        """SIGKILL to all processes of ours: a machine that holds everything but the data has lost its power."""
        for process in self.deployment.processes:
            process.kill()

    def stop(self) -> None:
        """End all of it; a process that ended by itself before is a failure."""
        died = [process for process in self._processes() if not process.is_running]
        self._stack.close()
        if died:
            said = "\n".join(f"{process.name}:\n{process.log.read_text()[-2000:]}" for process in died)
            raise ProductFailedError(f"ended by themselves: {said}")

    def _processes(self) -> list[Any]:
        return self._deployment.processes if self._deployment is not None else []

    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._edge is None:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-")))
            self._edge = self._stack.enter_context(running_edge(folder, own_address(), self.http_ports))
        port = f":{self._given_seen_at[1]}" if self._given_seen_at else ""
        environment = {
            "THREE_CLASSROOMS_PUBLIC_URL": f"https://{PAGES_NAME}{port}",
            "THREE_CLASSROOMS_TRUSTED_PROXIES": "127.0.0.1",
            # Browsers have no candidates on loopback.
            "THREE_CLASSROOMS_ANNOUNCED_ADDRESSES": ",".join(addresses_of_this_machine()),
        }
        self._deployment = Deployment(
            self._folder,
            replicas=REPLICAS,
            relays=RELAYS,
            worker=True,
            relay_rooms=RELAY_ROOMS,
            http_ports=self.http_ports,
            environment=environment | self._environment,
        )
        self._stack.callback(self._deployment.stop)


class _EachInTurn(httpx.BaseTransport):
    def __init__(self, ports: tuple[int, ...]) -> None:
        self._ports = itertools.cycle(ports)
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(port=next(self._ports))
        request.headers["Host"] = request.url.netloc.decode()
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def own_address() -> str:
    """A loopback address for this process's edge: its port 443 is then nobody else's."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16 & 63)}.{pid >> 8 & 255}.{pid & 255 or 1}"
