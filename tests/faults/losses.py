"""What a fault cost: rows of the usage log, bookings that were confirmed, seconds of recordings."""

import asyncio
import time
from collections.abc import Collection
from itertools import pairwise
from typing import Any

import httpx
from fleet.county import County, signed_in
from fleet.deployment import Deployment
from fleet.light_room import LightRoom
from sqlalchemy import select

from service.usage.tables import UsageRow

MADE_WITHIN_S = 90.0
LAST_BATCH_S = 2.0


class Losses:
    """Asks the database and the API once the fault is over."""

    def __init__(self, deployment: Deployment, client: httpx.AsyncClient, county: County) -> None:
        self._deployment = deployment
        self._client = client
        self._county = county

    def rows(self, lesson_ids: list[str], rooms: dict[Any, LightRoom]) -> tuple[int, int]:
        """Reports of what was delivered follow each other without holes, but for when a room was away.

        Doubled is counted for each room that would have heard the lead for longer than the lesson lasted.
        """
        time.sleep(LAST_BATCH_S)
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

    async def bookings(self, booked: Collection[str]) -> int:
        """Count the lessons that were confirmed and are not there."""
        lost = 0
        for lesson_id in booked:
            answer = await self._client.get(
                f"{self._deployment.url()}/api/lessons/{lesson_id}", headers=signed_in(self._county.administrator)
            )
            lost += answer.status_code != 200
        return lost

    async def recorded_s(self, lessons: list[dict[str, Any]], rooms: dict[Any, LightRoom]) -> float | None:
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
        deadline = time.monotonic() + MADE_WITHIN_S
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
