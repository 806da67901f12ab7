"""Large files are read and written in processes of their own: their seconds of work hold up nobody else's request."""

from collections.abc import Callable
from typing import Any

from service.planning.child_processes import NICENESS, ChildFailedError, ChildProcesses
from service.problems import Conflict
from service.storage.base import new_id
from service.storage.database import Database

LARGE_FILE_BYTES = 256 * 1024
"""A county's workbook is smaller, and is read faster than a process starts."""
LARGE_SUBTREE = 100
"""Organisations from which on an export is work for a process of its own."""


class LargeFiles:
    """Does such work; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self.database_url = database.engine.url.render_as_string(hide_password=False)
        self._children = ChildProcesses()

    def run(
        self, work: Callable[[Any, Callable[[object], None]], Any], order: object, *, niceness: int = NICENESS
    ) -> Any:
        """What `work` makes of an order. Raises the Conflict it met, and ChildFailedError when its process broke."""
        try:
            return self._children.run(f"file {new_id()}", work, order, _nothing, niceness=niceness)
        except ChildFailedError as error:
            if error.code:
                raise Conflict(str(error), code=error.code) from error
            raise


def _nothing(_progress: object) -> None:
    """Nobody watches."""
