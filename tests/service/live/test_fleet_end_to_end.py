"""Two replicas, two relays, PostgreSQL and Redis as processes: rooms meet across replicas, and outlive a relay."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from aiortc.rtcdtlstransport import RTCCertificate
from fleet.county import book, build_county, iso, signed_in
from fleet.deployment import Deployment, running_deployment
from fleet.light_room import LightRoom
from sqlalchemy import select

from service.live.tables import LessonPlacement


async def lessons_outlive_a_relay(deployment: Deployment) -> None:
    county = await asyncio.to_thread(build_county, deployment.database, 2)
    await asyncio.sleep(3)  # the leader hears of both relays, which tell of themselves twice a second
    now = datetime.now(UTC)
    times = {"starts_at": iso(now + timedelta(seconds=2)), "ends_at": iso(now + timedelta(minutes=40))}
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        lessons = [await book(client, deployment.url(), county, course, **times) for course in county.courses]
        certificate = RTCCertificate.generateCertificate()
        rooms = {
            lesson["id"]: [
                LightRoom(deployment.url, place.token, lesson["id"], certificate=certificate, others=2)
                for place in (course.lead, *course.receivers)
            ]
            for lesson, course in zip(lessons, county.courses, strict=True)
        }
        everyone = [room for together in rooms.values() for room in together]
        tasks = [asyncio.create_task(room.run()) for room in everyone]
        await asyncio.wait_for(asyncio.gather(*(room.complete.wait() for room in everyone)), 90)
        assert all(len({room.address for room in together}) == 2 for together in rooms.values())

        with deployment.database.reading() as session:
            placed = {row.lesson_id: row.relay_id for row in session.scalars(select(LessonPlacement))}
        assert sorted(placed.values()) == ["relay-0", "relay-1"]
        await asyncio.sleep(4)  # who was heard for a while can be missed
        deployment.relays[0].kill()
        struck = next(lesson_id for lesson_id, relay_id in placed.items() if relay_id == "relay-0")
        await asyncio.sleep(1)
        await asyncio.wait_for(asyncio.gather(*(back(room) for room in rooms[struck])), 40)
        spared = [room for lesson_id, together in rooms.items() if lesson_id != struck for room in together]
        assert [room.story.connections for room in spared] == [1, 1, 1]
        assert [room.story.errors for room in everyone] == [[]] * 6
        health = (await client.get(f"{deployment.url()}/api/health")).json()
        assert (health["status"], health["reasons"]) == ("degraded", ["relay relay-0", "no worker"])

        for lesson, course in zip(lessons, county.courses, strict=True):
            end = f"{deployment.url()}/api/lessons/{lesson['id']}/end"
            await client.post(end, headers=signed_in(course.teacher_session))
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
        assert {room.ended for room in everyone} == {"lesson_ended"}


async def back(room: LightRoom) -> None:
    """Until the room is on its second connection and hears everyone again."""
    while not (room.story.connections > 1 and room.complete.is_set()):  # noqa: ASYNC110 - two conditions
        await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_lessons_of_a_killed_relay_go_on_at_another_and_the_others_notice_nothing() -> None:
    with running_deployment(worker=False) as deployment:
        asyncio.run(lessons_outlive_a_relay(deployment))
