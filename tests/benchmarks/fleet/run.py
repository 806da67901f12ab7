"""make bench-fleet: the bell. All lessons are joined within a minute, by rooms with real signalling and DTLS-SRTP.

A JSON line for the fleet (real PostgreSQL and Redis, two replicas, several relays, a worker) and one for the embedded
process with SQLite. `join` is from opening the socket to `welcome`; `media` until a room publishes and has received a
packet of every track of everyone else. Everything, the rooms included, shares this machine.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from aiortc.rtcdtlstransport import RTCCertificate
from fleet.county import County, book, build_county, iso, signed_in
from fleet.deployment import running_deployment
from fleet.light_room import LightRoom
from fleet.processes import Process
from sqlalchemy import select

from service.live.tables import LessonPlacement
from service.storage.database import Database

BOOKING_AT_ONCE = 4
PLACED_WITHIN_S, COMPLETE_WITHIN_S, STAYS_S = 30.0, 60.0, 10.0
API_EVERY_S = 0.25
SOUND_EVERY_S = 0.4
"""A low media rate: the figure is how many lessons are joined, not how much they send."""


@dataclass
class Measured:
    """What one run of the bell showed."""

    api_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


class Bell:
    """Books lessons, rings, and watches everybody come in."""

    def __init__(self, url: Callable[[], str], database: Database, lessons: int, seed: int) -> None:
        self._url = url
        self._database = database
        self._lessons = lessons
        self._chance = random.Random(seed)
        self._measured = Measured()

    async def run(self, bell_s: float, relays: int, cpu_s: Callable[[], float]) -> dict[str, Any]:
        """Everything, in order; gives the figures."""
        county = await asyncio.to_thread(build_county, self._database, self._lessons + 1)
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            booked = await self._book_all(client, county)
            spread = await self._placed(booked, relays)
            certificate = RTCCertificate.generateCertificate()
            rooms = [
                LightRoom(
                    self._url,
                    place.token,
                    lesson["id"],
                    certificate=certificate,
                    others=2,
                    sound_every_s=SOUND_EVERY_S,
                )
                for lesson, course in zip(booked, county.courses, strict=False)
                for place in (course.lead, *course.receivers)
            ]
            began, cpu = time.monotonic(), cpu_s()
            tasks = [asyncio.create_task(self._come(room, self._chance.uniform(0, bell_s))) for room in rooms]
            asking = asyncio.create_task(self._keep_asking(client, county))
            complete = await self._wait_for(rooms, bell_s)
            joined_in_s = time.monotonic() - began
            await asyncio.sleep(STAYS_S)
            cpu = cpu_s() - cpu
            lasted_s = time.monotonic() - began
            for task in (asking, *tasks):
                task.cancel()
            await asyncio.gather(asking, *tasks, return_exceptions=True)
        return self._figures(rooms, complete, spread) | {
            "joined_in_s": round(joined_in_s, 1),
            "server_cores_used": round(cpu / lasted_s, 2),
        }

    async def _book_all(self, client: httpx.AsyncClient, county: County) -> list[dict[str, Any]]:
        starts = datetime.now(UTC) + timedelta(minutes=10)
        times = {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(minutes=40)), "recorded": False}
        gate = asyncio.Semaphore(BOOKING_AT_ONCE)

        async def one(number: int) -> dict[str, Any]:
            async with gate:
                return await self._timed(book(client, self._url(), county, county.courses[number], **times), 3)

        return await asyncio.gather(*(one(number) for number in range(self._lessons)))

    async def _timed(self, request: Coroutine[Any, Any, Any], requests: int = 1) -> Any:
        began = time.monotonic()
        answer = await request
        self._measured.api_ms.append((time.monotonic() - began) * 1000 / requests)
        return answer

    async def _placed(self, booked: Sequence[dict[str, Any]], relays: int) -> float | None:
        """How far, in percent, the relay furthest from an even share is; None for one relay."""
        if relays < 2:
            return None
        deadline = time.monotonic() + PLACED_WITHIN_S
        while time.monotonic() < deadline:
            with self._database.reading() as session:
                counts = Counter(session.scalars(select(LessonPlacement.relay_id)))
            if counts.total() >= len(booked):
                even = counts.total() / relays
                return round(max(abs(counts.get(f"relay-{n}", 0) - even) / even for n in range(relays)) * 100, 1)
            await asyncio.sleep(0.2)
        raise SystemExit("the lessons were not placed in time")

    async def _come(self, room: LightRoom, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await room.run()

    async def _wait_for(self, rooms: list[LightRoom], bell_s: float) -> int:
        waiting = [asyncio.create_task(room.complete.wait()) for room in rooms]
        done, late = await asyncio.wait(waiting, timeout=bell_s + COMPLETE_WITHIN_S)
        for task in late:
            task.cancel()
        return len(done)

    async def _keep_asking(self, client: httpx.AsyncClient, county: County) -> None:
        """People look at timetables and book while the bell rings."""
        course, number = county.courses[-1], 0
        while True:
            number += 1
            starts = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3, hours=number)
            times = {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(minutes=40))}
            address = f"{self._url()}/api/lessons?limit=50"
            try:
                if number % 4 == 0:
                    await self._timed(book(client, self._url(), county, course, **times), 3)
                else:
                    asked = client.get(address, headers=signed_in(course.teacher_session))
                    (await self._timed(asked)).raise_for_status()
            except httpx.HTTPError as error:
                self._measured.errors[f"api: {error!r:.120}"] += 1
            await asyncio.sleep(API_EVERY_S)

    def _figures(self, rooms: list[LightRoom], complete: int, spread: float | None) -> dict[str, Any]:
        errors = self._measured.errors
        errors.update(error for room in rooms for error in room.story.errors)
        reconnects = sum(max(0, room.story.connections - 1) for room in rooms)
        joins = sorted(ms for room in rooms for ms in room.story.welcomes_ms)
        media = sorted(ms for room in rooms for ms in room.story.joins_ms)
        return {
            "lessons": self._lessons,
            "rooms": len(rooms),
            "rooms_complete": complete,
            "join_p50_ms": percentile(joins, 50),
            "join_p99_ms": percentile(joins, 99),
            "media_p50_ms": percentile(media, 50),
            "media_p99_ms": percentile(media, 99),
            "api_p50_ms": percentile(sorted(self._measured.api_ms), 50),
            "api_p99_ms": percentile(sorted(self._measured.api_ms), 99),
            "errors": errors.total() + reconnects + len(rooms) - complete,
            "error_kinds": dict(errors.most_common(3)) | ({"reconnects": reconnects} if reconnects else {}),
            "placement_spread_pct": spread,
        }


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Of sorted values; None when there are none."""
    return round(values[min(len(values) - 1, len(values) * percent // 100)], 1) if values else None


def ring_fleet(arguments: argparse.Namespace) -> dict[str, Any]:
    """The bell over all real parts."""
    with running_deployment(relays=arguments.relays, relay_rooms=3 * arguments.lessons) as deployment:
        bell = Bell(deployment.url, deployment.database, arguments.lessons, arguments.seed)

        def cpu_s() -> float:
            return sum(process.cpu_s() for process in deployment.processes)

        return {"parts": f"PostgreSQL, Redis, 2 replicas, {arguments.relays} relays"} | asyncio.run(
            bell.run(arguments.bell_seconds, arguments.relays, cpu_s)
        )


def ring_embedded(arguments: argparse.Namespace) -> dict[str, Any]:
    """The bell over one process with SQLite."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {"THREE_CLASSROOMS_RELAY_ROOMS": "2000", "THREE_CLASSROOMS_DATA_FOLDER": str(folder / "data")}
        serve = ("serve", "--port", "0", "--udp-port", "0")
        process = Process("embedded", serve, environment, folder / "embedded.log").start()
        database = Database(f"sqlite:///{folder / 'data' / 'three-classrooms.sqlite3'}")
        try:
            bell = Bell(lambda: str(process.ready["url"]), database, arguments.embedded_lessons, arguments.seed)
            figures = asyncio.run(bell.run(arguments.bell_seconds, 1, process.cpu_s))
        finally:
            database.close()
            process.stop()
    return {"parts": "one process, SQLite"} | figures


def main() -> None:
    """Parse the command line, ring, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lessons", type=int, default=250)
    parser.add_argument("--embedded-lessons", type=int, default=60, help="0 leaves the embedded process out")
    parser.add_argument("--relays", type=int, default=max(2, os.cpu_count() or 2))
    parser.add_argument("--bell-seconds", type=float, default=50.0, help="everybody comes within this time")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    good = True
    for ring in (ring_fleet, *((ring_embedded,) if arguments.embedded_lessons else ())):
        figures = ring(arguments)
        good &= figures["errors"] == 0
        machine = {"cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1)}
        print(json.dumps({"benchmark": "fleet", **figures, **machine}, ensure_ascii=False), flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main()
