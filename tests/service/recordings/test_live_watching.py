"""Watching while the lesson runs, through the API: on demand, by range, for those of the lesson, and not afterwards."""

from typing import Any

import pytest
from made_journals import Track

from media.recorder.live.recorder import JournalLiveRecorder


@pytest.fixture
def running(signed_in: Any, lesson_request: Any, clock: Any, parts: Any) -> Any:
    """A recorded lesson that runs; ten seconds of its lead's picture are journalled."""
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", lesson_request("south room")).json()
    clock.advance(minutes=60)
    assert teacher.post(f"/api/lessons/{lesson['id']}/start").status_code == 200
    journals = parts.configuration.journal_folder / lesson["id"]
    journals.mkdir(parents=True)
    track = Track(codec="vp8", seconds=10, role="lead", party_id="room:lead")
    (journals / "a.journal").write_bytes(track.encode("a"))
    parts.live_watching._recorder = JournalLiveRecorder()
    return lesson


def test_a_running_lesson_is_watched_and_grows(
    running: Any, new_client: Any, signed_in: Any, parts: Any, wait_until: Any
) -> None:
    path = f"/api/lessons/{running['id']}/recording"
    teacher, stranger = signed_in("teacher_north"), signed_in("teacher_south")
    with new_client():
        assert teacher.get(path).json()["streams"] == []
        wait_until(lambda: teacher.get(f"{path}?live=1").json()["streams"], 30)
        (stream,) = teacher.get(f"{path}?live=1").json()["streams"]
        assert (stream["growing"], stream["role"], stream["content_type"]) == (True, "lead", "video/webm")
        view = teacher.get(f"{path}?live=1").json()
        assert view["duration_ms"] == stream["offset_ms"] + stream["duration_ms"]
        assert [event["type"] for event in view["events"]] == ["lesson_started"]
        whole = teacher.get(stream["media_url"])
        assert (whole.status_code, len(whole.content)) == (200, stream["bytes"])
        rest = teacher.get(stream["media_url"], headers={"Range": "bytes=100-"})
        assert (rest.status_code, rest.content) == (206, whole.content[100:])
        beyond = teacher.get(stream["media_url"], headers={"Range": f"bytes={stream['bytes']}-"})
        assert beyond.status_code == 416
        watched = f"/api/lessons/{running['id']}/watched"
        assert teacher.post(watched, {"parts": [[0, 1_500]]}).json()["counted_ms"] == 1_500
        assert teacher.post(watched, {"parts": [[60_000, 61_000]]}).json()["counted_ms"] == 0
        assert stranger.post(watched, {"parts": [[0, 1_500]]}).status_code == 404
        later = Track(codec="vp8", begin_s=10, seconds=8, ssrc=9, role="lead", party_id="room:lead")
        journals = parts.configuration.journal_folder / running["id"]
        (journals / "b.journal").write_bytes(later.encode("b"))
        wait_until(lambda: teacher.get(f"{path}?live=1").json()["streams"][0]["bytes"] > stream["bytes"], 30)
        grown = teacher.get(stream["media_url"])
        assert grown.content.startswith(whole.content)
        assert stranger.get(stream["media_url"]).status_code == 404
        assert signed_in("teacher_north").get(stream["media_url"]).status_code == 403
        path_, _, signed = stream["media_url"].partition("?")
        for wrong in (path_, f"{path_}x?{signed}", f"{path_}?{signed}0"):
            assert teacher.get(wrong).status_code == 403, wrong
        other = stream["media_url"].replace(stream["id"], "..%2F..%2Fa.journal")
        assert teacher.get(other).status_code in {403, 404}
        teacher.post(f"/api/lessons/{running['id']}/end")
        with parts.database.unit_of_work() as session:
            from service.recordings.tables import Recording

            session.get_one(Recording, running["id"]).state = "processing"
        assert teacher.get(stream["media_url"]).status_code == 404
    assert not (parts.configuration.data_folder / "watching").exists()
