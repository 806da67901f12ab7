"""What administrators are told about recordings: in the inbox once, in the list as long as it lasts."""

from typing import Any

import pytest

from media.contract import RecordingState, RelayHeartbeat


def beat(level: str, free_bytes: int = 5) -> RelayHeartbeat:
    return RelayHeartbeat(
        relay_id="relay-1", run_id="r", at=0, udp_port=1, lessons=0, connections=0, tracks=0, packets_received=0,
        packets_forwarded=0, recording_level=level, recording_free_bytes=free_bytes,
    )  # fmt: skip


def standing(caller: Any) -> list[tuple[str, str]]:
    return [(item["kind"], item["detail"]) for item in caller.get("/api/recordings/notices").json()["items"]]


def inbox(caller: Any) -> list[str]:
    return [item["kind"] for item in caller.get("/api/notices").json()["items"]]


@pytest.fixture
def hear(parts: Any) -> Any:
    def hear(level: str) -> None:
        parts.fleet.beats["relay-1"] = beat(level)
        parts.recording_notices.settle()

    return hear


def test_a_disk_that_fills_up_is_told_before_anything_is_lost(signed_in: Any, hear: Any, anonymous: Any) -> None:
    system, county = signed_in("system"), signed_in("county_north")
    hear("well")
    assert (standing(system), anonymous.get("/api/health").json()["recording"]) == ([], "well")
    hear("warned")
    hear("warned")
    assert standing(system) == [("disk_space", "warned")]
    assert standing(county) == []
    assert inbox(system) == ["disk_warned"]
    hear("room_pictures")
    assert sorted(inbox(system)) == ["disk_room_pictures", "disk_warned"]
    health = anonymous.get("/api/health").json()
    assert (health["status"], health["recording"]) == ("ok", "room_pictures")
    hear("well")
    assert standing(system) == []
    hear("warned")
    assert len(inbox(system)) == 3


def test_a_lesson_that_is_not_recorded_well_is_told_to_its_school(held: Any, signed_in: Any, parts: Any) -> None:
    def told(problem: str | None, code: str | None) -> None:
        state = RecordingState(lesson_id=held["id"], active=True, problem=problem, code=code, at=0)
        parts.recording_notices.heard(state)
        parts.recording_notices.settle()

    school = signed_in("school_north")
    told(None, "space_low")
    assert standing(school) == []
    told("the disk cannot be written", "write_failed")
    assert standing(school) == [("recording_trouble", "the disk cannot be written")]
    assert standing(signed_in("county_south")) == []
    assert "recording_trouble" in inbox(school)
    told(None, None)
    assert standing(school) == []


def test_journals_nobody_can_read_are_told_and_kept(held: Any, maker: Any, signed_in: Any, parts: Any) -> None:
    journals = parts.configuration.journal_folder / held["id"]
    (journals / "broken.journal").write_bytes(b"?")
    make = maker.make
    maker.make = lambda *arguments: make(*arguments).model_copy(update={"unreadable": ["broken.journal"]})
    parts.production.make(held["id"])
    school = signed_in("school_north")
    assert standing(school) == [("journals_unreadable", "broken.journal")]
    assert [path.name for path in journals.iterdir()] == ["broken.journal"]


def test_a_recording_that_could_not_be_made_is_told_until_it_was(
    held: Any, maker: Any, signed_in: Any, parts: Any
) -> None:
    maker.failures = [RuntimeError("broken")]
    parts.production.make(held["id"])
    school = signed_in("school_north")
    assert standing(school) == [("making_failed", "broken")]
    parts.production.make(held["id"])
    assert standing(school) == []
    assert signed_in("teacher_north").get("/api/recordings/notices").status_code == 403
