"""A server under test in a process of its own, pinned to a core: JSON lines in and out, CPU and memory from outside."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.forward.priority import raise_session

SERVER_CORE = 0
GENERATOR_CORE = 1
START_TIMEOUT_S = 30.0
PATIENCE_S = 2.0
_LINE_LIMIT_BYTES = 64 << 20
_PR_SET_PDEATHSIG = 1


class Child:
    """A process that speaks JSON lines on standard input and output."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(
        cls, *command: str, tree: Path | None = None, speaks: bool = True, log: Path | None = None
    ) -> "Child":
        """Start pinned to the server's core; `tree` is the checkout whose packages it imports."""
        environment = dict(os.environ)
        if tree is not None:
            environment["PYTHONPATH"] = os.pathsep.join((str(tree), str(Path(__file__).parents[2])))
        output = asyncio.subprocess.PIPE if speaks else asyncio.subprocess.DEVNULL
        with contextlib.ExitStack() as stack:
            errors = stack.enter_context(log.open("w")) if log else None
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=output if speaks or errors is None else errors,
                stderr=errors,
                env=environment,
                limit=_LINE_LIMIT_BYTES,
                start_new_session=True,
                preexec_fn=_begin_child,
            )
        return cls(process)

    @classmethod
    async def script(cls, name: str, tree: Path, *arguments: str) -> "Child":
        """Start one of this folder's `*_process.py`."""
        return await cls.start(sys.executable, str(Path(__file__).parent / name), *arguments, tree=tree)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def hear(self, timeout_s: float = START_TIMEOUT_S) -> dict[str, Any]:
        """The next line; raises RuntimeError when the process ended."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), timeout_s)
        if not line:
            raise RuntimeError(f"the server under test ended with code {await self._process.wait()}")
        return dict(json.loads(line))

    def cpu_s(self) -> float:
        """User and system time of all its threads so far; softirqs run in its system calls count."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss_mib(self) -> float:
        """Resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server under test is gone")

    def kill(self) -> None:
        """End a process at once that has nothing to tidy up."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """End it: by closing its input, then by signals."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        for end in (lambda: None, self._process.terminate, self._process.kill):
            with contextlib.suppress(ProcessLookupError):
                end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), PATIENCE_S)
                return


def _begin_child() -> None:
    os.sched_setaffinity(0, {SERVER_CORE})
    raise_session()
    # It must not outlive the benchmark, however that ends.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def softirq_thread_cpu_s() -> float:
    """CPU of the server core's ksoftirqd, which takes over network work when the core is full; 0 where unseen."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if (folder / "comm").read_text().strip() == f"ksoftirqd/{SERVER_CORE}":
                    return int((folder / "schedstat").read_text().split()[0]) / 1e9
    return 0.0
