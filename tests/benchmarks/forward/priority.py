"""The benchmark goes before other work of the machine, servers and generator alike, where that is allowed.

Where the kernel shares a core by sessions (sched_autogroup_enabled), nice values count only within a session: whatever
else runs on the machine would take half of a server's core, and its waiting would be told as delay.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

SESSION_NICE = -15
_AUTOGROUP = Path("/proc/self/autogroup")
"As in sched(7): reads `/autogroup-<number> nice <value>`, takes a nice value for the session."


def raise_session() -> bool:
    """Let this process's session go first; False where the kernel does not share by sessions, or forbids it."""
    try:
        _AUTOGROUP.write_text(str(SESSION_NICE))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def raised_session() -> Iterator[None]:
    """The same for a while: the session is that of the shell that started us."""
    try:
        before = _AUTOGROUP.read_text().split()[-1]
    except (OSError, IndexError):
        yield
        return
    raise_session()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _AUTOGROUP.write_text(before)
