"""A lesson taught from the county north to a room of the county south, recorded; and more researchers to look at it."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from media.contract import RecordedStream, RecordingManifest
from service.accounts.roles import Role

CONTENT = bytes(range(256)) * 40
DURATION_MS = 2_400_000


class BytesMaker:
    """Makes one file of the lead room and one of the receiving room out of bytes, forty minutes long."""

    def __init__(self, origin_at: float) -> None:
        self.origin_at = origin_at

    def make(self, journal_folder: Path, output_folder: Path, progress: Callable[[float], None]) -> RecordingManifest:
        output_folder.mkdir(parents=True, exist_ok=True)
        streams = []
        for role, party in (("lead", "lead room"), ("room", "south room")):
            (output_folder / f"{role}.mp4").write_bytes(CONTENT)
            streams.append(
                RecordedStream.model_validate({
                    "party_id": f"room:{role}", "party_name": party, "role": role, "source": "camera",
                    "file_name": f"{role}.mp4", "content_type": "video/mp4", "offset_ms": 0,
                    "duration_ms": DURATION_MS, "has_picture": True, "has_sound": True, "width": 640, "height": 360,
                    "bytes": len(CONTENT), "gaps": [], "sha256": hashlib.sha256(CONTENT).hexdigest(),
                })
            )  # fmt: skip
        return RecordingManifest(
            lesson_id=journal_folder.name, origin_at=self.origin_at, duration_ms=DURATION_MS, streams=streams
        )


@pytest.fixture
def people(county: Any) -> Any:
    """Two more researchers of the county north, a school administrator and a teacher beside the lesson."""
    county.add_user("researcher_two", Role.RESEARCHER, "county_north", "王研")
    county.add_user("researcher_top", Role.RESEARCHER, "prefecture", "李研")
    county.add_user("school_other", Role.SCHOOL_ADMINISTRATOR, "school_north_2")
    county.add_user("teacher_other", Role.TEACHER, "school_north_1")
    return county


@pytest.fixture
def teach(people: Any, signed_in: Any, lesson_request: Any, clock: Any, finish: Any) -> Callable[..., Any]:
    """Book a lesson, accept it, start it, and as a rule finish it."""

    def make(title: str = "分数的意义", room: str = "lead room", over: bool = True) -> Any:
        teacher = signed_in("teacher_north")
        booking = lesson_request("south room", title=title, lead_room_id=people.rooms[room].id, in_minutes=10)
        lesson = teacher.post("/api/lessons", booking).json()
        path = f"/api/lessons/{lesson['id']}"
        signed_in("county_south").post(f"{path}/receivers/{lesson['receivers'][0]['id']}/accept")
        clock.advance(minutes=10)
        assert teacher.post(f"{path}/start").status_code == 200
        lesson["origin_at"] = clock.now().timestamp() + 2
        if over:
            finish(lesson)
        return lesson

    return make


@pytest.fixture
def finish(signed_in: Any, clock: Any, parts: Any) -> Callable[[Any], None]:
    """End the lesson after its forty minutes and make its recording."""

    def act(lesson: Any) -> None:
        clock.advance(minutes=40)
        assert signed_in("teacher_north").post(f"/api/lessons/{lesson['id']}/end").status_code == 200
        journals = parts.configuration.journal_folder / lesson["id"]
        journals.mkdir(parents=True)
        (journals / "track.journal").write_bytes(b"3CJ1")
        parts.production._maker = BytesMaker(lesson["origin_at"])
        parts.production.make(lesson["id"])

    return act


@pytest.fixture
def taught(teach: Any) -> Any:
    return teach()


@pytest.fixture
def new_note_id() -> Callable[[], str]:
    return lambda: uuid4().hex


@pytest.fixture
def open_critique(signed_in: Any, people: Any) -> Callable[..., Any]:
    """Opens a critique as the researcher of the county north and gives it."""

    def make(*lessons: Any, reviewers: tuple[str, ...] = ("researcher_two", "researcher_top"), **fields: Any) -> Any:
        body = {
            "title": "听评课", "lesson_ids": [lesson["id"] for lesson in lessons], "rubric_id": "classroom",
            "reviewer_ids": [people.users[name].id for name in reviewers],
        }  # fmt: skip
        answer = signed_in("researcher_north").post("/api/critiques", body | fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


FULL = {"goals": 18, "content": 17, "process": 16, "learning": 15, "effect": 14}


@pytest.fixture
def hand_in(signed_in: Any) -> Callable[..., Any]:
    """Fills in the rubric `classroom` about every lesson of the critique and hands it in."""

    def act(critique: Any, username: str, **fields: Any) -> Any:
        caller = signed_in(username)
        for lesson in critique["lessons"]:
            body = {"scores": FULL, "remarks": {"goals": "目标清楚"}, "summary": "很好"} | fields
            path = f"/api/critiques/{critique['id']}/lessons/{lesson['id']}/sheet"
            assert caller.put(path, body).status_code == 200
        answer = caller.post(f"/api/critiques/{critique['id']}/hand-in")
        assert answer.status_code == 200, answer.text
        return answer.json()

    return act
