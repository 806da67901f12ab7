"""Writing that was worked out before it is done: on SQLite, where all writers wait for each other, the seconds in which
a large file is checked must not be seconds in which nobody else can write.

A flush is recorded, not executed, while only reading; later its statements run one after the other in a short
transaction, after a look whether all that was read is still the same.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from service.storage.base import Base

_WRITES = ("INSERT", "UPDATE", "DELETE")
_WORD = re.compile(r"\w+")
_ROWS_AT_ONCE = 5_000
_BITS = (1 << 64) - 1


@dataclass
class RecordedWrites:
    """Statements with the parameters of the driver, in order; and what the tables held from which they followed."""

    statements: list[tuple[str, Sequence[Any]]] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    """Every table that a reading on the way named."""
    seen: dict[str, int] = field(default_factory=dict)
    """A fingerprint of each, as of the moment of reading."""

    def still_follow(self, session: Session) -> bool:
        """Whether everything that was read is unchanged."""
        return _fingerprints(session.connection(), self.seen) == self.seen

    def execute(self, session: Session) -> None:
        """Do it, in the caller's transaction."""
        connection = session.connection()
        for statement, parameters in self.statements:
            connection.exec_driver_sql(statement, list(parameters))


@contextmanager
def recording(engine: Engine, session: Session) -> Iterator[RecordedWrites]:
    """Record what `session` would write instead of writing it.

    The session reads in one transaction, so that the fingerprints taken at the end are of what it has read. `engine` is
    the session's and nobody else's: all of it is recorded.
    """
    recorded = RecordedWrites()

    def execute(_cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
        return _note(recorded, statement, [parameters])

    def execute_many(_cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
        return _note(recorded, statement, parameters)

    # Nothing is executed, so there is no number of rows that could be compared with what was meant.
    engine.dialect.supports_sane_rowcount = engine.dialect.supports_sane_multi_rowcount = False
    event.listen(engine, "do_execute", execute)
    event.listen(engine, "do_executemany", execute_many)
    try:
        yield recorded
        recorded.seen = _fingerprints(session.connection(), recorded.tables)
    finally:
        event.remove(engine, "do_execute", execute)
        event.remove(engine, "do_executemany", execute_many)


def _note(recorded: RecordedWrites, statement: str, parameters: Sequence[Any]) -> bool:
    """Take a statement that writes; False lets any other be executed."""
    if not statement.startswith(_WRITES):
        recorded.tables |= Base.metadata.tables.keys() & set(_WORD.findall(statement))
        return False
    if "RETURNING" in statement:
        raise ValueError(f"nothing can come back from what is only recorded: {statement}")
    recorded.statements.append((statement, list(parameters)))
    return True


def _fingerprints(connection: Connection, tables: Collection[str]) -> dict[str, int]:
    return {table: _fingerprint(connection, table) for table in sorted(tables)}


def _fingerprint(connection: Connection, table: str) -> int:
    """A number that follows from all rows of a table; good for this process only, as Python's hashes are."""
    cursor = connection.exec_driver_sql(f'SELECT * FROM "{table}"').cursor  # noqa: S608 - a table's name of our own
    mixed = 0
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        mixed = (mixed * 1_000_003 ^ hash(tuple(rows))) & _BITS
    return mixed
