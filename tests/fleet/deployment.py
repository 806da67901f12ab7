"""A deployment with all real parts on loopback: PostgreSQL, Redis, replicas of the service, relays, a worker."""

import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from fleet.processes import Process
from postgresql_server import Server, start_server, stop_server
from redis_server import RedisServer
from school_network import SchoolNetwork

from service.storage.database import Database

DATABASE = "three_classrooms"


class PostgresqlProcess:
    """The database server as something a drill can do away with."""

    name = "postgresql"

    def __init__(self) -> None:
        self.server: Server = start_server({"synchronous_commit": "on", "fsync": "off", "max_connections": "200"})

    @property
    def pid(self) -> int:
        """The postmaster."""
        return int((self.server.folder / "data" / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """SIGKILL to all its processes; those stand still first, so that none is begotten meanwhile."""
        self.freeze()
        doomed = self._processes()
        self._signal(signal.SIGKILL)
        while any(_is_alive(pid) for pid in doomed):
            time.sleep(0.05)

    def freeze(self) -> None:
        """SIGSTOP to all its processes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to all its processes."""
        self._signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it over the data it had."""
        self.server.start_again()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._processes():
            with_it = Path(f"/proc/{pid}")
            if with_it.exists():
                os.kill(pid, number)

    def _processes(self) -> list[int]:
        """The postmaster and its children."""
        pid_file = self.server.folder / "data" / "postmaster.pid"
        if not pid_file.exists():
            return []
        main = int(pid_file.read_text().split()[0])
        found = [main] if _is_alive(main) else []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == main and fields[0] != "Z":
                found.append(int(stat.parent.name))
        return found


class Deployment:
    """All processes of one deployment; started in order, stopped in reverse."""

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int,
        relays: int,
        worker: bool,
        relay_rooms: int,
        http_ports: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        apart: SchoolNetwork | None = None,
    ) -> None:
        """`http_ports` of the replicas, free ones when none are given; settings of `environment` come on top.

        The first relay runs in the network `apart`, if there is one.
        """
        self.folder = folder
        self.postgresql = PostgresqlProcess()
        (folder / "redis").mkdir()
        self.redis = RedisServer(folder / "redis", *([apart.outside] if apart else []))
        self.redis.start()
        self.postgresql.server.run(f"CREATE DATABASE {DATABASE}")
        self.environment = {
            "DATABASE_URL": self.postgresql.server.url(DATABASE),
            "REDIS_URL": self.redis.url,
            "THREE_CLASSROOMS_FLEET_KEY": secrets.token_hex(32),
            "THREE_CLASSROOMS_DATA_FOLDER": str(folder / "data"),
            "THREE_CLASSROOMS_ANNOUNCED_ADDRESSES": "127.0.0.1",
            "THREE_CLASSROOMS_RELAY_ROOMS": str(relay_rooms),
            "THREE_CLASSROOMS_LOG_LEVEL": "info",
            "THREE_CLASSROOMS_METRICS_TOKEN": secrets.token_hex(16),
            **(environment or {}),
        }
        ports = http_ports or [0] * replicas
        self.replicas = [self.make(f"replica-{n}", "serve", "--port", str(ports[n])) for n in range(replicas)]
        self.relays = [self.make(f"relay-{n}", "relay", "--id", f"relay-{n}", "--udp-port", "0") for n in range(relays)]
        if apart is not None:
            self._move_out(self.relays[0], apart)
        self.workers = [self.make("worker", "worker")] if worker else []
        self.database = Database(self.postgresql.server.url(DATABASE))
        self._turn = count()

    def make(self, name: str, *arguments: str) -> Process:
        """A process of this deployment, not started yet."""
        return Process(name, arguments, self.environment, self.folder / f"{name}.log")

    def _move_out(self, relay: Process, network: SchoolNetwork) -> None:
        relay.prefix = network.prefix
        relay.environment = self.environment | {
            "REDIS_URL": self.redis.url_at(network.outside),
            "THREE_CLASSROOMS_ANNOUNCED_ADDRESSES": network.inside,
        }

    @property
    def processes(self) -> list[Process]:
        """Our own processes."""
        return [*self.replicas, *self.relays, *self.workers]

    def start(self) -> None:
        """Start all; replicas together, as an orchestrator does."""
        for process in self.processes:
            process.launch()
        for process in self.processes:
            process.wait_ready()

    def stop(self) -> None:
        """End all that still runs: replicas say good-bye; relays are asked three times, which ends them at once."""
        for process in self.processes:
            process.ask_to_stop()
        for process in self.processes:
            process.stop(asks=0 if process in self.replicas else 2)
        self.database.close()
        self.redis.stop()
        self.postgresql.thaw()
        stop_server(self.postgresql.server)

    def url(self) -> str:
        """The address of a replica that serves, each in turn: what a load balancer does."""
        running = [replica for replica in self.replicas if replica.is_running and replica.is_ready]
        return str(running[next(self._turn) % len(running)].ready["url"])


@contextmanager
def running_deployment(
    *,
    replicas: int = 2,
    relays: int = 2,
    worker: bool = True,
    relay_rooms: int = 400,
    apart: SchoolNetwork | None = None,
) -> Iterator[Deployment]:
    """A deployment of one's own until the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    deployment = Deployment(
        folder, replicas=replicas, relays=relays, worker=worker, relay_rooms=relay_rooms, apart=apart
    )
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
