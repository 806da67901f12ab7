"""Processes that the service begins end with it, also when it was killed and could not end them itself."""

import os
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait

ORPHANED = 70
"""The exit code of one whose parent is gone; nobody is there to ask for it."""


def end_with_parent() -> None:
    """End this spawned process as soon as the one that spawned it is gone, whatever it is at then.

    Half-made files are made again by who comes next, and must not be written to by two.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="parent", daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(ORPHANED)
