"""A whole prefecture out as one workbook and into an empty one: how long, how large, what is lost, who has to wait.

    make bench-exchange [ARGS="--size 1/4 --databases sqlite"]

1,194 schools, 22,005 teachers, 11,878 classes with their timetables and 10,445 demands are exported by a real server,
the workbook is looked at and applied by another one whose prefecture has counties and nothing else, and exported again:
the two workbooks must say the same. All the time other people ask for lists, somebody changes something, and a lesson's
usage is appended to the log. Prints a table and a JSON line; exits 1 when anything is lost, when one of the others is
refused, or when lists take more than 300 ms at the 95th percentile.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fleet.processes import Process
from postgresql_server import start_server, stop_server
from sqlalchemy import insert

from scheduler.instance.generator import generate
from service.accounts.sessions import csrf_token_of, open_session
from service.accounts.tables import User
from service.exchange.workbook_reading import read_workbook
from service.organisation.tables import Organisation, Term
from service.security.cookies import SESSION_COOKIE
from service.storage.base import Base
from service.storage.database import Database
from service.storage.many import insert_rows
from service.storage.schema import prepare_schema

sys.path.append(str(Path(__file__).parents[1] / "pages"))
from others import Others
from prefecture import Prefecture, identity

BAR_MS = 300.0
ROWS_AT_ONCE = 5_000
SEED = 7


def main() -> int:
    """Measure each database; 0 when nothing is lost and nobody waits."""
    arguments = _arguments()
    prefecture = Prefecture(generate(arguments.size, SEED), datetime.now(UTC))
    result: dict[str, Any] = {"size": arguments.size}
    for kind in arguments.databases:
        with tempfile.TemporaryDirectory() as folder, _databases(kind, Path(folder)) as (full, empty):
            result[kind] = _round_trip(prefecture, full, empty, Path(folder))
    failed = [kind for kind in arguments.databases if _fails(result[kind])]
    print(json.dumps(result | {"bar_ms": BAR_MS, "failed": failed}, ensure_ascii=False))
    return 1 if failed else 0


def _fails(found: dict[str, Any]) -> bool:
    return bool(found["lost"] or found["others"]["refused"] or found["others"]["lists"]["p95_ms"] > BAR_MS)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="full", help="of the prefecture: 1/20, 1/4 or full")
    parser.add_argument("--databases", nargs="+", default=["postgresql", "sqlite"], choices=["sqlite", "postgresql"])
    return parser.parse_args()


@contextmanager
def _databases(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Addresses of two databases with the schema."""
    if kind == "sqlite":
        urls = f"sqlite:///{folder}/full.sqlite3", f"sqlite:///{folder}/empty.sqlite3"
        for url in urls:
            database = Database(url)
            prepare_schema(database)
            database.close()
        yield urls
        return
    server = start_server({})
    try:
        server.make_template()
        with server.copy_of_template("taken_out") as full, server.copy_of_template("brought_in") as empty:
            yield full, empty
    finally:
        stop_server(server)


def _round_trip(prefecture: Prefecture, full: str, empty: str, folder: Path) -> dict[str, Any]:
    _load(full, prefecture, lambda _table, rows: rows)
    _load(empty, prefecture, _bare)
    found: dict[str, Any] = {}
    others = Others()
    with _serving(full, folder / "full") as one:
        with others.at_work(one, full):
            first = one.timed(found, "export", lambda: one.get("/api/exports/county"))
        found["export_peak_mib"] = one.peak_mib
    with _serving(empty, folder / "empty") as other:
        with others.at_work(other, empty):
            report = other.timed(found, "look", lambda: other.upload(first)).json()
            assert report["can_apply"], report["faults"][:5]
            address = f"/api/imports/{report['id']}/apply"
            other.timed(found, "apply", lambda: other.post(address))
        found["import_peak_mib"] = other.peak_mib
        second = other.get("/api/exports/county")
    found |= {"file_mib": round(len(first.content) / 2**20, 2), "changes": report["change_total"]}
    found["rows"] = {count["kind"]: count["rows"] for count in report["counts"]}
    found["lost"] = _lost(first.content, second.content)
    found["others"] = others.summary()
    seconds = ", ".join(f"{step} {found[f'{step}_s']:.1f} s" for step in ("export", "look", "apply"))
    print(f"{full.partition(':')[0]}: {found['rows']}\n  {seconds}\n  others: {found['others']}", flush=True)
    return found


