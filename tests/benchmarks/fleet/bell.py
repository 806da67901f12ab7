"""The bell: books lessons, lets all their rooms come within a minute, and measures what they and the others met."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from benchmarks.fleet.clients import Arrival, Errand
from fleet.county import County, book, build_county, iso, signed_in
from sqlalchemy import select

from service.live.tables import LessonPlacement
from service.storage.database import Database

BOOKING_AT_ONCE = 4
PLACED_WITHIN_S, COMPLETE_WITHIN_S, STAYS_S = 30.0, 60.0, 10.0
API_EVERY_S = 0.25
RINGS_AFTER_S = 1.0
CLIENT_PROCESSES = 2
SOUND_EVERY_S = 0.4
"""A low media rate: the figure is how many lessons are joined, not how much they send."""
CLIENTS = Path(__file__).with_name("clients.py")
CpuByPart = Callable[[], dict[str, float]]


@dataclass
class Measured:
    """What one run of the bell showed."""

    api_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    lags_ms: list[float] = field(default_factory=list)
    """How late the rooms' own processes were."""


class Timed(httpx.AsyncHTTPTransport):
    """Notes how long every single request takes to be answered."""

    def __init__(self, took_ms: list[float]) -> None:
        super().__init__(retries=0)
        self._took_ms = took_ms

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and note the time until the answer begins: the service sends it at once."""
        began = time.monotonic()
        response = await super().handle_async_request(request)
        self._took_ms.append((time.monotonic() - began) * 1000)
        return response


class Bell:
    """Books lessons, rings, and watches everybody come in."""

    def __init__(self, addresses: Sequence[str], database: Database, lessons: int, seed: int) -> None:
        self._addresses = list(addresses)
        self._database = database
        self._lessons = lessons
        self._chance = random.Random(seed)
        self._measured = Measured()

    async def run(self, bell_s: float, relays: int, cpu_by_part: CpuByPart) -> dict[str, Any]:
        """Everything, in order; gives the figures."""
        county = await asyncio.to_thread(build_county, self._database, self._lessons + 1)
        transport = Timed(self._measured.api_ms)
        async with httpx.AsyncClient(timeout=30, trust_env=False, transport=transport) as client:
            began = time.monotonic()
            booked = await self._book_all(client, county)
            booked_in_s = time.monotonic() - began
            spread = await self._placed(booked, relays)
            clients = [await self._start_clients(share) for share in self._shares(booked, county, bell_s)]
            cpu, rung = cpu_by_part(), time.monotonic()
            asking = asyncio.create_task(self._keep_asking(client, county))
            stories = await self._ring(clients)
            lasted_s = time.monotonic() - rung
            cpu = {name: round((used - cpu[name]) / lasted_s, 2) for name, used in cpu_by_part().items()}
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        return self._figures(stories, spread) | {"booked_in_s": round(booked_in_s, 1), "cores_used": cpu}

    async def _book_all(self, client: httpx.AsyncClient, county: County) -> list[dict[str, Any]]:
        starts = datetime.now(UTC) + timedelta(minutes=10)
        times = {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(minutes=40)), "recorded": False}
        gate = asyncio.Semaphore(BOOKING_AT_ONCE)

        async def one(number: int) -> dict[str, Any]:
            async with gate:
                url = self._addresses[number % len(self._addresses)]
                return await book(client, url, county, county.courses[number], **times)

        return await asyncio.gather(*(one(number) for number in range(self._lessons)))

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

    def _shares(self, booked: Sequence[dict[str, Any]], county: County, bell_s: float) -> list[Errand]:
        """All rooms, dealt out over the processes of clients; rooms of one lesson have numbers next to each other."""
        arrivals = [
            Arrival(3 * number + place_number, place.token, lesson["id"], self._chance.uniform(0, bell_s))
            for number, (lesson, course) in enumerate(zip(booked, county.courses, strict=False))
            for place_number, place in enumerate((course.lead, *course.receivers))
        ]
        return [
            Errand(self._addresses, arrivals[first::CLIENT_PROCESSES], SOUND_EVERY_S, COMPLETE_WITHIN_S, STAYS_S)
            for first in range(CLIENT_PROCESSES)
        ]

    async def _start_clients(self, errand: Errand) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(sys.executable, CLIENTS, stdin=pipe, stdout=pipe, limit=1 << 26)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(asdict(errand)).encode() + b"\n")
        await child.stdin.drain()
        if await child.stdout.readline() != b"READY\n":
            raise SystemExit("the clients could not be started")
        return child

    async def _ring(self, clients: Sequence[asyncio.subprocess.Process]) -> list[dict[str, Any]]:
        """Ring the bell; gives every room's story in the order of lessons."""
        rings_at = time.monotonic() + RINGS_AFTER_S
        outputs = await asyncio.gather(*(child.communicate(f"{rings_at}\n".encode()) for child in clients))
        told = [json.loads(output) for output, _ in outputs]
        self._measured.lags_ms = sorted(lag for one in told for lag in one["lags_ms"])
        stories = [story for one in told for story in one["stories"]]
        return sorted(stories, key=lambda story: story["number"])

    async def _keep_asking(self, client: httpx.AsyncClient, county: County) -> None:
        """People look at timetables and book while the bell rings."""
        course, number = county.courses[-1], 0
        while True:
            number += 1
            starts = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3, hours=number)
            times = {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(minutes=40))}
            url = self._addresses[number % len(self._addresses)]
            try:
                if number % 4 == 0:
                    await book(client, url, county, course, **times)
                else:
                    asked = await client.get(f"{url}/api/lessons?limit=50", headers=signed_in(course.teacher_session))
                    asked.raise_for_status()
            except httpx.HTTPError as error:
                self._measured.errors[f"api: {error!r:.120}"] += 1
            await asyncio.sleep(API_EVERY_S)

    def _figures(self, stories: list[dict[str, Any]], spread: float | None) -> dict[str, Any]:
        errors = self._measured.errors
        errors.update(error for story in stories for error in story["errors"])
        reconnects = sum(max(0, story["connections"] - 1) for story in stories)
        complete = [story for story in stories if story["complete_at"]]
        joins = sorted(ms for story in stories for ms in story["welcomes_ms"])
        lessons = [stories[n : n + 3] for n in range(0, len(stories), 3)]
        media = sorted(
            (max(one["complete_at"][0] for one in lesson) - max(one["opened_at"][0] for one in lesson)) * 1000
            for lesson in lessons
            if all(one["complete_at"] for one in lesson)
        )
        first = min((story["opened_at"][0] for story in stories if story["opened_at"]), default=0.0)
        last = max((story["complete_at"][0] for story in complete), default=0.0)
        api_ms = sorted(self._measured.api_ms)
        return {
            "lessons": self._lessons,
            "rooms": len(stories),
            "rooms_complete": len(complete),
            "joined_in_s": round(last - first, 1),
            "join_p50_ms": percentile(joins, 50),
            "join_p99_ms": percentile(joins, 99),
            "media_p50_ms": percentile(media, 50),
            "media_p99_ms": percentile(media, 99),
            "api_p50_ms": percentile(api_ms, 50),
            "api_p99_ms": percentile(api_ms, 99),
            "rooms_late_p99_ms": percentile(self._measured.lags_ms, 99),
            "errors": errors.total() + reconnects + len(stories) - len(complete),
            "error_kinds": dict(errors.most_common(3)) | ({"reconnects": reconnects} if reconnects else {}),
            "placement_spread_pct": spread,
        }


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Of sorted values; None when there are none."""
    return round(values[min(len(values) - 1, len(values) * percent // 100)], 1) if values else None
