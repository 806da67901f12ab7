"""Puts the journals of all lessons of a relay on disk: one thread writes, one makes it durable, both look at the space.

Nobody who hands records over ever waits for either thread. A round through all journals is done in several parts, so
that neither the disk nor the processor gets the work of half a second in one piece.
"""

import contextlib
import errno
import os
import threading
import time
from pathlib import Path
from typing import Protocol

from media.recorder.disk_space import SpaceLevel, SpaceLimits, SpaceRule
from media.recorder.native.records import JournalRecords, RecordsShare, write_all

FLUSH_INTERVAL_S = 0.25
SYNC_INTERVAL_S = 10.0
LOOK_INTERVAL_S = 1.0
PARTS = 8
QUEUE_LIMIT_BYTES = 512 << 20
WRITER_NICE = 5
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Writable(Protocol):
    """A journal being written."""

    @property
    def records(self) -> JournalRecords:
        """What waits to be written."""

    def prepare(self) -> bool:
        """Have a file to write to; False without one. Never raises."""

    def heed(self) -> None:
        """Take notice of how the writing went; never raises."""

    def sync(self) -> None:
        """Make what is written durable; never raises."""

    def finish(self) -> bool:
        """If it was closed and all is written: close the file and say True."""


class JournalDisk:
    """The disk below the journals. `close` ends the threads after all journals given to it were closed."""

    def __init__(
        self,
        folder: Path | None = None,
        limits: SpaceLimits | None = None,
        *,
        flush_interval_s: float = FLUSH_INTERVAL_S,
        queue_limit_bytes: int = QUEUE_LIMIT_BYTES,
    ) -> None:
        """`folder`: whose free space is watched; without it nothing is given up before a write is refused."""
        self._folder = folder
        self._rule = SpaceRule(limits or SpaceLimits())
        self._flush_interval_s = flush_interval_s
        self.share = RecordsShare(queue_limit_bytes)
        self._journals: list[Writable] = []
        self._next = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._looked_at = float("-inf")
        self.free_bytes: int | None = None
        self._look()
        self._threads = [
            threading.Thread(target=self._write, name="journals", daemon=True),
            threading.Thread(target=self._make_durable, name="journals-sync", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def level(self) -> SpaceLevel:
        """What is given up for want of space; the journals obey it from the next packet on."""
        return SpaceLevel(self.share.level)

    @level.setter
    def level(self, level: SpaceLevel) -> None:
        self.share.level = level

    @property
    def queued_bytes(self) -> int:
        """What all journals together hold in memory."""
        return self.share.queued_bytes

    @property
    def dropped(self) -> int:
        """Records lost for want of room or by failed writes, of all journals ever."""
        return self.share.dropped

    def add(self, journal: Writable) -> None:
        """Care for this journal from now on, until it is closed."""
        with self._lock:
            self._journals.append(journal)
        self._wake.set()

    def refused(self, error: OSError) -> None:
        """A write failed; one for want of space counts for the level."""
        if error.errno in FULL:
            self._rule.was_refused(time.monotonic())
            self.level = self._rule.level

    def hurry(self) -> None:
        """Write now instead of at the next interval."""
        self._wake.set()

    def write(self, journals: list[Writable]) -> None:
        """Write what these hold, and close those that are over."""
        with self._writing:
            over = self._write_now(journals)
        if over:
            with self._lock:
                self._journals = [journal for journal in self._journals if journal not in over]

    @staticmethod
    def _write_now(journals: list[Writable]) -> list[Writable]:
        ready = [journal for journal in journals if journal.prepare()]
        write_all([journal.records for journal in ready])
        for journal in ready:
            journal.heed()
        return [journal for journal in journals if journal.finish()]

    def close(self, timeout_s: float | None = None) -> None:
        """End the threads; what journals still hold is written first."""
        self._closing.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout_s)

    def _write(self) -> None:
        _give_way()
        while True:
            # With nothing recorded it wakes seldom: on a core full of packets each turn costs some of them.
            hurried = self._wake.wait(self._flush_interval_s / PARTS if self._journals else LOOK_INTERVAL_S)
            self._wake.clear()
            last = self._closing.is_set()
            self._look()
            self.write(self._present() if hurried or last else self._part())
            if last:
                return

    def _make_durable(self) -> None:
        _give_way()
        while True:
            present = self._present()
            # Spread over the interval, or the disk would be busy with nothing else for a while.
            pause_s = SYNC_INTERVAL_S / max(1, len(present))
            for journal in present:
                if self._closing.wait(pause_s):
                    return
                journal.sync()
            if not present and self._closing.wait(SYNC_INTERVAL_S):
                return

    def _part(self) -> list[Writable]:
        """Those whose turn it is."""
        with self._lock:
            if self._next >= len(self._journals):
                self._next = 0
            first = self._next
            self._next += -(-len(self._journals) // PARTS)
            return self._journals[first : self._next]

    def _present(self) -> list[Writable]:
        with self._lock:
            return list(self._journals)

    def _look(self) -> None:
        now = time.monotonic()
        if self._folder is None or now - self._looked_at < LOOK_INTERVAL_S:
            return
        self._looked_at = now
        with contextlib.suppress(OSError):
            self.free_bytes = free_bytes(self._folder)
            self._rule.saw(self.free_bytes, now)
            self.level = self._rule.level


def _give_way() -> None:
    """The calling thread is less urgent than those that forward."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), WRITER_NICE)


def free_bytes(folder: Path) -> int:
    """What this process may still write below `folder`, which need not exist yet; raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
