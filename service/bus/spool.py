"""What waits for Redis, on disk: a process killed while Redis is away loses nothing it had to tell.

A file of JSON lines, one for each message; a line torn by a crash is the last and is left out.
"""

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A message on its way: its maker and number make sure that it arrives once."""

    producer: str
    number: int
    topic: str
    text: str


class Spool:
    """Appended to while Redis is away, emptied when all is delivered."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Entry]:
        """What a former process could not deliver."""
        try:
            lines = self._path.read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []
        entries = []
        for line in lines:
            try:
                entries.append(Entry(**json.loads(line)))
            except (ValueError, TypeError):
                log.warning("a torn line in %s was left out", self._path.name)
        return entries

    def append(self, entries: Iterable[Entry]) -> None:
        """Make the entries safe against the death of the process, and of the machine."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.writelines(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
            file.flush()
            os.fsync(file.fileno())

    def clear(self) -> None:
        """All was delivered."""
        self._path.unlink(missing_ok=True)
