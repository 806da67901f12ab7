"""A lesson that was held and recorded, and a hand-written maker whose files are plain bytes."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media.contract import RecordedStream, RecordingManifest

CONTENT = bytes(range(256)) * 40


class BytesMaker:
    """Makes one file out of bytes; breaks as often as it is told to."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.damage = False
        self.calls = 0
        self.parties = [("room:lead", "lead room", "lead")]

    def make(self, journal_folder: Path, output_folder: Path, progress: Callable[[float], None]) -> RecordingManifest:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        output_folder.mkdir(parents=True, exist_ok=True)
        streams = []
        for number, (party_id, name, role) in enumerate(self.parties):
            (output_folder / f"{number}.mp4").write_bytes(CONTENT[:-1] + b"!" if self.damage else CONTENT)
            progress(0.5)
            streams.append(RecordedStream(
                party_id=party_id, party_name=name, role=role, source="camera", file_name=f"{number}.mp4",
                content_type="video/mp4", offset_ms=40, duration_ms=60_000, has_picture=True, has_sound=True,
                width=640, height=360, bytes=len(CONTENT), gaps=[(1000, 2000)],
                sha256=hashlib.sha256(CONTENT).hexdigest(),
            ))  # fmt: skip
        return RecordingManifest(
            lesson_id=journal_folder.name, origin_at=1788_800_000.0, duration_ms=60_040, streams=streams
        )


@pytest.fixture
def maker(parts: Any) -> BytesMaker:
    maker = BytesMaker()
    parts.production._maker = maker
    return maker


@pytest.fixture
def held(signed_in: Any, lesson_request: Any, clock: Any, parts: Any) -> Any:
    """A recorded lesson that has ended; the south room took part, the far room declined."""
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", lesson_request("south room", "far room")).json()
    path = f"/api/lessons/{lesson['id']}"
    admin = signed_in("county_south")
    admin.post(f"{path}/receivers/{lesson['receivers'][0]['id']}/accept")
    admin.post(f"{path}/receivers/{lesson['receivers'][1]['id']}/decline")
    clock.advance(minutes=60)
    assert teacher.post(f"{path}/start").status_code == 200
    clock.advance(minutes=40)
    assert teacher.post(f"{path}/end").status_code == 200
    journals = parts.configuration.journal_folder / lesson["id"]
    journals.mkdir(parents=True)
    (journals / "track.journal").write_bytes(b"3CJ1")
    return lesson


@pytest.fixture
def ready(held: Any, maker: BytesMaker, parts: Any) -> Any:
    parts.production.make(held["id"])
    return held


@pytest.fixture
def full(held: Any, maker: BytesMaker, parts: Any, county: Any) -> Any:
    """A ready recording of lead room, south room and the south school's teacher; `rooms` holds their party ids."""
    south = f"room:{county.rooms['south room'].id}"
    teacher = f"user:{county.users['teacher_south'].id}"
    maker.parties = [
        (f"room:{county.rooms['lead room'].id}", "lead room", "lead"),
        (south, "south room", "room"),
        (teacher, "teacher_south", "teacher"),
    ]
    parts.production.make(held["id"])
    return held | {"south": south, "teacher": teacher}
