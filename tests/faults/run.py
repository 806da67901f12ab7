"""make test-faults: parts of a deployment are killed, and frozen for 30 s, under live lessons with real media.

One JSON line for each fault: time to picture again, what was logged, booked or recorded and got lost. Ends with 1 when
something was lost, or a room that had nothing to do with the fault was interrupted.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import httpx
from aiortc.rtcdtlstransport import RTCCertificate
from fleet.county import County, book, build_county, iso, signed_in
from fleet.deployment import Deployment, running_deployment
from fleet.light_room import LightRoom
from sqlalchemy import select

from service.usage.tables import UsageRow

LESSONS = 4
BEFORE_S, AFTER_S = 6.0, 14.0
HEALED_WITHIN_S = 40.0
READY_WITHIN_S = 90.0
INTERRUPTION_S = 2.0
"""A stretch without media that somebody in the room notices."""
RECOVERED_P95_S = 3.0


@dataclass(frozen=True)
class Fault:
    """What is done away with, how, and how it comes back."""

    name: str
    begin: Callable[[Deployment], None]
    end: Callable[[Deployment], None]
    lasts_s: float
    strikes: Callable[[Deployment, LightRoom, str], bool] = lambda *_: False
    """Whether the room may be interrupted, being on the relay of this id."""


def all_faults(freeze_s: float) -> list[Fault]:
    """Kill and freeze each part."""
    faults = []
    for name, part in {
        "relay": lambda d: d.relays[0],
        "replica": lambda d: d.replicas[0],
        "redis": lambda d: d.redis,
        "postgresql": lambda d: d.postgresql,
        "worker": lambda d: d.workers[0],
    }.items():
        on_it = _on_first_relay if name == "relay" else _on_first_replica if name == "replica" else _nobody
        away_s = 5.0 if name in {"relay", "replica", "worker"} else freeze_s
        faults.append(
            Fault(f"kill {name}", lambda d, p=part: p(d).kill(), lambda d, p=part: p(d).start(), away_s, on_it)
        )
        faults.append(
            Fault(f"freeze {name}", lambda d, p=part: p(d).freeze(), lambda d, p=part: p(d).thaw(), freeze_s, on_it)
        )
    return faults


def _on_first_relay(_deployment: Deployment, _room: LightRoom, relay_id: str) -> bool:
    return relay_id == "relay-0"


def _on_first_replica(deployment: Deployment, room: LightRoom, _relay_id: str) -> bool:
    return room.address == deployment.replicas[0].ready["url"]


def _nobody(*_: Any) -> bool:
    return False


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
            await self._strike(fault, rooms)
        finally:
            await self._end(lessons)
            await asyncio.wait(tasks, timeout=10)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await self._judge(fault, lessons, rooms, struck)

    async def _strike(self, fault: Fault, rooms: dict[Any, LightRoom]) -> None:
        booking = asyncio.create_task(self._keep_booking())
        try:
            await asyncio.to_thread(fault.begin, self._deployment)
            await asyncio.sleep(fault.lasts_s)
            await asyncio.to_thread(fault.end, self._deployment)
            deadline = time.monotonic() + HEALED_WITHIN_S
            await asyncio.sleep(AFTER_S)
            while not all(room.hears for room in rooms.values()) and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        finally:
            booking.cancel()
            await asyncio.gather(booking, return_exceptions=True)

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
        lost, doubled = await asyncio.to_thread(self._holes, [lesson["id"] for lesson in lessons], rooms)
        return {
            "fault": fault.name,
            "recover_p50_s": round(statistics.median(recovered), 2) if recovered else None,
            "recover_p95_s": round(recovered[int(0.95 * (len(recovered) - 1))], 2) if recovered else None,
            "rooms_struck": len(struck),
            "others_interrupted": interrupted,
            "lost_rows": lost,
            "doubled_rows": doubled,
            "lost_bookings": await self._lost_bookings(),
            "lost_recorded_s": await self._lost_recorded_s(lessons, rooms),
            "errors": sum(len(room.story.errors) for room in rooms.values()),
        }

    def _placements(self) -> dict[str, str]:
        from service.live.tables import LessonPlacement

        with self._deployment.database.reading() as session:
            return {row.lesson_id: row.relay_id for row in session.scalars(select(LessonPlacement))}

    def _holes(self, lesson_ids: list[str], rooms: dict[Any, LightRoom]) -> tuple[int, int]:
        """Reports of what was delivered follow each other without holes, but for when a room was away.

        Doubled is counted for each room that would have heard the lead for longer than the lesson lasted.
        """
        time.sleep(2.0)  # the last batch of the log
        with self._deployment.database.reading() as session:
            rows = session.scalars(
                select(UsageRow)
                .where(UsageRow.lesson_id.in_(lesson_ids), UsageRow.type == "delivered")
                .order_by(UsageRow.id)
            ).all()
        lost = doubled = 0
        for (lesson_id, room_id), room in rooms.items():
            mine = sorted((row.data["from_at"], row.data["to_at"]) for row in rows if _is_of(row, lesson_id, room_id))
            away = len(room.story.welcomes_ms) - 1
            holes = sum(later[0] - earlier[1] > 0.1 for earlier, later in pairwise(mine))
            lost += max(0, holes - away) + (not mine)
            sound_s = sum(row.data["lead_sound_ms"] for row in rows if _is_of(row, lesson_id, room_id)) / 1000
            doubled += bool(mine) and sound_s > max(at for _, at in mine) - mine[0][0] + 1.0
        return lost, doubled

    async def _lost_bookings(self) -> int:
        lost = 0
        for lesson_id in self._booked:
            answer = await self._client.get(
                f"{self._deployment.url()}/api/lessons/{lesson_id}", headers=signed_in(self._county.administrator)
            )
            lost += answer.status_code != 200
        return lost

    async def _lost_recorded_s(self, lessons: list[dict[str, Any]], rooms: dict[Any, LightRoom]) -> float | None:
        """What is missing in the lead's file beyond the time its room was away; None when there is no recording."""
        worst = 0.0
        for lesson, course in zip(lessons, self._county.courses, strict=False):
            recording = await self._recording(lesson["id"])
            streams = [one for one in recording.get("streams", []) if one["role"] == "lead"]
            if recording["state"] != "ready" or len(streams) != 1:
                return None
            missing = sum(b - a for a, b in streams[0]["gaps"]) / 1000
            away = sum(b - a for a, b in rooms[lesson["id"], course.lead.room_id].story.gaps)
            worst = max(worst, missing - away)
        return round(worst, 2)

    async def _recording(self, lesson_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            url = f"{self._deployment.url()}/api/lessons/{lesson_id}/recording"
            try:
                answer = await self._client.get(url, headers=signed_in(self._county.administrator))
                recording: dict[str, Any] = answer.raise_for_status().json()
            except httpx.HTTPError:
                recording = {"state": "unknown"}
            if recording["state"] in {"ready", "failed"} or time.monotonic() > deadline:
                return recording
            await asyncio.sleep(0.5)


def _is_of(row: UsageRow, lesson_id: str, room_id: str) -> bool:
    return row.lesson_id == lesson_id and row.party_id == f"room:{room_id}"


def is_good(found: dict[str, Any]) -> bool:
    """Whether a fault did no more harm than promised."""
    quick = found["recover_p95_s"] is None or "kill relay" not in found["fault"]
    return (
        (quick or found["recover_p95_s"] < RECOVERED_P95_S)
        and not found["others_interrupted"]
        and found["lost_rows"] == found["doubled_rows"] == found["lost_bookings"] == 0
        and found["lost_recorded_s"] is not None
        and found["lost_recorded_s"] < INTERRUPTION_S
    )


async def drill(deployment: Deployment, faults: list[Fault]) -> bool:
    """All faults; whether all went well."""
    county = build_county(deployment.database, LESSONS + 1)
    good = True
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        one = Drill(deployment, client, county)
        for fault in faults:
            print(f"{fault.name} ...", file=sys.stderr, flush=True)
            found = await one.run(fault)
            good &= is_good(found)
            print(json.dumps({"benchmark": "faults", **found}), flush=True)
    return good


def main() -> None:
    """Parse the command line and drill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="faults whose name contains this")
    parser.add_argument("--freeze-seconds", type=float, default=30.0)
    parser.add_argument("--logs", action="store_true", help="print what the processes said, at the end")
    arguments = parser.parse_args()
    faults = [one for one in all_faults(arguments.freeze_seconds) if (arguments.only or "") in one.name]
    with running_deployment() as deployment:
        try:
            good = asyncio.run(drill(deployment, faults))
        finally:
            if arguments.logs:
                for process in deployment.processes:
                    print(f"== {process.name}\n{process.log.read_text()[-6000:]}", file=sys.stderr)
    sys.exit(not good)


if __name__ == "__main__":
    main()
