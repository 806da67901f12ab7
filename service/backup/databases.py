"""A consistent copy of the database while it is in use, and back: SQLite by its own backup, PostgreSQL by pg_dump."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from service.backup.manifest import BackupError


def dump_database(url: str, target: Path) -> None:
    """Write a copy of the database as of one moment to `target`. Raises BackupError."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _dump_sqlite(Path(str(parsed.database)), target)
    else:
        _run(parsed, "pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={target}")


def load_database(url: str, source: Path) -> None:
    """Fill the empty database from a copy. Raises BackupError, and changes nothing, when it is not empty."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _load_sqlite(source, Path(str(parsed.database)))
        return
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
    if _run(parsed, "psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--command={tables}").strip() != "0":
        raise BackupError("the database is not empty: restore into a new one")
    _run(parsed, "pg_restore", "--no-owner", "--no-acl", "--exit-on-error", "--single-transaction", str(source))


def _dump_sqlite(file: Path, target: Path) -> None:
    if not file.exists():
        raise BackupError(f"there is no database at {file}")
    try:
        with closing(sqlite3.connect(file)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
    except sqlite3.Error as error:
        raise BackupError(f"the database cannot be copied: {error}") from error


def _load_sqlite(source: Path, file: Path) -> None:
    if file.exists():
        raise BackupError(f"there is a database at {file} already: restore into an empty data folder")
    shutil.copy(source, file)


def _run(url: URL, program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        raise BackupError(f"{program} is missing (Debian: postgresql-client)")
    # The password goes by the environment: command lines can be read by everybody on the machine.
    environment = dict(os.environ) | ({"PGPASSWORD": str(url.password)} if url.password else {})
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run(  # noqa: S603
        [program, f"--dbname={plain}", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupError(f"{program} failed: {done.stderr.strip().splitlines()[-1] if done.stderr else 'no reason'}")
    return done.stdout
