"""One fault after the other over one deployment, each under lessons of its own, and what each of them cost."""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
from aiortc.rtcdtlstransport import RTCCertificate
from faults.losses import Losses
from faults.plan import Fault
from faults.watching import Watch
from fleet.county import County, book, iso, signed_in
from fleet.deployment import Deployment
from fleet.light_room import LightRoom
from sqlalchemy import select

from service.live.tables import LessonPlacement

LESSONS = 4
BEFORE_S, AFTER_S = 6.0, 14.0
HEALED_WITHIN_S = 40.0
STAYS_WELL_S = 2.0
"""For so long nothing may be amiss before the fault counts as over."""
READY_WITHIN_S = 90.0
TOLD_WITHIN_S = 10.0
INTERRUPTION_S = 2.0
"""A stretch without media that somebody in the room notices."""


class Drill:
    """Faults one after the other over one deployment; each with lessons of its own."""

    def __init__(self, deployment: Deployment, client: httpx.AsyncClient, county: County) -> None:
        self._deployment = deployment
        self._client = client
        self._county = county
        self._certificate = RTCCertificate.generateCertificate()
        self._later = count(1)
        self._booked: set[str] = set()

    async def run(self, fault: Fault) -> dict[str, Any]:
        """One fault under live lessons."""
        now = datetime.now(UTC)
        times = {"starts_at": iso(now + timedelta(seconds=1)), "ends_at": iso(now + timedelta(minutes=40))}
        lessons = [
            await book(self._client, self._deployment.url(), self._county, course, **times)
            for course in self._county.courses[:LESSONS]
        ]
        rooms = {
            (lesson["id"], place.room_id): LightRoom(
                self._deployment.url, place.token, lesson["id"], certificate=self._certificate, others=2
            )
            for lesson, course in zip(lessons, self._county.courses, strict=False)
            for place in (course.lead, *course.receivers)
        }
        tasks = [asyncio.create_task(room.run()) for room in rooms.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*(room.complete.wait() for room in rooms.values())), READY_WITHIN_S)
            await asyncio.sleep(BEFORE_S)
            placed = await asyncio.to_thread(self._placements)
            struck = {key for key, room in rooms.items() if fault.strikes(self._deployment, room, placed[key[0]])}
            if fault.strikes_with_lead:
                leads = {course.lead.room_id for course in self._county.courses}
                without = {lesson_id for lesson_id, room_id in struck if room_id in leads}
                struck |= {key for key in rooms if key[0] in without}
            watch = Watch(self._deployment, self._client)
            begun, ended, booked = await self._strike(fault, rooms, watch)
            carried_twice = await self._carried_twice(watch)
        finally:
            await self._end(lessons)
            await asyncio.wait(tasks, timeout=10)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await self._judge(fault, lessons, rooms, struck) | {
            "booked_meanwhile": booked,
            "carried_twice": carried_twice,
            "shown_after_s": watch.shown_after_s(fault.reason, begun) if fault.reason else None,
            "well_after_s": watch.well_after_s(ended),
            "still_ill": watch.still_ill(),
            "health_unanswered": watch.unanswered(),
            "loud_lines": max(watch.loud_lines().values(), default=0),
            "ended": watch.ended(),
            "told": [*watch.told(), *watch.last_words()],
        }

    async def _strike(self, fault: Fault, rooms: dict[Any, LightRoom], watch: Watch) -> tuple[float, float, int]:
        """Do it and undo it; gives when that was, in monotonic time, and how much was booked meanwhile."""
        booking = asyncio.create_task(self._keep_booking())
        before = len(self._booked)
        try:
            async with watch.running():
                begun = time.monotonic()
                await asyncio.to_thread(fault.begin, self._deployment)
                await asyncio.sleep(fault.lasts_s)
                await asyncio.to_thread(fault.end, self._deployment)
                ended, booked = time.monotonic(), len(self._booked) - before
                await asyncio.sleep(AFTER_S)
                while not (all(room.hears for room in rooms.values()) and watch.is_well_for(STAYS_WELL_S)):
                    if time.monotonic() > ended + HEALED_WITHIN_S:
                        break
                    await asyncio.sleep(0.2)
                return begun, ended, booked
        finally:
            booking.cancel()
            await asyncio.gather(booking, return_exceptions=True)

    async def _carried_twice(self, watch: Watch) -> int:
        """Lessons that more than one relay still has open, once each had the time to say what it carries."""
        deadline = time.monotonic() + TOLD_WITHIN_S
        while True:
            try:
                more = sum((await watch.carried()).values()) - LESSONS
            except httpx.HTTPError:
                more = LESSONS
            if more <= 0 or time.monotonic() > deadline:
                return more
            await asyncio.sleep(0.5)

    async def _keep_booking(self) -> None:
        """Somebody books all the time; what was confirmed must be there afterwards."""
        course = self._county.courses[-1]
        while True:
            starts = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2, hours=next(self._later))
            times = {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(minutes=40))}
            try:
                url = self._deployment.url()
                lesson = await asyncio.wait_for(book(self._client, url, self._county, course, **times), 2)
                self._booked.add(lesson["id"])
            except (httpx.HTTPError, TimeoutError):
                continue
            finally:
                await asyncio.sleep(0.5)

    async def _end(self, lessons: list[dict[str, Any]]) -> None:
        for lesson, course in zip(lessons, self._county.courses, strict=False):
            for _ in range(40):
                try:
                    url = f"{self._deployment.url()}/api/lessons/{lesson['id']}/end"
                    (await self._client.post(url, headers=signed_in(course.teacher_session))).raise_for_status()
                    break
                except httpx.HTTPError:
                    await asyncio.sleep(0.5)

    async def _judge(
        self, fault: Fault, lessons: list[dict[str, Any]], rooms: dict[Any, LightRoom], struck: set[Any]
    ) -> dict[str, Any]:
        recovered = sorted(max((b - a for a, b in rooms[key].story.gaps), default=0.0) for key in struck)
        interrupted = sum(
            any(b - a > INTERRUPTION_S for a, b in room.story.gaps) for key, room in rooms.items() if key not in struck
        )
        losses = Losses(self._deployment, self._client, self._county)
        lost, doubled = await asyncio.to_thread(losses.rows, [lesson["id"] for lesson in lessons], rooms)
        return {
            "fault": fault.name,
            "recover_p50_s": round(statistics.median(recovered), 2) if recovered else None,
            "recover_p95_s": round(recovered[int(0.95 * (len(recovered) - 1))], 2) if recovered else None,
            "rooms_struck": len(struck),
            "others_interrupted": interrupted,
            "lost_rows": lost,
            "doubled_rows": doubled,
            "lost_bookings": await losses.bookings(self._booked),
            "lost_recorded_s": await losses.recorded_s(lessons, rooms),
            "thrown_out_again": sum(len(room.story.welcomes_ms) > 2 for room in rooms.values()),
            "errors": sum(len(room.story.errors) for room in rooms.values()),
        }

    def _placements(self) -> dict[str, str]:
        with self._deployment.database.reading() as session:
            return {row.lesson_id: row.relay_id for row in session.scalars(select(LessonPlacement))}
