"""Freezes an instance in a process of its own, from a reading of the database that nobody's writing changes midway.

A whole prefecture takes seconds of the processor; neither the request for a plan nor a live lesson waits for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from scheduler.instance.document import dump, fingerprint
from service.organisation.tables import Organisation, Term
from service.planning.child_processes import ChildFailedError, ChildProcesses
from service.planning.freezing import freeze
from service.problems import Conflict
from service.storage.database import Database


@dataclass(frozen=True)
class FreezeOrder:
    """What to freeze: an organisation's subtree for a term, by the bells of a day; and where the rows are."""

    database_url: str
    organisation_id: str
    term_id: str
    time_zone: str
    today: date


@dataclass(frozen=True)
class FrozenInstance:
    """The instance's text and fingerprint, and what was left out of it as (kind, name)."""

    text: str
    fingerprint: str
    left_out: tuple[tuple[str, str], ...]


class FreezingFailedError(Exception):
    """Nothing could be frozen; the text says why, `code` is the problem's, or empty where the process just ended."""

    def __init__(self, detail: str, code: str) -> None:
        super().__init__(detail)
        self.code = code


def freeze_with(session: Session, order: FreezeOrder) -> FrozenInstance:
    """The instance as a session sees it. Raises Conflict where there is nothing that can be planned."""
    place = session.get(Organisation, order.organisation_id)
    term = session.get(Term, order.term_id)
    if place is None or term is None:
        raise Conflict("The organisation or the term is not there any more.", code="nothing_to_plan")
    frozen = freeze(session, place, term, ZoneInfo(order.time_zone), order.today)
    return FrozenInstance(dump(frozen.snapshot), fingerprint(frozen.snapshot), tuple(frozen.left_out))


def freeze_here(order: FreezeOrder, report: Callable[[object], None]) -> FrozenInstance:
    """Freeze in this process, over a connection of its own; there is nothing to report on the way."""
    database = Database(order.database_url)
    try:
        with database.reading() as session:
            if database.engine.dialect.name == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return freeze_with(session, order)
    finally:
        database.close()


class SubprocessFreezer:
    """Freezes in spawned processes; safe to use from several threads."""

    def __init__(self) -> None:
        self._children = ChildProcesses()

    def freeze(self, name: str, order: FreezeOrder) -> FrozenInstance:
        """The instance. Raises FreezingFailedError, also when the process dies, is cancelled or stopped."""
        try:
            frozen: FrozenInstance = self._children.run(name, freeze_here, order, _nothing)
        except ChildFailedError as error:
            raise FreezingFailedError(str(error), error.code) from error
        return frozen

    def cancel(self, name: str) -> None:
        """End one under way, if it is."""
        self._children.cancel(name)

    def stop(self) -> None:
        """End everything under way; the service freezes again when it comes back."""
        self._children.stop()


def _nothing(_progress: object) -> None:
    """Freezing is one step."""
