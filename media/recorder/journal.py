"""Writing and reading journals. The writer never blocks or fails its caller: it has a bounded queue that a disk's own
thread empties, and reports trouble by counters and a callback. The reader cuts a torn tail and steps over a damaged
record.
"""

import contextlib
import os
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
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

__all__ = ["CodecNote", "JournalError", "JournalHeader", "JournalWriter", "Record", "RecordKind", "read_journal"]

QUEUE_LIMIT_BYTES = 8 << 20


class JournalWriter:
    """Appends one track's records to `path`, which must not exist yet; its folder is made if missing.

    All methods may be called from any thread and return at once. Records handed over are on disk (in the kernel's
    hands, safe from SIGKILL) within half a second. What does not fit in the queue, or could not be written, is counted
    in `dropped`. `problem` is the present trouble in words, None when all is well; `on_problem` is called with the same
    from the disk's thread whenever it changes. After a failed write the file is cut back to its last whole record
    and writing goes on when the disk allows it. While the disk's level has reached `given_up_at`, packets are left out
    on purpose: the journal says so by a pause, and they are not counted.
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
        """`disk`: what writes it, shared with others; without one it gets its own, with this flush interval."""
        self.path = path
        self.dropped = 0
        self.written_bytes = 0
        self.problem: str | None = None
        self.given_up = False
        self._owns_disk = disk is None
        self._disk = disk or JournalDisk(flush_interval_s=flush_interval_s)
        self._given_up_at = given_up_at
        self._on_problem = on_problem
        self._queue_limit_bytes = queue_limit_bytes
        self._queue: deque[tuple[RecordKind, int, bytes]] = deque()
        self._queued_bytes = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._closed = threading.Event()
        self._file: int | None = None
        self._file_lock = threading.Lock()
        self._torn = False
        self._beginning = MAGIC + encode_record(
            RecordKind.HEADER, max(0, int(header.started_at * 1_000_000)), header.encode()
        )
        self._disk.add(self)

    def packet(self, arrival_us: int, packet: bytes) -> None:
        """An opened RTP packet as received (RFC 3550 5.1); `arrival_us` is Unix time in microseconds."""
        if self._disk.level >= self._given_up_at:
            if not self.given_up:
                self.given_up = True
                self._put(RecordKind.PAUSE, arrival_us, b"")
            return
        if self.given_up:
            self.given_up = False
            self._put(RecordKind.RESUME, arrival_us, b"")
        self._put(RecordKind.PACKET, arrival_us, packet)

    def sender_report(self, arrival_us: int, ntp: int, rtp_timestamp: int) -> None:
        """A sender report's clock pair: 64-bit NTP time and 32-bit RTP timestamp (RFC 3550 6.4.1)."""
        body = SENDER_REPORT.pack(ntp & 0xFFFFFFFFFFFFFFFF, rtp_timestamp & 0xFFFFFFFF)
        self._put(RecordKind.SENDER_REPORT, arrival_us, body)

    def codec(self, arrival_us: int, name: str, payload_type: int, clock_rate: int) -> None:
        """Packets of `payload_type` are `name` ("opus", "vp8", "h264") from here on."""
        self._put(RecordKind.CODEC, arrival_us, CodecNote(name, payload_type, clock_rate).encode())

    def pause(self, arrival_us: int) -> None:
        """Recording is paused: what is missing until `resume` is meant to be missing."""
        self._put(RecordKind.PAUSE, arrival_us, b"")

    def resume(self, arrival_us: int) -> None:
        """Recording goes on after `pause`."""
        self._put(RecordKind.RESUME, arrival_us, b"")

    def close(self, arrival_us: int, timeout_s: float | None = None) -> bool:
        """Write the end record and close; waits up to `timeout_s` seconds (0: not at all, None: without limit).

        Returns whether the file is closed. Call from a thread pool with a time limit, or with 0, from an event loop.
        """
        if not self._closing.is_set():
            self._put(RecordKind.END, arrival_us, b"")
            self._closing.set()
            self._disk.hurry()
        closed = self._closed.wait(timeout_s)
        if closed and self._owns_disk:
            self._disk.close()
        return closed

    def flush(self) -> None:
        """Write what is queued; called by the disk, never raises."""
        with self._lock:
            records = list(self._queue)
            self._queue.clear()
            taken_bytes, self._queued_bytes = self._queued_bytes, 0
        if not records and self._file is not None:
            return
        try:
            self._open()
            self._write(b"".join([encode_record(*record) for record in records]))
        except OSError as error:
            with self._lock:
                self.dropped += len(records)
            self._disk.refused(error)
            self._report(f"the journal {self.path.name} cannot be written: {error.strerror or error}")
        else:
            self._report(None)
        self._disk.queued(-taken_bytes)

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
        if not self._closing.is_set() or self._queue:
            return False
        self.sync()
        with self._file_lock:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    os.close(self._file)
                self._file = None
        self._closed.set()
        return True

    def _put(self, kind: RecordKind, arrival_us: int, body: bytes) -> None:
        size_bytes = len(body) + RECORD_HEAD.size
        with self._lock:
            # The end record is always let in: it is the last one and 17 bytes long.
            if kind is not RecordKind.END and (
                self._queued_bytes + size_bytes > self._queue_limit_bytes or not self._disk.room_for(self._given_up_at)
            ):
                self.dropped += 1
                return
            if self._closing.is_set() or len(body) > BODY_LIMIT_BYTES:
                self.dropped += 1
                return
            self._queue.append((kind, arrival_us, body))
            self._queued_bytes += size_bytes
        self._disk.queued(size_bytes)

    def _open(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        if self.written_bytes == 0:
            self._write(self._beginning)

    def _write(self, data: bytes) -> None:
        file = self._file
        if file is None:
            return
        if self._torn:
            self._cut_back(file)
        view = memoryview(data)
        done = 0
        self._torn = True
        try:
            while done < len(view):
                done += os.write(file, view[done:])
        except OSError:
            with contextlib.suppress(OSError):
                self._cut_back(file)
            raise
        self._torn = False
        self.written_bytes += done

    def _cut_back(self, file: int) -> None:
        """To the last whole record: bytes after a half one would be unreadable. Raises OSError; then tried again."""
        os.ftruncate(file, self.written_bytes)
        os.lseek(file, self.written_bytes, os.SEEK_SET)
        self._torn = False

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
