"""Writes what the relay reports into the usage log: a thread of its own, one transaction for each short batch.

A batch waits at most 0.25 s, so a row is on disk well within a second of its event. SQLite runs in WAL mode, where a
committed transaction survives the death of the process by any signal (and, with synchronous=FULL, of the machine).
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from media.contract import (
    Delivered,
    LineState,
    PartyJoined,
    PartyLeft,
    Published,
    RecordingState,
    TrackEnded,
    TrackPublished,
)
from service.storage.database import Database
from service.usage.ledger import count_in
from service.usage.rows import append_row

log = logging.getLogger(__name__)

LoggedEvent = PartyJoined | PartyLeft | TrackPublished | TrackEnded | Delivered | Published | RecordingState | LineState

BATCH_WAIT_S = 0.25
MOST_IN_BATCH = 500
MOST_WAITING = 100_000
RETRY_WAIT_S = 0.5


class UsageLog:
    """Takes events from any thread without blocking, and writes them in order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.Queue[LoggedEvent | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self.lost = 0
        """Events dropped because the database was away for too long or would not take them; 0 in a healthy system."""

    def start(self) -> None:
        """Begin to write."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="usage-log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what waits, then stop. Blocks."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def put(self, event: LoggedEvent) -> None:
        """Hand over an event; returns at once."""
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self.lost += 1
            log.error("usage event lost: %s of lesson %s", event.type, event.lesson_id)

    def _run(self) -> None:
        open_ = True
        while open_:
            first = self._waiting.get()
            if first is None:
                return
            batch, open_ = self._gather(first)
            self._write(batch)

    def _gather(self, first: LoggedEvent) -> tuple[list[LoggedEvent], bool]:
        """Collect what comes within the batch's time; False when it was told to stop."""
        batch = [first]
        deadline = time.monotonic() + BATCH_WAIT_S
        while len(batch) < MOST_IN_BATCH:
            try:
                event = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if event is None:
                return batch, False
            batch.append(event)
        return batch, True

    def _write(self, batch: list[LoggedEvent]) -> None:
        try:
            self._patiently(lambda session: write_events(session, batch))
        except Exception:
            log.exception("a batch of %d usage events was refused; writing them one by one", len(batch))
            for event in batch:
                self._write_alone(event)

    def _write_alone(self, event: LoggedEvent) -> None:
        try:
            self._patiently(lambda session: write_events(session, [event]))
        except Exception:
            self.lost += 1
            log.exception("usage event lost: %s of lesson %s", event.type, event.lesson_id)

    def _patiently(self, work: Callable[[Session], None]) -> None:
        """Do the work in a transaction, again and again for a minute while the database is away."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self._database.unit_of_work() as session:
                    work(session)
            except OperationalError as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("the usage log waits for the database: %s", error.orig)
                time.sleep(RETRY_WAIT_S)
            else:
                return


def write_events(session: Session, events: list[LoggedEvent]) -> None:
    """Append the events to the log and count them into the attendance figures, in the caller's transaction."""
    for event in events:
        append_row(
            session,
            event_time(event),
            event.type,
            lesson_id=event.lesson_id,
            party_id=getattr(event, "party_id", None),
            connection_id=getattr(event, "connection_id", None),
            data=event.model_dump(mode="json", exclude={"type", "lesson_id", "party_id", "connection_id"}),
        )
    count_in(session, [e for e in events if isinstance(e, PartyJoined | PartyLeft | Delivered | Published)])


def event_time(event: LoggedEvent) -> datetime:
    """Give the moment of an event, for an interval its end."""
    at = event.to_at if isinstance(event, Delivered | Published) else event.at
    return datetime.fromtimestamp(at, UTC)
