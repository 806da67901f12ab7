"""Writing and reading journals. The writer never blocks or fails its caller: records wait in bounded memory
(`native.records`) for the disk's own thread, and trouble is told by counters and a callback. The reader cuts a torn
tail and steps over a damaged record.
"""

import contextlib
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from media.recorder.disk_space import SpaceLevel
from media.recorder.journal_disk import FLUSH_INTERVAL_S, JournalDisk
from media.recorder.journal_format import (
    BODY_LIMIT_BYTES,
    CHECKED_HEAD,
    MAGIC,
    RECORD_HEAD,
    SENDER_REPORT,
    CodecNote,
    JournalError,
    JournalHeader,
    Record,
    RecordKind,
    encode_record,
)
from media.recorder.native.records import JournalRecords

__all__ = ["CodecNote", "JournalError", "JournalHeader", "JournalWriter", "Record", "RecordKind", "read_journal"]

QUEUE_LIMIT_BYTES = 8 << 20
BEGINS_WITH_FIRST_RECORD = 0.0


class JournalWriter:
    """Appends one track's records to `path`, which must not exist yet; its folder is made if missing.

    The packet core puts packets and sender reports into `records` itself; all methods do the same for others, may be
    called from any thread and return at once. Records handed over are on disk (in the kernel's hands, safe from
    SIGKILL) within half a second. What does not fit in memory, or could not be written, is counted in `dropped`.
    `problem` is the present trouble in words, None when all is well; `on_problem` is called with the same from the
    disk's thread whenever it changes. After a failed write the file is cut back to its last whole record and writing
    goes on when the disk allows it. While the disk's level has reached `given_up_at`, packets are left out on purpose:
    the journal says so by a pause, and they are not counted.
    """

    def __init__(
        self,
        path: Path,
        header: JournalHeader,
        *,
        disk: JournalDisk | None = None,
        given_up_at: SpaceLevel = SpaceLevel.ALL,
        on_problem: Callable[[str | None], None] | None = None,
        queue_limit_bytes: int = QUEUE_LIMIT_BYTES,
        flush_interval_s: float = FLUSH_INTERVAL_S,
    ) -> None:
        """`disk`: what writes it, shared with others; without one it gets its own, with this flush interval.

        A header that says BEGINS_WITH_FIRST_RECORD gets that record's time, and without any there will be no file.
        """
        self.path = path
        self.problem: str | None = None
        self._header = header
        self._owns_disk = disk is None
        self._disk = disk or JournalDisk(flush_interval_s=flush_interval_s)
        self._on_problem = on_problem
        self.records = JournalRecords(self._disk.share, given_up_at, queue_limit_bytes)
        self._closing = threading.Event()
        self._closed = threading.Event()
        self._file: int | None = None
        self._file_lock = threading.Lock()
        self._disk.add(self)

    @property
    def dropped(self) -> int:
        """Records that were lost."""
        return self.records.dropped

    @property
    def given_up(self) -> bool:
        """Whether packets are left out at present for want of space."""
        return self.records.given_up

    def packet(self, arrival_us: int, packet: bytes) -> None:
        """An opened RTP packet as received (RFC 3550 5.1); `arrival_us` is Unix time in microseconds."""
        self.records.put(RecordKind.PACKET, arrival_us, packet)

    def sender_report(self, arrival_us: int, ntp: int, rtp_timestamp: int) -> None:
        """A sender report's clock pair: 64-bit NTP time and 32-bit RTP timestamp (RFC 3550 6.4.1)."""
        body = SENDER_REPORT.pack(ntp & 0xFFFFFFFFFFFFFFFF, rtp_timestamp & 0xFFFFFFFF)
        self.records.put(RecordKind.SENDER_REPORT, arrival_us, body)

    def codec(self, arrival_us: int, name: str, payload_type: int, clock_rate: int) -> None:
        """Packets of `payload_type` are `name` ("opus", "vp8", "h264") from here on."""
        self.records.put(RecordKind.CODEC, arrival_us, CodecNote(name, payload_type, clock_rate).encode())

    def pause(self, arrival_us: int) -> None:
        """Recording is paused: what is missing until `resume` is meant to be missing."""
        self._note(RecordKind.PAUSE, arrival_us)

    def resume(self, arrival_us: int) -> None:
        """Recording goes on after `pause`."""
        self._note(RecordKind.RESUME, arrival_us)

    def close(self, arrival_us: int, timeout_s: float | None = None) -> bool:
        """Write the end record and close; waits up to `timeout_s` seconds (0: not at all, None: without limit).

        Returns whether the file is closed. Call from a thread pool with a time limit, or with 0, from an event loop.
        """
        if not self._closing.is_set():
            self._note(RecordKind.END, arrival_us)
            self._closing.set()
            self._disk.hurry()
        closed = self._closed.wait(timeout_s)
        if closed and self._owns_disk:
            self._disk.close()
        return closed

    def prepare(self) -> bool:
        """Whether there is a file that can be written to; opens it with the first record. Called by the disk."""
        if self._file is not None and self.records.file_bytes:
            return True
        if self._header.started_at == BEGINS_WITH_FIRST_RECORD and not self.records.began_us:
            return False
        try:
            self._open()
        except OSError as error:
            self.records.discard()
            self._refused(error)
            return False
        return True

    def heed(self) -> None:
        """Look at how the last writing went; called by the disk, never raises."""
        if number := self.records.error:
            self._refused(OSError(number, os.strerror(number)))
        else:
            self._report(None)

    def sync(self) -> None:
        """Make what is written durable; called by the disk, never raises."""
        with self._file_lock:
            if self._file is None:
                return
            try:
                os.fdatasync(self._file)
            except OSError as error:
                self._report(f"the journal {self.path.name} cannot be written: {error.strerror or error}")

    def finish(self) -> bool:
        """Close the file once `close` was called and everything is written; called by the disk."""
        if not self._closing.is_set() or self.records.queued_bytes:
            return False
        self.sync()
        with self._file_lock:
            if self._file is not None:
                self.records.write_to(-1, self.records.file_bytes)
                with contextlib.suppress(OSError):
                    os.close(self._file)
                self._file = None
        self._closed.set()
        return True

    def _note(self, kind: RecordKind, at_us: int) -> None:
        """An empty record, unless the journal would begin with it."""
        if self._header.started_at != BEGINS_WITH_FIRST_RECORD or self.records.began_us:
            self.records.put(kind, at_us, b"")

    def _open(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        header = self._header
        if header.started_at == BEGINS_WITH_FIRST_RECORD:
            header = replace(header, started_at=self.records.began_us / 1_000_000)
        at_us = max(0, int(header.started_at * 1_000_000))
        beginning = MAGIC + encode_record(RecordKind.HEADER, at_us, header.encode())
        done = 0
        os.ftruncate(self._file, 0)
        while done < len(beginning):
            done += os.pwrite(self._file, beginning[done:], done)
        self.records.write_to(self._file, done)

    def _refused(self, error: OSError) -> None:
        self._disk.refused(error)
        self._report(f"the journal {self.path.name} cannot be written: {error.strerror or error}")

    def _report(self, problem: str | None) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        if self._on_problem is not None:
            self._on_problem(problem)


def read_journal(path: Path) -> Iterator[Record]:
    """The records of the journal at `path` in file order, the header first.

    A torn or damaged tail ends the iteration; a single damaged record followed by a sound one is left out. Raises
    JournalError at the first step if the file is not a journal or its header is damaged, and OSError if it cannot be
    read. A journal still being written may be read: its end is then the last whole record.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise JournalError(f"{path.name} is not a journal")
        head = read_record(file)
        if not isinstance(head, Record) or head.kind is not RecordKind.HEADER:
            raise JournalError(f"{path.name} has no sound header")
        JournalHeader.decode(head.body)
        yield head
        damaged_before = False
        while (record := read_record(file)) is not None:
            if isinstance(record, Record):
                damaged_before = False
                yield record
            elif damaged_before:
                return
            else:
                damaged_before = True


def read_record(file: BinaryIO) -> Record | bool | None:
    """The next record, None at the end (or a torn tail), False for a damaged record whose length is believable."""
    head = file.read(RECORD_HEAD.size)
    if len(head) < RECORD_HEAD.size:
        return None
    length, checksum, kind, arrival_us = RECORD_HEAD.unpack(head)
    if length > BODY_LIMIT_BYTES:
        return None
    body = file.read(length)
    if len(body) < length:
        return None
    sound = zlib.crc32(body, zlib.crc32(CHECKED_HEAD.pack(kind, arrival_us))) == checksum
    if not sound or kind not in RecordKind._value2member_map_:
        return False
    return Record(RecordKind(kind), arrival_us, body)
