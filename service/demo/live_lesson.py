"""The lesson that is live right now: booked, accepted and started over the product's own HTTP API, then joined by four
headless classrooms; begun anew whenever it ends.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import select

from service.accounts.roles import Role
from service.accounts.sessions import csrf_token_of, open_session
from service.accounts.tables import User
from service.demo.names import LIVE_GRADE, LIVE_RECEIVERS, LIVE_ROOM, LIVE_SCHOOL, LIVE_SUBJECT, LIVE_TITLE
from service.organisation.tables import Organisation
from service.parts import Parts
from service.rooms.tables import Room
from service.security.cookies import SESSION_COOKIE

log = logging.getLogger(__name__)

LENGTH = timedelta(hours=2)
LOOK_EVERY_S = 5.0


@dataclass(frozen=True)
class Cast:
    """Who takes part in the live lesson, by id."""

    teacher_id: str
    lead_room_id: str
    receiving_room_ids: tuple[str, ...]

    @property
    def room_ids(self) -> tuple[str, ...]:
        """All rooms, the lead room first."""
        return (self.lead_room_id, *self.receiving_room_ids)


def find_cast(parts: Parts) -> Cast:
    """The cast as the county was built."""
    with parts.database.reading() as session:

        def room_id(school: str, room: str) -> str:
            statement = select(Room.id).join(Organisation, Room.organisation_id == Organisation.id)
            return session.scalars(statement.where(Organisation.name == school, Room.name == room)).one()

        teacher = session.scalars(select(User).where(User.username_key == "teacher")).one()
        receiving = tuple(room_id(*place) for place in LIVE_RECEIVERS)
        return Cast(teacher.id, room_id(LIVE_SCHOOL, LIVE_ROOM), receiving)


@asynccontextmanager
async def api_client(parts: Parts, url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of our own API that acts for the system administrator, whatever its password is by now."""
    token = await asyncio.to_thread(_open_system_session, parts)
    async with httpx.AsyncClient(
        base_url=url,
        cookies={SESSION_COOKIE: token},
        headers={"X-CSRF-Token": csrf_token_of(token)},
        timeout=30,
        trust_env=False,
    ) as client:
        yield client


async def begin_lesson(parts: Parts, client: httpx.AsyncClient, cast: Cast) -> str:
    """Book, accept and start the lesson; returns its id. Whatever holds its rooms or teacher now makes way."""
    answer = await client.post("/api/lessons", json=_booking(cast, parts.clock.now()))
    if answer.status_code == httpx.codes.CONFLICT:
        await _make_way(client, {clash["lesson_id"] for clash in answer.json()["conflicts"]})
        answer = await client.post("/api/lessons", json=_booking(cast, parts.clock.now()))
    lesson = answer.raise_for_status().json()
    for receiver in lesson["receivers"]:
        (await client.post(f"/api/lessons/{lesson['id']}/receivers/{receiver['id']}/accept")).raise_for_status()
    (await client.post(f"/api/lessons/{lesson['id']}/start")).raise_for_status()
    return str(lesson["id"])


def _booking(cast: Cast, now: datetime) -> dict[str, Any]:
    # The next whole second: what was ended a moment ago holds its rooms up to that moment.
    starts_at = now.replace(microsecond=0) + timedelta(seconds=1)
    return {
        "kind": "synchronous",
        "title": LIVE_TITLE,
        "subject": LIVE_SUBJECT,
        "grade": LIVE_GRADE,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + LENGTH).isoformat(),
        "lead_room_id": cast.lead_room_id,
        "lead_teacher_id": cast.teacher_id,
        "receivers": [{"room_id": room_id} for room_id in cast.receiving_room_ids],
    }


async def is_live(client: httpx.AsyncClient, lesson_id: str) -> bool:
    """Whether the lesson still runs."""
    answer = await client.get(f"/api/lessons/{lesson_id}")
    state: Any = answer.raise_for_status().json()["state"]
    return bool(state == "live")


async def keep_a_lesson_live(parts: Parts, client: httpx.AsyncClient, cast: Cast, lesson_id: str) -> None:
    """Begin another lesson each time the present one has ended; the rooms follow by themselves."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            if not await is_live(client, lesson_id):
                lesson_id = await begin_lesson(parts, client, cast)
                log.info("the demonstration lesson had ended; %s is live now", lesson_id)
        except httpx.HTTPError as error:
            log.warning("the demonstration lesson cannot be renewed: %s", error)


async def _make_way(client: httpx.AsyncClient, lesson_ids: set[str]) -> None:
    for lesson_id in lesson_ids:
        state = (await client.get(f"/api/lessons/{lesson_id}")).raise_for_status().json()["state"]
        verb = "end" if state == "live" else "cancel"
        (
            await client.post(f"/api/lessons/{lesson_id}/{verb}", json={} if verb == "cancel" else None)
        ).raise_for_status()


def _open_system_session(parts: Parts) -> str:
    with parts.database.unit_of_work() as session:
        user = session.scalars(select(User).where(User.role == Role.SYSTEM_ADMINISTRATOR)).first()
        assert user is not None  # noqa: S101 - the county was built just before
        return open_session(session, user.id, parts.clock.now(), timedelta(days=365))
