"""What waits for the database and is nowhere else is on disk as well: a process that dies meanwhile loses none of it.

Written into the log together with its place in the file, so that what a crash left in both is not counted twice.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    parse_event,
)
from service.bus.spool import Entry, Spool
from service.storage.base import new_id
from service.usage.tables import LogPosition

log = logging.getLogger(__name__)

LoggedEvent = PartyJoined | PartyLeft | TrackPublished | TrackEnded | Delivered | Published | RecordingState | LineState

TOPIC = "usage.kept"


@dataclass
class Waiting:
    """An event on its way into the log."""

    event: LoggedEvent
    position: str = ""
    """Its position in the kept topic it came from, empty if it came from none."""
    place: str = ""
    """Where it is on disk meanwhile, as `<file>/<number>`; empty if it is not."""


class KeptEvents:
    """A file of events that wait; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._spool = Spool(path)
        self._file = ""
        self._number = 0
        self._failed = False

    def former(self) -> list[Waiting]:
        """Give what a former process could not write."""
        entries = self._spool.read()
        if entries:
            self._file, self._number = entries[-1].producer, entries[-1].number
            log.warning("%d usage events of the process before this one are written now", len(entries))
        return [_waiting(entry) for entry in entries]

    def keep(self, events: Iterable[Waiting]) -> None:
        """Make safe what is neither elsewhere nor here yet."""
        fresh = [one for one in events if not one.position and not one.place]
        if not fresh:
            return
        file = self._file or new_id()
        numbers = range(self._number + 1, self._number + 1 + len(fresh))
        entries = [
            Entry(file, number, TOPIC, one.event.model_dump_json()) for number, one in zip(numbers, fresh, strict=True)
        ]
        try:
            self._spool.append(entries)
        except OSError as error:
            if not self._failed:
                log.error("what waits for the database cannot be kept on disk: %s", error.strerror)
            self._failed = True
            return
        self._failed = False
        self._file, self._number = file, numbers[-1]
        for one, entry in zip(fresh, entries, strict=True):
            one.place = _place(entry)

    def clear(self) -> None:
        """All of it is in the log."""
        self._file, self._number = "", 0
        try:
            self._spool.clear()
        except OSError as error:
            log.error("what waited for the database cannot be removed: %s", error.strerror)


def pass_over_written(session: Session, batch: Sequence[Waiting]) -> list[Waiting]:
    """Give what is not in the log yet, and note with the caller's transaction how much of the file is."""
    places = [one.place for one in batch if one.place]
    if not places:
        return list(batch)
    row = session.get(LogPosition, TOPIC, with_for_update=True)
    if row is None:
        row = LogPosition(topic=TOPIC, position="")
        session.add(row)
    fresh = [one for one in batch if not (one.place and _is_up_to(one.place, row.position))]
    if not _is_up_to(places[-1], row.position):
        row.position = places[-1]
    return fresh


def _waiting(entry: Entry) -> Waiting:
    event = parse_event(json.loads(entry.text))
    assert isinstance(event, LoggedEvent)  # noqa: S101 - nothing else is kept
    return Waiting(event, place=_place(entry))


def _place(entry: Entry) -> str:
    return f"{entry.producer}/{entry.number}"


def _is_up_to(place: str, known: str) -> bool:
    file, _, number = place.partition("/")
    known_file, _, known_number = known.partition("/")
    return file == known_file and int(number) <= int(known_number)
