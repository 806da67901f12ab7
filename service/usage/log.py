"""Writes what the relay reports into the usage log: a thread of its own, one transaction for each short batch.

A batch waits at most 0.25 s, so a row is on disk well within a second of its event. SQLite runs in WAL mode, where a
committed transaction survives the death of the process by any signal (and, with synchronous=FULL, of the machine).

Events of a kept topic come with a position, which is written with them: whoever takes over and is given events again
passes over those that are in the log. They are acknowledged once they are, so a database that is away loses none.
Others are kept on disk while the database is away.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from media.contract import EVENTS_TOPIC, Delivered, PartyJoined, PartyLeft, Published
from service.storage.database import Database
from service.usage.kept import KeptEvents, LoggedEvent, Waiting, pass_over_written
from service.usage.ledger import count_in
from service.usage.rows import append_rows
from service.usage.tables import LogPosition

log = logging.getLogger(__name__)

BATCH_WAIT_S = 0.25
MOST_IN_BATCH = 500
MOST_WAITING = 100_000
RETRY_WAIT_S = 0.5
PATIENCE_AT_END_S = 5.0
"""How long the database is waited for while the process stops."""


class UsageLog:
    """Takes events from any thread without blocking, and writes them in order."""

    def __init__(self, database: Database, kept_file: Path | None = None) -> None:
        """`kept_file`: where events that come from no kept topic are while the database is away."""
        self._database = database
        self._kept = KeptEvents(kept_file) if kept_file is not None else None
        self._waiting: queue.Queue[Waiting | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._written: Callable[[str], None] | None = None
        self._ends_by: float | None = None
        self.database_away = False
        """Whether events wait for the database at this moment."""
        self.lost = 0
        """Events dropped because too many waited, or the database would not take them; 0 in a healthy system."""

    @property
    def is_full(self) -> bool:
        """Whether so many wait that what can wait elsewhere should."""
        return self._waiting.qsize() > MOST_WAITING // 2

    @property
    def waiting(self) -> int:
        """Events that are not in the log yet."""
        return self._waiting.qsize()

    def start(self) -> None:
        """Begin to write."""
        if self._thread is None:
            self._ends_by = None
            self._thread = threading.Thread(target=self._run, name="usage-log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what waits, then stop. Blocks."""
        if self._thread is not None:
            self._ends_by = time.monotonic() + PATIENCE_AT_END_S
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    @contextlib.contextmanager
    def telling(self, written: Callable[[str], None]) -> Iterator[None]:
        """Tell `written`, on the log's thread, the position up to which all is in the log."""
        self._written = written
        try:
            yield
        finally:
            self._written = None

    def put(self, event: LoggedEvent, position: str = "") -> None:
        """Hand over an event; returns at once."""
        try:
            self._waiting.put_nowait(Waiting(event, position))
        except queue.Full:
            self.lost += 1
            log.error("usage event lost: %s of lesson %s", event.type, event.lesson_id)

    def _run(self) -> None:
        former = self._kept.former() if self._kept is not None else []
        if former:
            self._write(former)
        open_ = True
        while open_:
            first = self._waiting.get()
            if first is None:
                return
            batch, open_ = self._gather(first)
            self._write(batch)

    def _gather(self, first: Waiting) -> tuple[list[Waiting], bool]:
        """Collect what comes within the batch's time; False when it was told to stop."""
        batch = [first]
        deadline = time.monotonic() + BATCH_WAIT_S
        while len(batch) < MOST_IN_BATCH:
            try:
                waiting = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if waiting is None:
                return batch, False
            batch.append(waiting)
        return batch, True

    def _write(self, batch: list[Waiting]) -> None:
        try:
            self._patiently(batch)
        except OperationalError as error:
            self._lose(batch, error)
            return
        except Exception:
            log.exception("a batch of %d usage events was refused; writing them one by one", len(batch))
            for waiting in batch:
                self._write_alone(waiting)
        self._forget_kept(batch)
        written, position = self._written, batch[-1].position
        if written is not None and position:
            written(position)

    def _write_alone(self, waiting: Waiting) -> None:
        try:
            self._patiently([waiting])
        except Exception as error:
            self._lose([waiting], error)

    def _lose(self, batch: Sequence[Waiting], error: Exception) -> None:
        kept = sum(bool(waiting.position or waiting.place) for waiting in batch)
        self.lost += len(batch) - kept if isinstance(error, OperationalError) else len(batch)
        log.error("%d usage events are not in the log (%d will be given again): %s", len(batch), kept, error)

    def _patiently(self, batch: list[Waiting]) -> None:
        """Write the batch in a transaction, again and again while the database is away."""
        while True:
            try:
                with self._database.unit_of_work() as session:
                    write_new(session, batch)
            except OperationalError as error:
                self._keep(batch)
                if self._ends_by is not None and time.monotonic() > self._ends_by:
                    raise
                if not self.database_away:
                    log.log(self._database.absence_level, "the usage log waits for the database: %s", error.orig)
                self.database_away = True
                time.sleep(RETRY_WAIT_S)
            else:
                self.database_away = False
                return

    def _keep(self, batch: list[Waiting]) -> None:
        """Put on disk what waits, the batch first."""
        if self._kept is not None:
            self._kept.keep([*batch, *self._queued()])

    def _forget_kept(self, batch: list[Waiting]) -> None:
        """Remove the file once the log has all that is in it."""
        if self._kept is not None and any(one.place for one in batch) and not any(one.place for one in self._queued()):
            self._kept.clear()

    def _queued(self) -> list[Waiting]:
        with self._waiting.mutex:
            return [one for one in self._waiting.queue if one is not None]


def write_new(session: Session, batch: Sequence[Waiting]) -> None:
    """Append what is not in the log yet, and how far it is now, in the caller's transaction."""
    last = batch[-1].position
    if not last:
        write_events(session, [waiting.event for waiting in pass_over_written(session, batch)])
        return
    row = session.get(LogPosition, EVENTS_TOPIC, with_for_update=True)
    if row is None:
        row = LogPosition(topic=EVENTS_TOPIC, position="")
        session.add(row)
        session.flush()  # two that begin at one time: the second is refused here and tries again
    known = _number(row.position)
    write_events(session, [waiting.event for waiting in batch if _number(waiting.position) > known])
    if _number(last) > known:
        row.position = last


def _number(position: str) -> tuple[int, int]:
    first, _, second = position.partition("-")
    return int(first or 0), int(second or 0)


def write_events(session: Session, events: list[LoggedEvent]) -> None:
    """Append the events to the log and count them into the attendance figures, in the caller's transaction."""
    append_rows(
        session,
        [
            {
                "at": event_time(event),
                "type": event.type,
                "lesson_id": event.lesson_id,
                "party_id": getattr(event, "party_id", None),
                "connection_id": getattr(event, "connection_id", None),
                "data": event.model_dump(mode="json", exclude={"type", "lesson_id", "party_id", "connection_id"}),
            }
            for event in events
        ],
    )
    count_in(session, [e for e in events if isinstance(e, PartyJoined | PartyLeft | Delivered | Published)])


def event_time(event: LoggedEvent) -> datetime:
    """Give the moment of an event, for an interval its end."""
    at = event.to_at if isinstance(event, Delivered | Published) else event.at
    return datetime.fromtimestamp(at, UTC)
