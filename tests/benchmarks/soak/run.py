"""make soak: ten lessons for an hour with joins, leaves and line changes; does the server's memory or delay grow?

One process with SQLite carries them all. Each room has real signalling and DTLS-SRTP at a low media rate; something
happens to one of them every few seconds, and each lesson ends and makes room for the next after a while. Memory,
descriptors, threads, CPU and the delay of forwarded packets are sampled; a line for each minute goes to standard
error, one JSON line to standard output. Ends with 1 when something grows or somebody stays away.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiortc.rtcdtlstransport import RTCCertificate
from benchmarks.soak.growth import Allowance, Growth, judge
from benchmarks.soak.stamped_leg import StampedLeg
from benchmarks.soak.troubles import Pupil, Troubles
from fleet.county import County, Course, book, build_county, iso, signed_in
from fleet.light_room import LightRoom
from fleet.processes import Process

from service.storage.database import Database

SAMPLE_EVERY_S = 10.0
SOUND_EVERY_S = 0.4
COMPLETE_WITHIN_S = 60.0
WARM_UP_SHARE, WARM_UP_MOST_S = 0.3, 900.0
"""Until caches are filled and each lesson was followed by another: only what comes after is judged."""
ASK_AGAIN = 20
T = TypeVar("T")
ALLOWED = {
    "rss_mb": Allowance(absolute=10.0, share=0.05),
    "descriptors": Allowance(absolute=6, share=0.05),
    "threads": Allowance(absolute=2, share=0.0),
    "delay_p50_ms": Allowance(absolute=2.0, share=0.5),
}


@dataclass
class Lesson:
    """A running lesson and its rooms."""

    id: str
    course: Course
    pupils: list[Pupil]
    ends_at: float
    """Monotonic."""


@dataclass
class Samples:
    """Everything seen, each with its monotonic time."""

    by_name: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, at: float, **values: float | None) -> None:
        """Take what is known at this moment."""
        for name, value in values.items():
            if value is not None:
                self.by_name.setdefault(name, []).append((at, value))

    def growth(self, name: str, since: float) -> Growth:
        """Judge one of them, leaving out the warm-up."""
        return judge([(at, value) for at, value in self.by_name[name] if at >= since], ALLOWED[name])


class Soak:
    """A long day over one server."""

    def __init__(self, process: Process, county: County, arguments: argparse.Namespace) -> None:
        self._process, self._county, self._arguments = process, county, arguments
        self._chance = random.Random(arguments.seed)
        self._troubles = Troubles(self._chance)
        self._certificate = RTCCertificate.generateCertificate()
        self._courses = iter(county.courses)
        self._lessons: list[Lesson] = []
        self._delays: list[float] = []
        self._samples = Samples()
        self._taught = 0
        self._asked_again = 0
        self._stories: list[LightRoom] = []

    async def run(self) -> dict[str, Any]:
        """The whole day; gives the figures."""
        minutes, count = self._arguments.minutes, self._arguments.lessons
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            began, cpu = time.monotonic(), self._process.cpu_s()
            lasts_s = self._arguments.lesson_minutes * 60
            for number in range(count):
                # They end one after the other, not all at once.
                await self._begin(client, lasts_s * (number + 1) / count)
            await self._complete()
            deadline = time.monotonic() + minutes * 60
            tasks = [asyncio.create_task(one) for one in (self._trouble(), self._turn_over(client), self._sample())]
            try:
                done, _ = await asyncio.wait(tasks, timeout=deadline - time.monotonic(), return_when="FIRST_EXCEPTION")
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            away = await self._complete()
            cores = (self._process.cpu_s() - cpu) / (time.monotonic() - began)
            for lesson in self._lessons:
                await self._end(client, lesson)
        return self._figures(began, away, cores)

    async def _begin(self, client: httpx.AsyncClient, lasts_s: float) -> None:
        course = next(self._courses)
        starts = datetime.now(UTC) + timedelta(seconds=1)
        times = {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(minutes=40)), "recorded": False}
        lesson = await self._patiently(lambda: book(client, self._url(), self._county, course, **times))
        pupils = [Pupil(self._room_of(place.token, lesson["id"])) for place in (course.lead, *course.receivers)]
        self._lessons.append(Lesson(lesson["id"], course, pupils, time.monotonic() + lasts_s))
        self._taught += 1
        for pupil in pupils:
            pupil.enter()

    def _room_of(self, token: str, lesson_id: str) -> Callable[[], LightRoom]:
        def make() -> LightRoom:
            room = LightRoom(
                self._url,
                token,
                lesson_id,
                certificate=self._certificate,
                others=2,
                sound_every_s=SOUND_EVERY_S,
                make_leg=lambda certificate: StampedLeg(certificate, self._chance, self._delays.append),
            )
            self._stories.append(room)
            return room

        return make

    async def _end(self, client: httpx.AsyncClient, lesson: Lesson) -> None:
        address = f"{self._url()}/api/lessons/{lesson.id}/end"

        async def end() -> None:
            (await client.post(address, headers=signed_in(lesson.course.teacher_session))).raise_for_status()

        await self._patiently(end)
        for pupil in lesson.pupils:
            await pupil.leave()

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Ask again, as people do, where a busy machine's database did not answer in time (503)."""
        for _ in range(ASK_AGAIN):
            try:
                return await work()
            except (httpx.HTTPStatusError, httpx.TimeoutException) as error:
                if (
                    isinstance(error, httpx.HTTPStatusError)
                    and error.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE
                ):
                    raise
                self._asked_again += 1
                await asyncio.sleep(1.0)
        return await work()

    async def _trouble(self) -> None:
        striking: set[asyncio.Task[None]] = set()
        try:
            while True:
                await asyncio.sleep(self._chance.expovariate(1 / self._arguments.trouble_every_s))
                pupils = [pupil for lesson in self._lessons for pupil in lesson.pupils if pupil.is_in]
                task = asyncio.create_task(self._troubles.strike(pupils))
                striking.add(task)
                task.add_done_callback(striking.discard)
        finally:
            await asyncio.gather(*striking)

    async def _turn_over(self, client: httpx.AsyncClient) -> None:
        while True:
            await asyncio.sleep(1.0)
            for lesson in [one for one in self._lessons if time.monotonic() > one.ends_at]:
                self._lessons.remove(lesson)
                await self._end(client, lesson)
                await self._begin(client, self._arguments.lesson_minutes * 60)

    async def _sample(self) -> None:
        cpu, at = self._process.cpu_s(), time.monotonic()
        while True:
            await asyncio.sleep(SAMPLE_EVERY_S)
            now, used = time.monotonic(), self._process.cpu_s()
            delays = sorted(self._delays)
            self._delays.clear()
            assert self._process.child is not None
            self._samples.add(
                now,
                **looked_at(self._process.child.pid),
                delay_p50_ms=1000 * statistics.median(delays) if delays else None,
                delay_p95_ms=1000 * delays[int(0.95 * (len(delays) - 1))] if delays else None,
                cores=(used - cpu) / (now - at),
            )
            cpu, at = used, now
            self._say()

    def _say(self) -> None:
        newest = {name: round(values[-1][1], 2) for name, values in self._samples.by_name.items()}
        if len(self._samples.by_name["rss_mb"]) % round(60 / SAMPLE_EVERY_S) == 0:
            print(json.dumps({"at": datetime.now(UTC).strftime("%H:%M"), **newest}), file=sys.stderr, flush=True)

    async def _complete(self) -> int:
        """Wait until every room has everyone; how many have not."""
        pupils = [pupil for lesson in self._lessons for pupil in lesson.pupils]
        for pupil in pupils:
            if not pupil.is_in:
                pupil.enter()
        deadline = time.monotonic() + COMPLETE_WITHIN_S
        while missing := sum(not pupil.room.complete.is_set() for pupil in pupils):
            if time.monotonic() > deadline:
                return missing
            await asyncio.sleep(0.2)
        return 0

    def _figures(self, began: float, away: int, cores: float) -> dict[str, Any]:
        lasted_s = time.monotonic() - began
        since = began + min(WARM_UP_MOST_S, WARM_UP_SHARE * lasted_s)
        growth = {name: self._samples.growth(name, since) for name in ALLOWED}
        told = (error for room in self._stories for error in room.story.errors)
        # Who comes back to a lesson in the moment it ends is rightly told so.
        errors: Counter[str] = Counter(error for error in told if not error.startswith("lesson_over"))
        return {
            "minutes": round(lasted_s / 60, 1),
            "lessons_at_once": self._arguments.lessons,
            "lessons_taught": self._taught,
            "joins": sum(len(room.story.welcomes_ms) for room in self._stories),
            "troubles": dict(self._troubles.done),
            "rooms_away_at_end": away,
            "errors": dict(errors),
            "asked_again": self._asked_again,
            "server_cores_used": round(cores, 3),
            "delay_p95_ms": round(statistics.median(v for _, v in self._samples.by_name["delay_p95_ms"]), 2),
            **{name: one.figures() for name, one in growth.items()},
            "good": not away and not errors and not any(one.grows for one in growth.values()),
        }

    def _url(self) -> str:
        return str(self._process.ready["url"])


