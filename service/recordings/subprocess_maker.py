"""Runs the makers of files in processes of their own, at low priority: making must not disturb the live lessons."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from media.contract import HandoutFile, HandoutMaker, HandoutSource, RecordingMaker, RecordingManifest
from service.orphans import end_with_parent

NICENESS = 10
Progress = Callable[[float], None]


class MakingFailedError(Exception):
    """The maker refused or broke; the text says why. Remedy: look at the log, then try again."""


class WorkerDiedError(MakingFailedError):
    """The process ended without a word: killed, or out of memory. Remedy: let another one try."""


class Workers:
    """Spawned processes, each doing one thing: `work(progress)` is called there and gives JSON back."""

    def __init__(self) -> None:
        self._processes: set[BaseProcess] = set()
        self._stopped = threading.Event()

    def run(self, work: Callable[..., str], arguments: tuple[Any, ...], progress: Progress) -> str:
        """Do it and wait. Raises MakingFailedError, also when the process dies or is stopped."""
        if self._stopped.is_set():
            raise MakingFailedError("the service stops")
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(work, arguments, sending), daemon=True)
        process.start()
        sending.close()
        self._processes.add(process)
        try:
            return _follow(receiving, progress)
        finally:
            receiving.close()
            process.terminate()
            process.join()
            process.close()
            self._processes.discard(process)

    def stop(self) -> None:
        """End what is under way; it is done again when the service comes back."""
        self._stopped.set()
        for process in list(self._processes):
            process.terminate()


class SubprocessMaker:
    """A RecordingMaker that hands the work to `maker` in a process of its own."""

    def __init__(self, maker: RecordingMaker) -> None:
        self._maker = maker
        self._workers = Workers()

    def make(self, journal_folder: Path, output_folder: Path, progress: Progress) -> RecordingManifest:
        """Make the recording. Raises MakingFailedError."""
        made = self._workers.run(_make_recording, (self._maker, journal_folder, output_folder), progress)
        return RecordingManifest.model_validate_json(made)

    def stop(self) -> None:
        """End what is under way."""
        self._workers.stop()


class SubprocessHandoutMaker:
    """A HandoutMaker that hands the work to `maker` in a process of its own."""

    def __init__(self, maker: HandoutMaker) -> None:
        self._maker = maker
        self._workers = Workers()

    def make(self, sources: list[HandoutSource], output: Path, work_folder: Path, progress: Progress) -> HandoutFile:
        """Make the file. Raises MakingFailedError."""
        made = self._workers.run(_make_handout, (self._maker, sources, output, work_folder), progress)
        return HandoutFile.model_validate_json(made)

    def stop(self) -> None:
        """End what is under way."""
        self._workers.stop()


def _make_recording(maker: RecordingMaker, journals: Path, output: Path, *, progress: Progress) -> str:
    return maker.make(journals, output, progress).model_dump_json()


def _make_handout(
    maker: HandoutMaker, sources: list[HandoutSource], output: Path, work: Path, *, progress: Progress
) -> str:
    return maker.make(sources, output, work, progress).model_dump_json()


def _follow(receiving: Connection, progress: Progress) -> str:
    while True:
        try:
            kind, value = receiving.recv()
        except (EOFError, OSError):
            raise WorkerDiedError("the process that makes files ended") from None
        if kind == "progress":
            progress(value)
        elif kind == "done":
            return str(value)
        else:
            raise MakingFailedError(value)


def _work(work: Callable[..., str], arguments: tuple[Any, ...], sending: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this process itself
    end_with_parent()
    os.nice(NICENESS)
    try:
        sending.send(("done", work(*arguments, progress=lambda share: sending.send(("progress", share)))))
    except Exception as error:
        sending.send(("failed", f"{type(error).__name__}: {error}"))
