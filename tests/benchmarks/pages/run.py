"""How long every page's lists take with a whole prefecture and a month of 250 lessons a day, on SQLite and PostgreSQL.

    make bench-pages [ARGS="--size 1/4 --databases sqlite --repeats 10"]

1,194 schools, 22,005 teachers, 11,878 classes, 7,500 lessons with their attendance, logs and recordings, and a plan of
10,445 demands become rows of each database through the product's storage code, with 1,000 critiques, 260,000 acts in
the audit log and what else such a month leaves behind. Then every address a page asks is asked through the
application, as each kind of person, one request after the other. Prints a table and a JSON line; exits 1 when one of
them takes more than 300 ms at the 95th percentile. test_addresses.py holds that no address is forgotten.
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from addresses import DEVICE, PEOPLE, Places
from month import Month
from postgresql_server import start_server, stop_server
from prefecture import Prefecture, identity
from records import DEVICE_TOKEN, Records
from reviewing import Reviewing
from sqlalchemy import insert
from starlette.testclient import TestClient

from media.contract import RecordingManifest
from scheduler.instance.generator import generate
from service.accounts.sessions import csrf_token_of, open_session
from service.application import create_application
from service.bus.memory import MemoryBus
from service.configuration import Configuration
from service.organisation.tables import Organisation, SchoolClass, Term
from service.parts import Parts
from service.planning.freezing_process import FreezeOrder, FrozenInstance, SubprocessFreezer
from service.planning.production import Planning
from service.planning.solving import Order, Report, solve_here
from service.security.cookies import SESSION_COOKIE
from service.storage.base import Base
from service.storage.database import Database
from service.storage.many import insert_rows
from service.storage.schema import prepare_schema

BAR_MS = 300.0
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
ROWS_AT_ONCE = 5_000
SEED = 7


class Standing:
    """A clock that stands."""

    def now(self) -> datetime:
        """Sunday morning, 22 November 2026."""
        return NOW


class SolvesOnce:
    """A solver that knows what it solved before: both databases hold the same instance."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def solve(self, _name: str, order: Order, report: Report) -> str:
        """The plan of an order."""
        if order.snapshot not in self._known:
            self._known[order.snapshot] = solve_here(order, report)
        return self._known[order.snapshot]

    def cancel(self, _name: str) -> None:
        """Nothing runs beside it."""

    def stop(self) -> None:
        """Nothing runs beside it."""


class TimedFreezer(SubprocessFreezer):
    """The product's own, with how long it took."""

    seconds = 0.0

    def freeze(self, name: str, order: FreezeOrder) -> FrozenInstance:
        """The instance."""
        began = time.perf_counter()
        try:
            return super().freeze(name, order)
        finally:
            self.seconds = time.perf_counter() - began


class NoRecordings:
    """Nothing is recorded while pages are asked."""

    def make(self, *_arguments: Any) -> RecordingManifest:
        """Never called."""
        raise AssertionError("no recording is made here")


def main() -> int:
    """Load and measure each database; 0 when every address is below the bar."""
    arguments = _arguments()
    began = time.perf_counter()
    prefecture = Prefecture(generate(arguments.size, SEED), NOW)
    month = Month(prefecture, arguments.days, arguments.lessons, coming=6)
    Reviewing(prefecture, month)
    Records(prefecture, month)
    print(f"rows made in {time.perf_counter() - began:.0f} s: {_counted(prefecture)}", flush=True)
    result: dict[str, Any] = {"size": arguments.size, "lessons": len(month.held) + len(month.booked)}
    solver = SolvesOnce()
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.databases:
            with _database(kind, Path(folder)) as database:
                parts = _parts(database, Path(folder))
                result[kind] = _measure(kind, parts, prefecture, month, arguments, solver)
    slow = [
        f"{kind}: {name}" for kind in arguments.databases for name, ms in result[kind]["p95_ms"].items() if ms > BAR_MS
    ]
    print(json.dumps(result | {"bar_ms": BAR_MS, "over_bar": slow}, ensure_ascii=False))
    return 1 if slow else 0


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[Database]:
    if kind == "sqlite":
        database = Database(f"sqlite:///{folder}/pages.sqlite3")
        prepare_schema(database)
        yield database
        database.close()
        return
    server = start_server({})
    try:
        server.make_template()
        with server.copy_of_template("pages") as url:
            database = Database(url)
            try:
                yield database
            finally:
                database.close()
    finally:
        stop_server(server)


def _parts(database: Database, folder: Path) -> Parts:
    return Parts(
        configuration=Configuration(data_folder=folder, database_url=f"sqlite:///{folder}/unused.sqlite3"),
        database=database,
        bus=MemoryBus(),
        recording_maker=NoRecordings(),  # type: ignore[arg-type]
        relay_ids=("relay-1",),
        clock=Standing(),
    )


