"""Reads a journal while it is written: each call gives the whole records that came since the last one."""

import io
from pathlib import Path

from media.recorder.journal import read_record
from media.recorder.journal_format import MAGIC, JournalError, JournalHeader, Record, RecordKind

MOST_AT_ONCE_BYTES = 4 << 20


class JournalTail:
    """A place in a journal that only moves on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: JournalHeader | None = None
        self.position = 0

    def begin(self) -> JournalHeader | None:
        """The header once it is there. Raises JournalError if the file is not a journal, OSError as `read` does."""
        if self.header is None:
            reader = self._rest()
            magic = reader.read(len(MAGIC))
            if not MAGIC.startswith(magic):
                raise JournalError(f"{self.path.name} is not a journal")
            record = read_record(reader)
            if record is None:
                return None
            if not isinstance(record, Record) or record.kind is not RecordKind.HEADER:
                raise JournalError(f"{self.path.name} has no sound header")
            self.header = JournalHeader.decode(record.body)
            self.position = reader.tell()
        return self.header

    def read(self) -> list[Record]:
        """New records, a few MiB at most; [] when there is nothing new. Raises OSError if it cannot be read."""
        reader = self._rest()
        records: list[Record] = []
        whole = 0
        while (record := read_record(reader)) is not None:
            whole = reader.tell()
            if isinstance(record, Record):
                records.append(record)
        self.position += whole
        return records

    def _rest(self) -> io.BytesIO:
        with self.path.open("rb") as file:
            file.seek(self.position)
            return io.BytesIO(file.read(MOST_AT_ONCE_BYTES))