def looked_at(pid: int) -> dict[str, float]:
    """Memory in MB, descriptors and threads of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {
        "rss_mb": int(status["VmRSS"].split()[0]) / 1024,
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": int(status["Threads"]),
    }


def soak(arguments: argparse.Namespace) -> dict[str, Any]:
    """Start a server, soak it, stop it."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        environment = {"THREE_CLASSROOMS_RELAY_ROOMS": "2000", "THREE_CLASSROOMS_DATA_FOLDER": str(folder / "data")}
        serve = ("serve", "--port", "0", "--udp-port", "0")
        process = Process("soaked", serve, environment, folder / "soaked.log").start()
        database = Database(f"sqlite:///{folder / 'data' / 'three-classrooms.sqlite3'}")
        try:
            turns = arguments.minutes / arguments.lesson_minutes
            county = build_county(database, round(arguments.lessons * (turns + 1)) + 2)
            return asyncio.run(Soak(process, county, arguments).run())
        except BaseException:
            with suppress(OSError):
                print(process.log.read_text()[-6000:], file=sys.stderr)
            raise
        finally:
            database.close()
            process.stop()


def main() -> None:
    """Parse the command line, soak, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--lessons", type=int, default=10)
    parser.add_argument("--lesson-minutes", type=float, default=10.0, help="each lesson is followed by another")
    parser.add_argument("--trouble-every-s", type=float, default=3.0, help="mean time between two things that happen")
    parser.add_argument("--seed", type=int, default=1)
    figures = soak(parser.parse_args())
    machine = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps({"benchmark": "soak", **figures, **machine}, ensure_ascii=False), flush=True)
    sys.exit(not figures["good"])


if __name__ == "__main__":
    main()
