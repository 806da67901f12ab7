"""Every address of the API against every kind of caller: who is let in stands in the matrix, and nowhere else.

An address that is not in the matrix fails the test, so that nobody adds one without deciding who may use it.
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from permission_matrix import CALLERS, MATRIX, Address

from media.contract import RecordedStream, RecordingManifest
from service.accounts.roles import Role
from service.planning.plan_tables import Plan

HIDDEN = 404
"""Something that exists, in the eyes of somebody who must not know that it does."""


class BytesMaker:
    """Makes a recording of a few bytes; what is in it does not matter here."""

    def make(self, journal_folder: Path, output_folder: Path, progress: Callable[[float], None]) -> RecordingManifest:
        output_folder.mkdir(parents=True, exist_ok=True)
        content = b"a picture" * 100
        (output_folder / "lead.mp4").write_bytes(content)
        progress(1)
        stream = RecordedStream(
            party_id="room:lead", party_name="lead room", role="lead", source="camera", file_name="lead.mp4",
            content_type="video/mp4", offset_ms=0, duration_ms=60_000, has_picture=True, has_sound=True,
            width=640, height=360, bytes=len(content), gaps=[], sha256=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        return RecordingManifest(
            lesson_id=journal_folder.name, origin_at=1788_800_000.0, duration_ms=60_000, streams=[stream]
        )


@pytest.fixture
def world(signed_in: Any, anonymous: Any, as_device: Any, rooms: Any, lesson_request: Any, clock: Any, parts: Any):
    """All callers, and one real thing of each kind that addresses name.

    They belong to the first school of the county north; a room of the first school of the county south takes part in
    both lessons.
    """
    for side, number in (("north", 2), ("south", 2)):
        school = f"school_{side}_{number}"
        rooms.add_user(f"school_{side}_other", Role.SCHOOL_ADMINISTRATOR, school)
        rooms.add_user(f"teacher_{side}_other", Role.TEACHER, school)
    rooms.add_user("colleague", Role.TEACHER, "school_north_1")
    parts.production._maker = BytesMaker()
    teacher, south = signed_in("teacher_north"), signed_in("school_south")
    things: dict[str, Any] = {name: node.id for name, node in rooms.organisations.items()}
    things |= {
        "organisation_id": rooms.organisations["school_north_1"].id,
        "user_id": rooms.users["colleague"].id,
        "room_id": rooms.rooms["lead room"].id,
        "far_room": rooms.rooms["far room"].id,
    }
    held = teacher.post("/api/lessons", lesson_request("south room")).json()
    south.post(f"/api/lessons/{held['id']}/receivers/{held['receivers'][0]['id']}/accept")
    clock.advance(minutes=60)
    assert teacher.post(f"/api/lessons/{held['id']}/start").status_code == 200
    clock.advance(minutes=40)
    assert teacher.post(f"/api/lessons/{held['id']}/end").status_code == 200
    journals = parts.configuration.journal_folder / held["id"]
    journals.mkdir(parents=True)
    (journals / "track.journal").write_bytes(b"3CJ1")
    parts.production.make(held["id"])
    stream = teacher.get(f"/api/lessons/{held['id']}/recording").json()["streams"][0]
    things |= {"held_lesson": held["id"], "stream_id": stream["id"], "media_url": stream["media_url"]}

    invited = teacher.post(f"/api/lessons/{held['id']}/recording/invitations", {"username": "teacher_north"})
    things["invitation_id"] = invited.json()["items"][0]["id"]

    soon = teacher.post("/api/lessons", lesson_request("south room", in_minutes=10)).json()
    things |= {"lesson_id": soon["id"], "receiver_id": soon["receivers"][0]["id"], "version": soon["version"]}
    things["booking"] = lesson_request("south room", in_minutes=600, lead_teacher_id=rooms.users["teacher_north"].id)

    county = signed_in("county_north")
    term = {
        "organisation_id": things["county_north"],
        "name": "秋季",
        "starts_on": "2026-09-01",
        "ends_on": "2027-01-15",
    }
    things["term_id"] = county.post("/api/terms", term).json()["id"]
    with parts.database.unit_of_work() as session:
        plan = Plan(
            organisation_id=things["county_north"], term_id=things["term_id"], name="plan", budget_seconds=5, seed=1,
            created_by=rooms.users["county_north"].id, created_at=clock.now(),
        )  # fmt: skip
        session.add(plan)
        session.flush()
        things["plan_id"] = plan.id
    feed = teacher.post("/api/calendars", {"kind": "teacher", "target_id": rooms.users["teacher_north"].id})
    assert feed.status_code == 201, feed.text
    things |= {"feed_id": feed.json()["id"], "teacher_id": rooms.users["teacher_north"].id}
    pairing = anonymous.post("/api/device/pairing", {}).json()
    things |= {"pairing_id": pairing["pairing_id"], "pairing_secret": pairing["secret"], "code": pairing["code"]}

    callers = {"anonymous": anonymous, "device_lead": as_device("lead room"), "device_far": as_device("far room")}
    callers |= {name: signed_in(name) for name in CALLERS if name not in callers}
    return callers, things


@pytest.fixture
def restore(parts: Any, tmp_path: Path, world: Any) -> Iterator[Callable[[], None]]:
    """Puts the database back as it was when the world had just been made."""
    live = parts.configuration.effective_database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(tmp_path / "kept.sqlite3")) as kept:
        with closing(sqlite3.connect(live)) as now:
            now.backup(kept)

        def put_back() -> None:
            with closing(sqlite3.connect(live)) as now:
                kept.backup(now)

        yield put_back


def test_every_address_of_the_api_stands_in_the_matrix_and_nothing_else_does(anonymous: Any) -> None:
    document = anonymous.get("/api/openapi.json").json()
    addresses = {f"{method.upper()} {path}" for path, ways in document["paths"].items() for method in ways}
    assert addresses == set(MATRIX), "decide who may use an address, and say so in tests/permission_matrix.py"


@pytest.mark.timeout(120)
def test_every_caller_gets_what_the_matrix_says_and_not_a_thing_more(world: Any, restore: Callable[[], None]) -> None:
    callers, things = world
    wrong = asyncio.run(differences(callers, things, restore))
    assert not wrong, "\n".join(wrong)


async def differences(callers: dict[str, Any], things: dict[str, Any], restore: Callable[[], None]) -> list[str]:
    """Where the service and the matrix do not agree. One event loop for all requests: they are many."""
    wrong = []
    application = callers["anonymous"].client.app
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url="http://testserver") as client:
        for name, address in MATRIX.items():
            for caller in CALLERS:
                status = await ask(client, callers[caller], name, address, things)
                is_in = status not in address.refusals and not (status == HIDDEN and not address.made_up)
                if is_in != (caller in address.open_to) or status >= 500:
                    wrong.append(f"{name}: {caller} got {status}")
                if is_in and not name.startswith("GET"):
                    restore()
    return wrong


async def ask(client: httpx2.AsyncClient, caller: Any, name: str, address: Address, things: dict[str, Any]) -> int:
    """The status of one request."""
    method, _, path = name.partition(" ")
    keywords: dict[str, Any] = {}
    if address.form:
        keywords = {"data": address.form, "files": {"file": ("rooms.csv", b"school,name\n", "text/csv")}}
    elif address.body:
        keywords = {"json": address.body(things)}
    query = "?" + address.query.format(**things) if address.query else ""
    known = things | {"kind": address.kind, "target_id": things["teacher_id"]} | address.things(things)
    cookies = "; ".join(f"{name}={value}" for name, value in caller.client.cookies.items())
    headers = dict(caller.client.headers) | {"Cookie": cookies}
    answer = await client.request(method, path.format(**known) + query, headers=headers, **keywords)
    client.cookies.clear()
    return answer.status_code
