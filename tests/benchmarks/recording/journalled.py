"""Counts what journals hold and what they lack: every number between a track's first and last packet must be there."""

from dataclasses import dataclass
from pathlib import Path

from media.recorder.journal import RecordKind, read_journal


@dataclass(frozen=True)
class Journalled:
    """What a set of journals holds."""

    journals: int
    packets: int
    missing: int
    size_bytes: int


def count(folder: Path) -> Journalled:
    """Read all journals below the folder. A pause in recording is no loss: numbers are followed within each stretch."""
    journals = packets = missing = size_bytes = 0
    for path in folder.rglob("*.journal"):
        journals += 1
        size_bytes += path.stat().st_size
        last: int | None = None
        for record in read_journal(path):
            if record.kind in {RecordKind.PAUSE, RecordKind.RESUME}:
                last = None
            elif record.kind is RecordKind.PACKET:
                packets += 1
                seq = int.from_bytes(record.body[2:4], "big")
                if last is not None:
                    missing += (seq - last - 1) & 0xFFFF
                last = seq
    return Journalled(journals, packets, missing, size_bytes)
