"""Processes of a deployment that a drill can kill, freeze, thaw and start again."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("three-classrooms")
READY_WITHIN_S = 150.0


@dataclass
class Process:
    """`three-classrooms VERB...` with a log of its own."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    prefix: tuple[str, ...] = ()
    """What runs it elsewhere, such as in a network namespace."""
    ready: dict[str, Any] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None
    is_ready: bool = False
    """It said READY and was not asked to stop since."""

    def start(self) -> "Process":
        """Start it and wait for READY."""
        self.launch()
        self.wait_ready()
        return self

    def launch(self) -> None:
        """Start it."""
        self.is_ready = False
        clean = {key: value for key, value in os.environ.items() if not key.startswith("THREE_CLASSROOMS_")}
        with self.log.open("ab") as log:
            self._from = log.tell()
            self.child = subprocess.Popen(
                [*self.prefix, PROGRAM, *self.arguments], stdout=log, stderr=log, env={**clean, **self.environment}
            )

    def wait_ready(self) -> None:
        """Wait for READY; raises RuntimeError with what it said instead."""
        assert self.child is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            said = self.log.read_bytes()[self._from :].decode(errors="replace")
            for line in said.splitlines():
                if line.startswith("READY "):
                    self.ready = json.loads(line.removeprefix("READY "))
                    self.is_ready = True
                    return
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready; it said:\n{said[-3000:]}")
            time.sleep(0.05)

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self.child is not None and self.child.poll() is None

    def kill(self) -> None:
        """SIGKILL."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def freeze(self) -> None:
        """SIGSTOP."""
        assert self.child is not None
        self.child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self.child is not None
        self.child.send_signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """SIGTERM, also to one that is frozen; nothing to one that has ended."""
        self.is_ready = False
        if self.child is not None and self.is_running:
            self.thaw()
            self.child.terminate()

    def stop(self, asks: int = 1) -> None:
        """Ask so many times, wait for its end, and end it by force when that does not come."""
        if self.child is None:
            return
        for _ in range(asks):
            self.ask_to_stop()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def cpu_s(self) -> float:
        """CPU seconds it used so far."""
        assert self.child is not None
        return cpu_s(self.child.pid)


def cpu_s(pid: int) -> float:
    """CPU seconds a process used so far, with those of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children that run now or ended."""
    used = cpu_s(pid)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                used += cpu_s(int(stat.parent.name))
        except OSError:
            continue  # it has just ended
    return used
