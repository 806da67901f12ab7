"""Work that keeps the processor busy for seconds, in processes of its own at low priority, beside live lessons.

A piece of work is a function of a module that takes an order and a way to report; the caller waits for what it gives.
"""

import atexit
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from service.orphans import end_with_parent
from service.problems import Problem

NICENESS = 10

Work = Callable[[Any, Callable[[Any], None]], Any]


class ChildFailedError(Exception):
    """The work refused, broke or was stopped. `code` is a problem's where the work raised one."""

    def __init__(self, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.code = code


class ChildProcesses:
    """Runs pieces of work in spawned processes and waits for them; safe to use from several threads."""

    def __init__(self) -> None:
        self._processes: dict[str, BaseProcess] = {}
        self._lock = threading.Lock()
        self._stopped = False
        atexit.register(self.stop)

    def run(self, name: str, work: Work, order: Any, report: Callable[[Any], None], *, niceness: int = NICENESS) -> Any:
        """What the work gives. Raises ChildFailedError, also when the process dies, is cancelled or stopped."""
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        # Not a daemon: the work may have processes of its own. `stop` ends it, at the latest when Python exits.
        process = context.Process(target=_work, args=(work, order, sending, niceness))
        with self._lock:
            if self._stopped:
                raise ChildFailedError("the service stops")
            process.start()
            self._processes[name] = process
        sending.close()
        try:
            return _follow(receiving, report)
        finally:
            receiving.close()
            with self._lock:
                del self._processes[name]
            process.terminate()
            process.join()
            process.close()

    def cancel(self, name: str) -> None:
        """End one piece of work under way, if it is."""
        with self._lock:
            if name in self._processes:
                self._processes[name].terminate()

    def stop(self) -> None:
        """End everything under way and begin nothing more."""
        with self._lock:
            self._stopped = True
            for process in self._processes.values():
                process.terminate()


def _follow(receiving: Connection, report: Callable[[Any], None]) -> Any:
    while True:
        try:
            kind, value = receiving.recv()
        except (EOFError, OSError):
            raise ChildFailedError("the process that plans ended") from None
        if kind == "progress":
            report(value)
        elif kind == "done":
            return value
        else:
            raise ChildFailedError(*value)


def _work(work: Work, order: Any, sending: Connection, niceness: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this process itself
    end_with_parent()
    os.nice(niceness)
    try:
        sending.send(("done", work(order, lambda progress: sending.send(("progress", progress)))))
    except Problem as problem:
        sending.send(("failed", (problem.detail, problem.code)))
    except Exception as error:
        sending.send(("failed", (f"{type(error).__name__}: {error}",)))
