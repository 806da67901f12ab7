"""Every test of events runs on both databases; an event for four villages of two counties."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: Any, tmp_path: Any, empty_database_file: Any) -> Iterator[str]:
    if request.param == "sqlite":
        file = tmp_path / "test.sqlite3"
        file.write_bytes(empty_database_file.read_bytes())
        yield f"sqlite:///{file}"
        return
    server = request.getfixturevalue("postgresql")
    with server.copy_of_template(f"t_{uuid4().hex}") as url:
        yield url


@pytest.fixture
def villages(county: Any) -> Any:
    """A lead room, and receiving rooms in both counties."""
    county.add_room("lead room", "school_north_1")
    for side in ("north", "south"):
        for letter in "ab":
            county.add_room(f"{side} {letter}", f"school_{side}_2", can_lead=False)
    county.add_room("own village", "school_south_1", can_lead=False)
    return county


@pytest.fixture
def announce(villages: Any, clock: Any, signed_in: Callable[[str], Any]) -> Callable[..., Any]:
    """Announces a famous-teacher lesson of two dates with one seat, as its teacher."""

    def run(who: str = "teacher_north", **fields: Any) -> Any:
        first = clock.now() + timedelta(days=2)
        meetings = [
            {"starts_at": at.isoformat(), "ends_at": (at + timedelta(minutes=40)).isoformat()}
            for at in (first, first + timedelta(days=7))
        ]
        body = {
            "kind": "famous_teacher",
            "title": "荷塘月色",
            "subject": "chinese",
            "grade": "senior_1",
            "lead_room_id": villages.rooms["lead room"].id,
            "organisation_id": villages.organisations["prefecture"].id,
            "meetings": meetings,
            "quota": 1,
            "waiting_limit": 2,
            "signup_until": (clock.now() + timedelta(days=1)).isoformat(),
        }
        return signed_in(who).post("/api/events", json=body | fields)

    return run


@pytest.fixture
def event(announce: Callable[..., Any]) -> dict[str, Any]:
    answer = announce()
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
def sign_up(villages: Any, event: dict[str, Any], signed_in: Callable[[str], Any]) -> Callable[..., Any]:
    """Signs a room up, as the prefecture unless said."""

    def run(room: str, who: str = "prefecture", of: str | None = None, **more: Any) -> Any:
        body = {"room_id": villages.rooms[room].id} | more
        return signed_in(who).post(f"/api/events/{of or event['id']}/signups", json=body)

    return run
