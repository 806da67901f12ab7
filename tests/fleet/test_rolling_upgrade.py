"""Replicas are upgraded one after the other, with a change of the schema, under a live lesson and steady bookings."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc.rtcdtlstransport import RTCCertificate
from fleet.county import County, book, build_county, iso, signed_in
from fleet.deployment import Deployment, running_deployment
from fleet.light_room import LightRoom
from fleet.next_version import COLUMN, REVISION, make_next_version
from fleet.processes import Process
from sqlalchemy import text

NOTICED_S = 6.0
"""Longer without media than this and a class would call the office; a room that changes its replica is back before."""


class SteadyBooking:
    """Books all the time, at each replica in turn; like the edge, goes on to the next where nobody listens."""

    def __init__(self, deployment: Deployment, client: httpx.AsyncClient, county: County) -> None:
        self._deployment, self._client, self._county = deployment, client, county
        self._later = count(1)
        self.booked: list[str] = []
        self.failures: list[str] = []
        self.places: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            url = self._deployment.url()
            starts = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2, hours=next(self._later))
            times = {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(minutes=40))}
            try:
                lesson = await book(self._client, url, self._county, self._county.courses[-1], **times)
            except httpx.ConnectError:
                continue
            except httpx.HTTPError as error:
                self.failures.append(f"{type(error).__name__} {error}")
            else:
                self.booked.append(lesson["id"])
                self.places[url] += 1
            await asyncio.sleep(0.2)


async def upgrade(deployment: Deployment, replica: Process, environment: dict[str, str]) -> None:
    """Stop it as an operator does, and start the next version of it in its place."""
    replica.ask_to_stop()
    await asyncio.to_thread(replica.stop, 0)
    replica.environment = deployment.environment | environment
    await asyncio.to_thread(replica.start)


def column_is_there(deployment: Deployment) -> bool:
    asked = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'lessons' AND column_name = :name"
    with deployment.database.reading() as session:
        return bool(session.execute(text(asked), {"name": COLUMN}).scalar_one())


def remarks(deployment: Deployment) -> Counter[str | None]:
    with deployment.database.reading() as session:
        return Counter(session.execute(text(f"SELECT {COLUMN} FROM lessons")).scalars())


async def until(condition: Any, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)


async def upgraded_under_a_lesson(deployment: Deployment, environment: dict[str, str]) -> None:
    county = await asyncio.to_thread(build_county, deployment.database, 2)
    course, now = county.courses[0], datetime.now(UTC)
    times = {"starts_at": iso(now + timedelta(seconds=1)), "ends_at": iso(now + timedelta(minutes=40))}
    unkept = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=20, trust_env=False, limits=unkept) as client:
        lesson = await book(client, deployment.url(), county, course, **times)
        certificate = RTCCertificate.generateCertificate()
        rooms = [
            LightRoom(deployment.url, place.token, lesson["id"], certificate=certificate, others=2)
            for place in (course.lead, *course.receivers)
        ]
        tasks = [asyncio.create_task(room.run()) for room in rooms]
        await asyncio.wait_for(asyncio.gather(*(room.complete.wait() for room in rooms)), 60)
        booking = SteadyBooking(deployment, client, county)
        steadily = asyncio.create_task(booking.run())

        first, second = deployment.replicas
        assert not column_is_there(deployment)
        await upgrade(deployment, second, environment)
        assert column_is_there(deployment)
        booking.places.clear()
        urls = {str(replica.ready["url"]) for replica in (first, second)}
        await until(lambda: set(booking.places) >= urls)  # the former program on the new schema, beside the new one
        assert {None, "next"} <= set(remarks(deployment))
        await upgrade(deployment, first, {})  # only started anew: it is served, though the schema is newer than it
        await upgrade(deployment, first, environment)
        await until(lambda: all(room.complete.is_set() and room.hears for room in rooms))
        await asyncio.sleep(1)

        steadily.cancel()
        await asyncio.gather(steadily, return_exceptions=True)
        end = f"{deployment.url()}/api/lessons/{lesson['id']}/end"
        (await client.post(end, headers=signed_in(course.teacher_session))).raise_for_status()
        await asyncio.wait_for(asyncio.gather(*tasks), 30)
        for lesson_id in booking.booked:
            address = f"{deployment.url()}/api/lessons/{lesson_id}"
            (await client.get(address, headers=signed_in(county.administrator))).raise_for_status()

    assert len(booking.booked) > 10
    assert booking.failures == []
    assert [room.story.errors for room in rooms] == [[]] * 3
    assert max((b - a for room in rooms for a, b in room.story.gaps), default=0.0) < NOTICED_S
    with deployment.database.reading() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == REVISION


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_replicas_are_upgraded_with_a_change_of_the_schema_and_nothing_fails(tmp_path: Path) -> None:
    environment = make_next_version(tmp_path)
    with running_deployment(relays=1, worker=False) as deployment:
        asyncio.run(upgraded_under_a_lesson(deployment, environment))
