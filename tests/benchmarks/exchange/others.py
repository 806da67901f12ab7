"""Everybody else while a file goes in or out: lists are asked for, something is changed, a lesson's usage is logged."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx
from sqlalchemy.exc import OperationalError

from media.contract import Delivered
from service.storage.database import Database
from service.usage.log import Waiting, write_new

LISTS = ("/api/users?limit=50", "/api/rooms?limit=50", "/api/lessons?limit=50", "/api/terms")
PAUSE_S = {"lists": 0.05, "changes": 0.25, "usage": 0.25}
ROWS_A_BATCH = 100


class Server(Protocol):
    """What they speak to."""

    def new_client(self) -> httpx.Client:
        """A signed-in client."""


class Others:
    """Three who go on working; how long each step took them (ms), and how often they were refused."""

    def __init__(self) -> None:
        self._waits: dict[str, list[float]] = defaultdict(list)
        self._refused: dict[str, int] = defaultdict(int)

    @contextmanager
    def at_work(self, server: Server, database_url: str) -> Iterator[None]:
        """For as long as the block lasts."""
        stopping = threading.Event()
        database = Database(database_url)
        with server.new_client() as reading, server.new_client() as changing:
            for address in LISTS:
                reading.get(address)  # the first time loads code
            steps = {
                "lists": _Lists(reading),
                "changes": _Changes(changing),
                "usage": _Usage(database),
            }
            threads = [threading.Thread(target=self._work, args=(name, step, stopping)) for name, step in steps.items()]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                stopping.set()
                for thread in threads:
                    thread.join()
                database.close()

    def _work(self, name: str, step: Callable[[], bool], stopping: threading.Event) -> None:
        while not stopping.is_set():
            began = time.perf_counter()
            if not step():
                self._refused[name] += 1
            self._waits[name].append((time.perf_counter() - began) * 1000)
            stopping.wait(PAUSE_S[name])

    def summary(self) -> dict[str, Any]:
        """What each of them waited, and how many steps were refused in all."""
        found: dict[str, Any] = {"refused": sum(self._refused.values())}
        for name, waits in self._waits.items():
            found[name] = {"steps": len(waits), "p95_ms": _percentile(waits, 0.95), "max_ms": _percentile(waits, 1.0)}
        return found


class _Lists:
    """Asks for one list after the other."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._asked = 0

    def __call__(self) -> bool:
        self._asked += 1
        return self._client.get(LISTS[self._asked % len(LISTS)]).is_success


class _Changes:
    """Somebody who changes something: a transaction and a line of the audit log."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(self) -> bool:
        return self._client.patch("/api/account", json={"locale": "zh-CN"}).is_success


class _Usage:
    """The usage log's thread, with the product's own code."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self) -> bool:
        at = time.time()
        batch = [
            Waiting(
                Delivered(
                    lesson_id="0" * 32, party_id=f"room:{number}", from_at=at - 5, to_at=at, lead_picture_ms=5000,
                    lead_sound_ms=5000, picture_bytes=450_000, sound_bytes=25_000,
                )
            )
            for number in range(ROWS_A_BATCH)
        ]  # fmt: skip
        try:
            with self._database.unit_of_work() as session:
                write_new(session, batch)
        except OperationalError:
            return False
        return True


def _percentile(values: list[float], share: float) -> float:
    return round(sorted(values)[int(share * (len(values) - 1) + 0.5)], 1) if values else 0.0
