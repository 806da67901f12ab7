"""Nothing that the service began goes on once the service was killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SERVICE = """
import os, sys, time
from pathlib import Path

class Endless:
    def digest(self, file, output_folder, duration_ms, *, thumbnails):
        endless(file)

def endless(noted, *_, progress=None):
    unfinished = noted.with_suffix(".new")
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(noted)
    while True:
        time.sleep(600)

if __name__ == "__main__":
    from service.planning.child_processes import ChildProcesses
    from service.recordings.subprocess_maker import Workers
    from service.replay.subprocess_digester import SubprocessDigester

    noted = Path(sys.argv[2])
    match sys.argv[1]:
        case "making":
            Workers().run(endless, (noted,), print)
        case "planning":
            ChildProcesses().run("plan", endless, noted, print)
        case "digesting":
            SubprocessDigester(Endless()).digest(noted, noted, 1, thumbnails=False)
"""


@pytest.mark.parametrize("work", ["making", "planning", "digesting"])
def test_what_is_made_in_a_process_of_its_own_ends_with_a_service_that_was_killed(work: str, tmp_path: Path) -> None:
    program, noted = tmp_path / "killed_service.py", tmp_path / "pid"
    program.write_text(SERVICE)
    with subprocess.Popen([sys.executable, program, work, noted]) as service:
        try:
            wait_until(lambda: noted.exists() or service.poll() is not None)
            child = int(noted.read_text())
            assert is_alive(child)
        finally:
            service.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(child))


def is_alive(pid: int) -> bool:
    """Whether it runs; one that ended and was not asked for its exit code does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s"
        time.sleep(0.02)
