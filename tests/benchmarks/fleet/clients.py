"""A share of the rooms that come when the bell rings, in a process of its own: what it is to do comes over stdin.

Prints READY, waits for the moment of the bell on stdin, and prints what each room went through as one JSON line.
"""

import asyncio
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate
from fleet.light_media import picture, sounds
from fleet.light_room import LightRoom

OTHERS = 2
LOOK_EVERY_S = 0.5
"""How often each room looks whether media arrives: the looks of all rooms are work of the machine that is measured."""
LAG_EVERY_S = 0.01
"""How often this process looks whether it is late itself."""


@dataclass(frozen=True)
class Arrival:
    """One room: whose token, which lesson, how long after the bell it comes."""

    number: int
    token: str
    lesson_id: str
    after_s: float


@dataclass(frozen=True)
class Errand:
    """What one process of clients does."""

    addresses: list[str]
    arrivals: list[Arrival]
    sound_every_s: float
    complete_within_s: float
    """After the last has come."""
    stays_s: float


async def attend(errand: Errand, rings_at: float) -> dict[str, Any]:
    """Let every room come in its time after `rings_at` (monotonic), and stay until the end.

    Gives what each went through, and how late this process was itself each time it looked: what it blames on others
    is late by as much.
    """
    turn = count()
    certificate = RTCCertificate.generateCertificate()

    def address() -> str:
        return errand.addresses[next(turn) % len(errand.addresses)]

    rooms = [
        LightRoom(
            address,
            arrival.token,
            arrival.lesson_id,
            certificate=certificate,
            others=OTHERS,
            sound_every_s=errand.sound_every_s,
            look_every_s=LOOK_EVERY_S,
        )
        for arrival in errand.arrivals
    ]

    async def come(room: LightRoom, after_s: float) -> None:
        await asyncio.sleep(rings_at + after_s - time.monotonic())
        await room.run()

    tasks = [
        asyncio.create_task(come(room, arrival.after_s)) for room, arrival in zip(rooms, errand.arrivals, strict=True)
    ]
    waiting = [asyncio.create_task(room.complete.wait()) for room in rooms]
    last_s = max(arrival.after_s for arrival in errand.arrivals)
    lags_ms: list[float] = []
    lagging = asyncio.create_task(note_lags(lags_ms))
    await asyncio.wait(waiting, timeout=rings_at + last_s + errand.complete_within_s - time.monotonic())
    await asyncio.sleep(errand.stays_s)
    for task in (lagging, *waiting, *tasks):
        task.cancel()
    await asyncio.gather(lagging, *waiting, *tasks, return_exceptions=True)
    stories = [
        {"number": arrival.number, **asdict(room.story)} for arrival, room in zip(errand.arrivals, rooms, strict=True)
    ]
    return {"stories": stories, "lags_ms": lags_ms}


async def note_lags(lags_ms: list[float]) -> None:
    """Note again and again how much later than asked this process was woken."""
    while True:
        asked_at = time.monotonic() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        lags_ms.append(round((time.monotonic() - asked_at) * 1000, 1))


def main() -> None:
    """Take the errand, be ready, run it."""
    given = json.loads(sys.stdin.readline())
    errand = Errand(**{**given, "arrivals": [Arrival(**one) for one in given["arrivals"]]})
    sounds(), picture()  # encoded once, before anybody waits
    gc.set_threshold(50_000)
    print("READY", flush=True)
    print(json.dumps(asyncio.run(attend(errand, float(sys.stdin.readline())))), flush=True)


if __name__ == "__main__":
    main()
