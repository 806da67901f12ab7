"""A PostgreSQL of the tests' own: Debian's programs over a temporary folder, spoken to through a Unix socket only.

`shared_server` gives all pytest-xdist workers of one session the same server; whoever leaves last stops it.
"""

import fcntl
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from service.storage.database import Database
from service.storage.schema import prepare_schema

TEMPLATE = "three_classrooms_template"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests only: nothing survives a power failure, nothing has to."""


@dataclass(frozen=True)
class Server:
    """A running server; `folder` holds its data and its socket."""

    folder: Path
    arguments: str = ""

    def start_again(self) -> None:
        """Start a server that died over the data it had."""
        data = self.folder / "data"
        # A dead one that nobody has waited for yet still looks alive to its successor.
        for left in (data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*.lock")):
            left.unlink(missing_ok=True)
        _run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", self.folder / "log", "-o", self.arguments, "start")

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run one statement outside a transaction, such as CREATE DATABASE."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()

    def make_template(self) -> None:
        """Make a database with the schema and nothing in it, to be copied."""
        self.run(f"CREATE DATABASE {TEMPLATE}")
        database = Database(self.url(TEMPLATE))
        prepare_schema(database)
        database.close()

    @contextmanager
    def copy_of_template(self, name: str) -> Iterator[str]:
        """The address of a fresh database, gone after the block."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


def start_server(settings: dict[str, str]) -> Server:
    """Start a server of its own with these settings on top of sane ones."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    owner = _owner()
    if os.getuid() == 0:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    _run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "300"} | settings
    arguments = " ".join(f"-c {key}='{value}'" for key, value in options.items())
    _run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log", "-o", arguments, "start")
    return Server(folder, arguments)


def stop_server(server: Server) -> None:
    """Stop it at once and remove its folder."""
    _run("pg_ctl", "-D", server.folder / "data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(server.folder)


@contextmanager
def shared_server(meeting_place: Path) -> Iterator[Server]:
    """The one server of all who name the same folder; the first starts it, the last stops it."""
    state = meeting_place / "postgresql.json"
    with _alone(meeting_place):
        if state.exists():
            known = json.loads(state.read_text())
            server = Server(Path(known["folder"]))
            users = known["users"] + 1
        else:
            server, users = start_server(FAST), 1
            server.make_template()
        state.write_text(json.dumps({"folder": str(server.folder), "users": users}))
    try:
        yield server
    finally:
        with _alone(meeting_place):
            users = json.loads(state.read_text())["users"] - 1
            if users:
                state.write_text(json.dumps({"folder": str(server.folder), "users": users}))
            else:
                state.unlink()
                stop_server(server)


@contextmanager
def _alone(meeting_place: Path) -> Iterator[None]:
    with (meeting_place / "postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _program(name: str) -> str:
    newest_first = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = str(newest_first[0]) if newest_first else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: run deploy/install-test-packages")
    return found


def _run(name: str, *arguments: object) -> None:
    # The server refuses to run as root, for good reasons.
    owner = _owner()
    as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    finished = subprocess.run(
        [_program(name), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if name == "pg_ctl" else subprocess.PIPE,
        stderr=subprocess.DEVNULL if name == "pg_ctl" else subprocess.STDOUT,
        cwd="/",
        check=False,
        **as_owner,  # type: ignore[call-overload]
    )
    if finished.returncode:
        raise RuntimeError(f"{name} failed ({finished.returncode}): {finished.stdout or 'see the log in its folder'}")


def _owner() -> pwd.struct_passwd:
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
