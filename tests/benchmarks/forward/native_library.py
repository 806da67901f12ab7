"""Compiles the C half of the benchmark (generator and floor) into a build folder and binds it.

Every call releases the GIL, so that the loops run in threads beside asyncio.
"""

import ctypes
import hashlib
import subprocess
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent / "native"
SESSION_BYTES = 56
DELAY_BUCKETS = 1 << 20


class Counters(ctypes.Structure):
    """What the generator counted since its last reset; durations in nanoseconds."""

    _fields_ = (
        *(
            (name, ctypes.c_uint64)
            for name in (
                "sent",
                "expected",
                "received",
                "rtcp",
                "late",
                "opened",
                "forged",
                "unknown",
                "send_errors",
                "receive_calls",
                "messages",
                "loops",
                "checks",
                "checks_answered",
            )
        ),
        ("longest_loop_ns", ctypes.c_int64),
        ("idle_ns", ctypes.c_int64),
        ("elapsed_ns", ctypes.c_int64),
        ("stalled_ns", ctypes.c_int64),
    )


class FloorCounters(ctypes.Structure):
    """What the floor counted since its start."""

    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("received", "refused", "sent", "sends", "batches", "send_errors")
    )


@cache
def library() -> ctypes.CDLL:
    """The compiled library; compiled anew when a source changed. Raises SystemExit naming what is missing."""
    bound = ctypes.CDLL(str(_compiled()))
    pointer, integer, big = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
    for name, result, arguments in (
        ("generator_new", pointer, (integer, integer, integer, ctypes.c_uint32)),
        ("generator_free", None, (pointer,)),
        ("generator_set_leg", integer, (pointer, integer, ctypes.c_uint32, integer, ctypes.c_char_p, ctypes.c_char_p)),
        ("generator_set_check", integer, (pointer, integer, ctypes.c_char_p, integer)),
        (
            "generator_set_stream",
            None,
            (pointer, *[integer] * 8, ctypes.c_uint32, big),
        ),
        ("generator_counters", ctypes.POINTER(Counters), (pointer,)),
        ("generator_delays", ctypes.POINTER(ctypes.c_uint32), (pointer,)),
        ("generator_leg_packets", ctypes.c_uint64, (pointer, integer)),
        ("generator_reset_counters", None, (pointer, integer)),
        (
            "generator_set_media",
            None,
            (pointer, integer, ctypes.c_char_p, *[ctypes.POINTER(kind) for kind in (big, integer, integer)], integer),
        ),
        ("generator_stop", None, (pointer,)),
        ("generator_take_control", integer, (pointer, ctypes.c_char_p, ctypes.POINTER(integer))),
        ("generator_run", None, (pointer, big, integer, integer)),
        ("floor_new", pointer, (integer, integer, ctypes.c_uint32, integer)),
        ("floor_set_leg", integer, (pointer, integer, integer, ctypes.c_char_p, ctypes.c_char_p)),
        ("floor_set_targets", integer, (pointer, integer, ctypes.POINTER(integer), integer)),
        ("floor_counters", ctypes.POINTER(FloorCounters), (pointer,)),
        ("floor_run", None, (pointer,)),
        ("floor_stop", None, (pointer,)),
    ):
        function = getattr(bound, name)
        function.restype, function.argtypes = result, arguments
    return bound


def _compiled() -> Path:
    files = sorted(SOURCES.iterdir())
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    target = Path(__file__).parents[3] / "build" / "bench-forward" / f"bench-{digest}.so"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_suffix(".new")
    command = [
        "cc",
        "-O2",
        "-fPIC",
        "-shared",
        "-o",
        str(made),
        *(str(f) for f in files if f.suffix == ".c"),
        "-lcrypto",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SystemExit("bench-forward needs a C compiler (cc)") from None
    if done.returncode:
        raise SystemExit(f"bench-forward needs a C compiler and libssl-dev; cc said:\n{done.stderr}")
    made.rename(target)
    return target
