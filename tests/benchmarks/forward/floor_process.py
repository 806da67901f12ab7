"""The floor as a process of its own: crypto and sockets, nothing else."""

import ctypes
import sys
import threading

from benchmarks.forward.keyed_process import announce, open_socket, read_task
from benchmarks.forward.keys import session_keys
from benchmarks.forward.native_library import library


def main() -> None:
    """Forward until the input closes."""
    task = read_task()
    bound = open_socket(task["address"])
    native = library()
    legs = max(leg["leg"] for leg in task["legs"]) + 1
    handle = native.floor_new(bound.fileno(), legs, task["first_client"], task.get("by_frame", False))
    for leg in task["legs"]:
        up, down = (session_keys(*(bytes.fromhex(part) for part in leg[way])) for way in ("up", "down"))
        native.floor_set_leg(handle, leg["leg"], task["port"], down, up)
    for stream in task["streams"]:
        targets = (ctypes.c_int * len(stream["to"]))(*stream["to"])
        native.floor_set_targets(handle, stream["leg"], targets, len(targets))
    thread = threading.Thread(target=native.floor_run, args=(handle,))
    thread.start()
    announce(port=bound.getsockname()[1])
    sys.stdin.read()
    native.floor_stop(handle)
    thread.join()
    counters = native.floor_counters(handle).contents
    figures = {name: getattr(counters, name) for name, _ in counters._fields_}
    print(f"floor: {figures}", file=sys.stderr)


main()
