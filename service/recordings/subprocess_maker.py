"""Runs a recording maker in a process of its own, at low priority: making files must not disturb the live lessons."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from media.contract import RecordingMaker, RecordingManifest

NICENESS = 10


class MakingFailedError(Exception):
    """The maker refused or broke; the text says why. Remedy: look at the log, then try again."""


class SubprocessMaker:
    """A RecordingMaker that hands the work to `maker` in a spawned process, and waits for it."""

    def __init__(self, maker: RecordingMaker) -> None:
        self._maker = maker
        self._processes: set[BaseProcess] = set()
        self._stopped = threading.Event()

    def make(self, journal_folder: Path, output_folder: Path, progress: Callable[[float], None]) -> RecordingManifest:
        """Make the recording. Raises MakingFailedError, also when the process dies or is stopped."""
        if self._stopped.is_set():
            raise MakingFailedError("the service stops")
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(self._maker, journal_folder, output_folder, sending), daemon=True)
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
        """End what is under way; it is made again when the service comes back."""
        self._stopped.set()
        for process in list(self._processes):
            process.terminate()


def _follow(receiving: Connection, progress: Callable[[float], None]) -> RecordingManifest:
    while True:
        try:
            kind, value = receiving.recv()
        except (EOFError, OSError):
            raise MakingFailedError("the process that makes recordings ended") from None
        if kind == "progress":
            progress(value)
        elif kind == "done":
            return RecordingManifest.model_validate_json(value)
        else:
            raise MakingFailedError(value)


def _work(maker: RecordingMaker, journal_folder: Path, output_folder: Path, sending: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this process itself
    os.nice(NICENESS)
    try:
        manifest = maker.make(journal_folder, output_folder, lambda share: sending.send(("progress", share)))
        sending.send(("done", manifest.model_dump_json()))
    except Exception as error:
        sending.send(("failed", f"{type(error).__name__}: {error}"))