def _measure(
    kind: str, parts: Parts, prefecture: Prefecture, month: Month, arguments: argparse.Namespace, solver: SolvesOnce
) -> dict[str, Any]:
    gc.collect()
    gc.freeze()  # the rows held here are no part of the service, whose own garbage collections count
    began = time.perf_counter()
    _load(parts.database, prefecture)
    loaded_s = time.perf_counter() - began
    ids = {name: identity(name) for name in PEOPLE if name != DEVICE} | {"teacher": month.busiest_teacher}
    clients = {name: _client(parts, user_id) for name, user_id in ids.items()} | {DEVICE: _device(parts)}
    gc.collect()
    gc.freeze()  # as `serve` does once it is up
    plan_id, timings = _plan(parts, clients["administrator"], arguments.seconds, solver)
    demand = clients["administrator"].get(f"/api/plans/{plan_id}/demands?state=unserved&limit=1").json()["items"][0]
    at = _places(plan_id, demand["id"], prefecture, month)
    print(f"\n{kind}: loaded in {loaded_s:.0f} s; " + ", ".join(f"{k} {v:.2f}" for k, v in timings.items()))
    print(f"{'':48}{'p50 ms':>9}{'p95 ms':>9}{'KiB':>8}")
    p95_ms: dict[str, float] = {}
    for who, client in clients.items():
        for name, address in PEOPLE[who](at):
            took, size_bytes = _ask(client, address, arguments.repeats)
            p95_ms[f"{who}: {name}"] = round(took[int(0.95 * (len(took) - 1) + 0.5)], 1)
            shown = f"{who}: {name}"
            print(f"{shown:48}{statistics.median(took):9.1f}{p95_ms[shown]:9.1f}{size_bytes / 1024:8.0f}", flush=True)
    return {"loaded_s": round(loaded_s, 1), **{k: round(v, 3) for k, v in timings.items()}, "p95_ms": p95_ms}


def _places(plan_id: str, demand_id: str, prefecture: Prefecture, month: Month) -> Places:
    lesson = month.held[0]
    return Places(
        plan=plan_id,
        demand=demand_id,
        school=month.busiest_school,
        lesson=lesson["id"],
        event=identity("event 0"),
        critique=identity("critique 1"),
        comparison=identity("comparison 0"),
        sample=identity(f"sample {lesson['id']}"),
        teacher=month.busiest_teacher,
        room=lesson["lead_room_id"],
        county=next(row["id"] for row in prefecture.rows[Organisation] if row["kind"] == "county"),
        school_class=prefecture.rows[SchoolClass][0]["id"],
    )


def _load(database: Database, prefecture: Prefecture) -> None:
    """Every table's rows, those first that others hang on."""
    with database.unit_of_work() as session:
        for table in Base.metadata.sorted_tables:
            rows = next((rows for model, rows in prefecture.rows.items() if model.__table__ is table), [])
            if table is Term.__table__:
                session.execute(insert(Term), rows)
                continue
            for at in range(0, len(rows), ROWS_AT_ONCE):
                insert_rows(session, table, rows[at : at + ROWS_AT_ONCE])
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")  # what PostgreSQL does by itself some minutes later


def _client(parts: Parts, user_id: str) -> TestClient:
    with parts.database.unit_of_work() as session:
        token = open_session(session, user_id, NOW, timedelta(days=1))
    client = TestClient(create_application(parts), base_url="http://testserver")
    client.cookies.set(SESSION_COOKIE, token)
    client.headers["X-CSRF-Token"] = csrf_token_of(token)
    return client


def _device(parts: Parts) -> TestClient:
    client = TestClient(create_application(parts), base_url="http://testserver")
    client.headers["Authorization"] = f"Bearer {DEVICE_TOKEN}"
    return client


def _plan(parts: Parts, client: TestClient, seconds: int, solver: SolvesOnce) -> tuple[str, dict[str, float]]:
    """A finished plan, and how long its request, its freezing and its first reading took."""
    freezer = TimedFreezer()
    parts.planning = Planning(parts.database, parts.clock, parts.configuration.zone, solver, freezer)
    body = {"term_id": identity("term"), "name": "全州", "budget_seconds": max(5, seconds)}
    began = time.perf_counter()
    asked = client.post("/api/plans", json=body)
    asked_s = time.perf_counter() - began
    assert asked.status_code == 202, asked.text
    plan_id = str(asked.json()["id"])
    parts.planning.make(plan_id)
    began = time.perf_counter()
    answer = client.get(f"/api/plans/{plan_id}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "done", answer.text
    return plan_id, {"request_s": asked_s, "freeze_s": freezer.seconds, "open_s": time.perf_counter() - began}


def _ask(client: TestClient, address: str, repeats: int) -> tuple[list[float], int]:
    took: list[float] = []
    size_bytes = 0
    for _ in range(repeats + 1):
        start = time.perf_counter()
        answer = client.get(address)
        took.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, (address, answer.status_code, answer.text[:300])
        size_bytes = len(answer.content)
    return sorted(took[1:]), size_bytes


def _counted(prefecture: Prefecture) -> str:
    counts = Counter({model.__tablename__: len(rows) for model, rows in prefecture.rows.items()})
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common(9))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="full", help="of the prefecture: 1/20, 1/4 or full")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--lessons", type=int, default=250, help="lessons a day")
    parser.add_argument("--seconds", type=int, default=20, help="how long the plan may be searched")
    parser.add_argument("--repeats", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
