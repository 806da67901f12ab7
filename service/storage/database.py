"""The database and its two kinds of transaction: reading, and the unit of work that writes all or nothing.

On SQLite a unit of work begins with BEGIN IMMEDIATE, so that what it reads cannot change before it writes; on
PostgreSQL (installed with the extra `postgresql`) the same promise is kept by locks and constraints of the features.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from service.storage.watch import DatabaseWatch

BUSY_TIMEOUT_MS = 5_000
NOTICES_ABSENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Of libpq: a server that vanished without a word is noticed in twenty seconds, not in two hours."""
FRESH_S = 0.25
"""A connection that worked less than this ago is taken for alive without asking it."""
LAST_USED = "last_used"


class Database:
    """One database; safe to use from many threads, each with a session of its own."""

    def __init__(self, url: str) -> None:
        self.engine, self.watch = _make_engine(url)
        self._reading = sessionmaker(_without_transactions(self.engine), expire_on_commit=False)
        self._reading_at_length = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(self.engine.execution_options(writes=True), expire_on_commit=False)
        self.before_commit: list[Callable[[Session], None]] = []
        "Called with the session of every unit of work that is about to be committed; what they raise rolls it back."

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """A writing transaction: committed when the block ends well, rolled back when it raises."""
        self._refuse_if_away()
        with self._writing() as session, session.begin():
            yield session
            for called in self.before_commit:
                called(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """For reading: nothing is written even if the caller changes an object."""
        self._refuse_if_away()
        with self._reading(autoflush=False) as session:
            yield session

    @contextmanager
    def reading_at_length(self) -> Iterator[Session]:
        """For reading rows a few at a time (`yield_per`), which PostgreSQL does in a transaction only."""
        self._refuse_if_away()
        with self._reading_at_length(autoflush=False) as session:
            yield session

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Find out within seconds when PostgreSQL does not answer any more; SQLite is a file and needs no watch."""
        if self.watch is None:
            yield
            return
        with self.watch.running():
            yield

    @property
    def absence_level(self) -> int:
        """How loudly users of the database say that it is away: softly where the watch says so for all of them."""
        return logging.INFO if self.watch is not None and self.watch.is_running else logging.WARNING

    def answers(self) -> bool:
        """Whether the database is there; waits for no answer while it is watched."""
        if self.watch is not None and self.watch.is_running:
            return not self.watch.is_away
        try:
            with self.reading() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def _refuse_if_away(self) -> None:
        if self.watch is not None:
            self.watch.refuse_if_away()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _make_engine(url: str) -> tuple[Engine, DatabaseWatch | None]:
    if make_url(url).get_backend_name() != "sqlite":
        # All 40 stay open once they were needed: a new connection costs PostgreSQL a process. The one used last is
        # taken first; it knows the statements prepared before.
        engine = create_engine(
            url,
            connect_args=NOTICES_ABSENCE | {"client_encoding": "utf8"},
            pool_size=40,
            max_overflow=0,
            pool_timeout=10,
            pool_use_lifo=True,
        )
        event.listen(engine, "connect", _prepare_postgresql)
        watch = DatabaseWatch(engine)  # it knows of a connection before that is asked whether it lives
        _ping_after_idling(engine)
        return engine, watch
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, pool_size=20, max_overflow=40)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine, None


def _without_transactions(engine: Engine) -> Engine:
    """On PostgreSQL a reading has no transaction around it: with BEGIN and ROLLBACK each would go there three times.

    It would see no more of one moment: there, each statement of a transaction sees what is committed by then.
    """
    return engine.execution_options(isolation_level="AUTOCOMMIT") if engine.dialect.name == "postgresql" else engine


def _ping_after_idling(engine: Engine) -> None:
    """Ask a connection that lay idle whether it still lives; one that worked a moment ago is not asked each time."""

    def remember(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[LAST_USED] = time.monotonic()

    def ask(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        used = entry.info.get(LAST_USED)
        if used is None or time.monotonic() - used < FRESH_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", remember)
    event.listen(engine, "checkout", ask)


def _prepare_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The lists join much and return little: compiling such a query takes longer than running it.
    with connection.cursor() as cursor:
        cursor.execute("SET jit = off")
    connection.commit()


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by its own rules: _begin_sqlite says BEGIN.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
