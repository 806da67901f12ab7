"""Puts the journals of all lessons of a relay on disk: one thread writes, one makes it durable, both look at the space.

Nobody who hands records over ever waits for either thread.
"""

import contextlib
import errno
import os
import threading
import time
from pathlib import Path
from typing import Protocol

from media.recorder.disk_space import SpaceLevel, SpaceLimits, SpaceRule

FLUSH_INTERVAL_S = 0.25
SYNC_INTERVAL_S = 10.0
LOOK_INTERVAL_S = 1.0
QUEUE_LIMIT_BYTES = 512 << 20
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Flushable(Protocol):
    """A journal being written."""

    def flush(self) -> None:
        """Write what is queued; never raises."""

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
        self._queue_limit_bytes = queue_limit_bytes
        self._journals: list[Flushable] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._looked_at = float("-inf")
        self.level = SpaceLevel.WELL
        "What is given up for want of space; read by the journals at every packet."
        self.free_bytes: int | None = None
        self.queued_bytes = 0
        self._look()
        self._threads = [
            threading.Thread(target=self._write, name="journals", daemon=True),
            threading.Thread(target=self._make_durable, name="journals-sync", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def add(self, journal: Flushable) -> None:
        """Care for this journal from now on, until it is closed."""
        with self._lock:
            self._journals.append(journal)

    def room_for(self, given_up_at: SpaceLevel) -> bool:
        """Whether another record may wait: on a slow disk, too, rooms' pictures go first and the lead's voice last."""
        return self.queued_bytes < self._queue_limit_bytes * (1 + given_up_at) // (1 + SpaceLevel.ALL)

    def queued(self, change_bytes: int) -> None:
        """Note that records came (positive) or went (negative)."""
        with self._lock:
            self.queued_bytes += change_bytes

    def refused(self, error: OSError) -> None:
        """A write failed; one for want of space counts for the level."""
        if error.errno in FULL:
            self._rule.was_refused(time.monotonic())
            self.level = self._rule.level

    def hurry(self) -> None:
        """Write now instead of at the next interval."""
        self._wake.set()

    def close(self, timeout_s: float | None = None) -> None:
        """End the threads; what journals still hold is written first."""
        self._closing.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(timeout_s)

    def _write(self) -> None:
        while True:
            self._wake.wait(self._flush_interval_s)
            self._wake.clear()
            last = self._closing.is_set()
            self._look()
            for journal in self._present():
                journal.flush()
                if journal.finish():
                    with self._lock:
                        self._journals.remove(journal)
            if last:
                return

    def _make_durable(self) -> None:
        while not self._closing.wait(SYNC_INTERVAL_S):
            for journal in self._present():
                journal.sync()

    def _present(self) -> list[Flushable]:
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


def free_bytes(folder: Path) -> int:
    """What this process may still write below `folder`, which need not exist yet; raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
