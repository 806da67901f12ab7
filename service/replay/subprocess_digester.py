"""Runs a digester in a process of its own, at low priority: decoding must not disturb the live lessons."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from media.contract.digest import StreamDigest, StreamDigester
from service.orphans import end_with_parent

NICENESS = 15


class DigestFailedError(Exception):
    """The digester refused or broke; the text says why. The replay works without thumbnails and the speech strip."""


class SubprocessDigester:
    """A StreamDigester that hands each file to `digester` in a spawned process, and waits for it."""

    def __init__(self, digester: StreamDigester) -> None:
        self._digester = digester
        self._processes: set[BaseProcess] = set()
        self._stopped = threading.Event()

    def digest(self, file: Path, output_folder: Path, duration_ms: int, *, thumbnails: bool) -> StreamDigest:
        """Read the digest. Raises DigestFailedError, also when the process dies or is stopped."""
        if self._stopped.is_set():
            raise DigestFailedError("the service stops")
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        arguments = (self._digester, file, output_folder, duration_ms, thumbnails, sending)
        process = context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        sending.close()
        self._processes.add(process)
        try:
            kind, value = receiving.recv()
        except (EOFError, OSError):
            raise DigestFailedError("the process that reads digests ended") from None
        finally:
            receiving.close()
            process.terminate()
            process.join()
            process.close()
            self._processes.discard(process)
        if kind != "done":
            raise DigestFailedError(value)
        return StreamDigest.model_validate_json(value)

    def stop(self) -> None:
        """End what is under way; it is made again when the service comes back."""
        self._stopped.set()
        for process in list(self._processes):
            process.terminate()


def _work(
    digester: StreamDigester, file: Path, output_folder: Path, duration_ms: int, thumbnails: bool, sending: Connection
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this process itself
    end_with_parent()
    os.nice(NICENESS)
    try:
        digest = digester.digest(file, output_folder, duration_ms, thumbnails=thumbnails)
        sending.send(("done", digest.model_dump_json()))
    except Exception as error:
        sending.send(("failed", f"{type(error).__name__}: {error}"))
