"""Watching a recording while its lesson runs: one process follows the lessons somebody watches, and no others.

The process begins with the first viewer and forgets a lesson that nobody has asked for during a minute.
"""

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from pydantic import ValidationError

from media.contract import GrowingRecording, GrowingStream, LiveRecorder, LiveRecording
from service.orphans import end_with_parent

ADVANCE_EVERY_S = 1.0
WANTED_FOR_S = 60.0
NICENESS = 5
STATE_FILE_NAME = "growing.json"


class LiveWatching:
    """What can be watched of running lessons; without a recorder nothing can."""

    def __init__(self, recorder: LiveRecorder | None, journal_folder: Path, folder: Path) -> None:
        self._recorder = recorder
        self._journal_folder = journal_folder
        self._folder = folder
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._sending: Connection | None = None
        self._open = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be ready to follow lessons; on leaving, everything of it is gone."""
        await asyncio.to_thread(shutil.rmtree, self._folder, True)
        self._open = True
        try:
            yield
        finally:
            self._open = False
            await asyncio.to_thread(self._stop)

    def want(self, lesson_id: str) -> GrowingRecording | None:
        """Somebody watches the lesson: follow it, and tell what there is; None at first. From any thread."""
        if self._recorder is None or not self._open:
            return None
        with self._lock, contextlib.suppress(OSError):
            self._sender(self._recorder).send(lesson_id)
        try:
            return GrowingRecording.model_validate_json((self._folder / lesson_id / STATE_FILE_NAME).read_bytes())
        except (OSError, ValidationError):
            return None

    def find(self, lesson_id: str, file_name: str) -> tuple[Path, GrowingStream] | None:
        """A growing file of the lesson, and how much of it can be fetched; None if there is no such file."""
        recording = self.want(lesson_id)
        for stream in recording.streams if recording is not None else ():
            if stream.file_name == file_name:
                return self._folder / lesson_id / stream.file_name, stream
        return None

    def _sender(self, recorder: LiveRecorder) -> Connection:
        if self._sending is None or self._process is None or not self._process.is_alive():
            context = multiprocessing.get_context("spawn")
            receiving, self._sending = context.Pipe(duplex=False)
            arguments = (recorder, self._journal_folder, self._folder, receiving)
            self._process = context.Process(target=_follow_lessons, args=arguments, daemon=True)
            self._process.start()
            receiving.close()
        return self._sending

    def _stop(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.terminate()
                self._process.join()
                self._process.close()
            if self._sending is not None:
                self._sending.close()
            self._process = self._sending = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _follow_lessons(recorder: LiveRecorder, journal_folder: Path, folder: Path, receiving: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this process itself
    end_with_parent()
    os.nice(NICENESS)
    wanted_at: dict[str, float] = {}
    followed: dict[str, LiveRecording] = {}
    with contextlib.suppress(EOFError):  # the service is gone
        while True:
            _take_wishes(receiving, wanted_at)
            for lesson_id, at in list(wanted_at.items()):
                if time.monotonic() - at < WANTED_FOR_S:
                    if lesson_id not in followed:
                        followed[lesson_id] = recorder.follow(journal_folder / lesson_id, folder / lesson_id)
                    _write_state(folder / lesson_id, followed[lesson_id].advance())
                else:
                    del wanted_at[lesson_id]
                    if (recording := followed.pop(lesson_id, None)) is not None:
                        recording.close()
                    shutil.rmtree(folder / lesson_id, ignore_errors=True)


def _take_wishes(receiving: Connection, wanted_at: dict[str, float]) -> None:
    """Wait about a second for wishes, less when one is new: a viewer need not wait for the next round."""
    until = time.monotonic() + ADVANCE_EVERY_S
    while (left_s := until - time.monotonic()) > 0 and receiving.poll(left_s):
        lesson_id = receiving.recv()
        is_new = lesson_id not in wanted_at
        wanted_at[lesson_id] = time.monotonic()
        if is_new:
            return


def _write_state(folder: Path, recording: GrowingRecording) -> None:
    temporary = folder / f".{STATE_FILE_NAME}"
    temporary.write_text(recording.model_dump_json(), encoding="utf-8")
    temporary.replace(folder / STATE_FILE_NAME)