def _bare(table: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What an empty prefecture has: its counties and its administrator."""
    if table is Organisation.__table__:
        return [row for row in rows if row["kind"] != "school"]
    if table is User.__table__:
        return [row for row in rows if row["id"] == identity("administrator")]
    return []


def _load(
    url: str, prefecture: Prefecture, chosen: Callable[[Any, list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    database = Database(url)
    with database.unit_of_work() as session:
        for table in Base.metadata.sorted_tables:
            rows = next((rows for model, rows in prefecture.rows.items() if model.__table__ is table), [])
            rows = chosen(table, rows)
            if table is Term.__table__ and rows:
                session.execute(insert(Term), rows)
                continue
            for at in range(0, len(rows), ROWS_AT_ONCE):
                insert_rows(session, table, rows[at : at + ROWS_AT_ONCE])
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    database.close()


@contextmanager
def _serving(url: str, folder: Path) -> Iterator["Served"]:
    folder.mkdir()
    now = datetime.now(UTC)
    database = Database(url)
    with database.unit_of_work() as session:
        token = open_session(session, identity("administrator"), now, timedelta(days=1))
    database.close()
    environment = {"DATABASE_URL": url, "THREE_CLASSROOMS_DATA_FOLDER": str(folder)}
    serve = ("serve", "--port", "0", "--udp-port", "0")
    process = Process("serve", serve, environment, folder / "log").start()
    try:
        yield Served(process, token)
    finally:
        process.stop()


class Served:
    """A server and its administrator."""

    def __init__(self, process: Process, token: str) -> None:
        self._process = process
        self._token = token
        self._client = self.new_client()

    def new_client(self) -> httpx.Client:
        """Another window of the administrator's."""
        headers = {"X-CSRF-Token": csrf_token_of(self._token), "Origin": str(self._process.ready["url"])}
        cookies = {SESSION_COOKIE: self._token}
        return httpx.Client(base_url=str(self._process.ready["url"]), headers=headers, cookies=cookies, timeout=600)

    def get(self, address: str) -> httpx.Response:
        """GET; must succeed."""
        return self._client.get(address).raise_for_status()

    def post(self, address: str) -> httpx.Response:
        """POST; must succeed."""
        return self._client.post(address).raise_for_status()

    def upload(self, workbook: httpx.Response) -> httpx.Response:
        """Have the workbook looked at."""
        files = {"file": ("prefecture.xlsx", workbook.content)}
        return self._client.post("/api/imports", data={"kind": "county"}, files=files).raise_for_status()

    @staticmethod
    def timed(found: dict[str, Any], name: str, step: Callable[[], httpx.Response]) -> httpx.Response:
        """Do a step and note its seconds."""
        began = time.perf_counter()
        answer = step()
        found[f"{name}_s"] = round(time.perf_counter() - began, 2)
        return answer

    @property
    def peak_mib(self) -> dict[str, int]:
        """The most memory the server has had so far, and the largest of its child processes that are gone."""
        assert self._process.child is not None
        status = Path(f"/proc/{self._process.child.pid}/status").read_text()
        own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return {"server": own // 1024}


def _lost(first: bytes, second: bytes) -> int:
    """How many rows of the two workbooks differ; the first of them are shown."""
    one, other = (
        {(table.name, *line.values) for table in read_workbook(content) for line in table.lines}
        for content in (first, second)
    )
    for row in [*sorted(one - other, key=str)[:3], *sorted(other - one, key=str)[:3]]:
        print(f"  differs: {row}")
    return len(one ^ other)


if __name__ == "__main__":
    sys.exit(main())
