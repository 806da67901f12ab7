"""Whether PostgreSQL answers: asked every second on a thread of its own, said once, counted.

A server that is frozen or cut off breaks nothing, it only lets everybody wait. Once it is known to be away, what waits
for it is ended with an error, and nobody else begins to wait until it answers again.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
LOOK_EVERY_S = 0.25
MOST_LOOKS = 12
"""A question that is open for so many looks (3 s) is not answered any more. Looks are counted, not seconds: a process
that was frozen itself must not take its own absence for that of the database."""
CONNECT_WITHIN_S = 2


class DatabaseAwayError(Exception):
    """The database does not answer. Remedy: bring it back; what waits for it goes on by itself."""


class DatabaseWatch:
    """Watches while `running`; without that it believes that the database is there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._used: dict[int, Any] = {}
        """The driver's connections that somebody works with at this moment, by their place in the pool."""
        self._over = threading.Event()
        self._asked = False
        self._looks = 0
        self._since = 0.0
        self.is_running = False
        self.is_away = False
        self.absences = 0
        event.listen(engine, "checkout", self._note_use)
        event.listen(engine, "checkin", self._note_end)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch until left."""
        self._over.clear()
        threads = [
            threading.Thread(target=work, name="database-watch", daemon=True) for work in (self._ask, self._look)
        ]
        self.is_running = True
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.is_running = False
            self._over.set()
            for thread in threads:
                thread.join(CONNECT_WITHIN_S)  # one may wait for a database that does not answer
            self.is_away = False

    def refuse_if_away(self) -> None:
        """Raise OperationalError while the database is known to be away."""
        if self.is_away:
            raise OperationalError("", {}, DatabaseAwayError("the database does not answer"))

    def _ask(self) -> None:
        """Ask, and wait for as long as the answer takes: it is the first to know that the database is back."""
        engine = create_engine(
            self._engine.url, connect_args={"connect_timeout": CONNECT_WITHIN_S}, pool_size=1, max_overflow=0
        )
        while not self._over.is_set():
            self._asked = True
            try:
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
            except DBAPIError as error:
                self._note_away(error.orig)
            else:
                self._note_back()
            self._asked = False
            self._over.wait(ASK_EVERY_S)
        engine.dispose()

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self._looks = self._looks + 1 if self._asked else 0
            if self._looks >= MOST_LOOKS:
                self._note_away("it does not answer any more")
                self._end_what_waits()

    def _note_away(self, error: object) -> None:
        if not self.is_away and not self._over.is_set():
            self.is_away, self._since = True, time.monotonic()
            self.absences += 1
            said = str(error).strip().partition("\n")[0]
            log.error("the database is away (%s); lessons go on, what is to be written waits", said)

    def _note_back(self) -> None:
        if self.is_away:
            self.is_away = False
            log.warning("the database is back after %.1f s", time.monotonic() - self._since)

    def _end_what_waits(self) -> None:
        """Shut the sockets of connections in use: whoever waits at one is told that it is broken."""
        for connection in list(self._used.values()):
            # It may be closed in this moment by whoever uses it.
            with contextlib.suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as own:
                own.shutdown(socket.SHUT_RDWR)

    def _note_use(self, connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        self._used[id(entry)] = connection

    def _note_end(self, _connection: Any, entry: ConnectionPoolEntry) -> None:
        self._used.pop(id(entry), None)
