"""A prefecture with as many schools as lessons need: people who sign in, paired rooms, lessons booked over the API."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy.orm import Session

from service.accounts.roles import Role
from service.accounts.sessions import csrf_token_of, open_session
from service.accounts.tables import User
from service.organisation.tree import add_organisation
from service.rooms.tables import Device, Room
from service.security.cookies import SESSION_COOKIE
from service.security.passwords import hash_password
from service.security.tokens import hash_token, new_token
from service.storage.database import Database


@dataclass(frozen=True)
class Place:
    """A paired room."""

    room_id: str
    token: str


@dataclass(frozen=True)
class Course:
    """Who takes part in one lesson."""

    teacher_session: str
    lead: Place
    receivers: tuple[Place, ...]


@dataclass(frozen=True)
class County:
    """Everybody; `administrator` is the session of one who may do everything."""

    administrator: str
    courses: tuple[Course, ...]


def build_county(database: Database, lessons: int, receivers: int = 2) -> County:
    """One lead school with as many rooms and teachers as lessons, and a receiving school for each receiver's place."""
    now = datetime.now(UTC)
    password = hash_password(secrets.token_hex(16))
    with database.unit_of_work() as session:
        prefecture = add_organisation(session, None, "青禾州", "prefecture", now)
        county = add_organisation(session, prefecture, "青禾县", "county", now)
        lead_school = add_organisation(session, county, "青禾实验小学", "school", now)
        villages = [add_organisation(session, county, f"村小{n}", "school", now) for n in range(receivers)]
        session.flush()

        def user(name: str, role: Role, organisation_id: str) -> str:
            row = User(
                username=name,
                username_key=name,
                display_name=name,
                password_hash=password,
                role=role,
                organisation_id=organisation_id,
                locale="zh-CN",
                created_at=now,
            )
            session.add(row)
            session.flush()
            return open_session(session, row.id, now, timedelta(days=1))

        courses = tuple(
            Course(
                user(f"teacher{n}", Role.TEACHER, lead_school.id),
                _room(session, lead_school.id, f"lead {n}", now, can_lead=True),
                tuple(_room(session, v.id, f"room {n}", now, can_lead=False) for v in villages),
            )
            for n in range(lessons)
        )
        return County(user("administrator", Role.PREFECTURE_ADMINISTRATOR, prefecture.id), courses)


def _room(session: Session, school_id: str, name: str, now: datetime, *, can_lead: bool) -> Place:
    room = Room(organisation_id=school_id, name=name, can_lead=can_lead, recording_consent="granted", created_at=now)
    session.add(room)
    session.flush()
    token = new_token()
    session.add(Device(room_id=room.id, token_hash=hash_token(token), paired_at=now))
    return Place(room.id, token)


def signed_in(session_token: str) -> dict[str, str]:
    """Headers of a browser in which somebody is signed in."""
    return {"Cookie": f"{SESSION_COOKIE}={session_token}", "X-CSRF-Token": csrf_token_of(session_token)}


async def book(client: httpx.AsyncClient, url: str, county: County, course: Course, **fields: Any) -> dict[str, Any]:
    """Book the course's lesson as its teacher and accept it for the receiving rooms. Raises httpx.HTTPStatusError."""
    body = {
        "kind": "synchronous",
        "title": "分数的意义",
        "subject": "mathematics",
        "grade": "grade_5",
        "lead_room_id": course.lead.room_id,
        "receivers": [{"room_id": place.room_id} for place in course.receivers],
        **fields,
    }
    answer = await client.post(f"{url}/api/lessons", json=body, headers=signed_in(course.teacher_session))
    lesson: dict[str, Any] = answer.raise_for_status().json()
    for receiver in lesson["receivers"]:
        path = f"{url}/api/lessons/{lesson['id']}/receivers/{receiver['id']}/accept"
        (await client.post(path, headers=signed_in(county.administrator))).raise_for_status()
    return lesson


def iso(moment: datetime) -> str:
    """As the API writes moments."""
    return moment.isoformat().replace("+00:00", "Z")
