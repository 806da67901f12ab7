"""Journals that appear in a running lesson's folder as its relay would write them: by the second, then all at once."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import made_journals
import pytest
from made_journals import Track

from media.recorder.journal_format import MAGIC, RECORD_HEAD

WRITE_EVERY_S = 0.25


class GrowingJournals:
    """Writes what each track had sent by now; `begun_at` is the Unix time of the tracks' second 0."""

    def __init__(self, folder: Path, tracks: Sequence[Track], begun_at: float, patch: pytest.MonkeyPatch) -> None:
        with patch.context() as patched:
            patched.setattr(made_journals, "LESSON_START_S", begun_at)
            names = [f"track{number:02d}" for number in range(len(tracks))]
            self._journals = [
                (folder / f"{name}.journal", track.encode(name)) for name, track in zip(names, tracks, strict=True)
            ]
        self._written = dict.fromkeys((path for path, _ in self._journals), 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "GrowingJournals":
        self._write(time.time())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the rest: the lesson is over."""
        self._over.set()
        self._thread.join()
        self._write(float("inf"))

    def _run(self) -> None:
        while not self._over.wait(WRITE_EVERY_S):
            self._write(time.time())

    def _write(self, until: float) -> None:
        for path, data in self._journals:
            begin = self._written[path]
            end = _reached(data, begin, until)
            if end > len(MAGIC):
                with path.open("ab") as journal:
                    journal.write(data[begin:end])
                self._written[path] = end


def _reached(data: bytes, begin: int, until: float) -> int:
    end = max(begin, len(MAGIC))
    while end < len(data):
        length, _, _, arrival_us = RECORD_HEAD.unpack_from(data, end)
        if arrival_us > until * 1e6:
            break
        end += RECORD_HEAD.size + length
    return end
