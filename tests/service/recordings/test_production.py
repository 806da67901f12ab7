"""Recordings are made after the lesson, again after failures and restarts, and journals outlive them until verified."""

from typing import Any

import pytest
from sqlalchemy import func, select

from media.contract import EVENTS_TOPIC, LessonClosed
from service.recordings.subprocess_maker import MakingFailedError, SubprocessMaker
from service.recordings.tables import Recording
from service.usage.tables import UsageRow


def view(signed_in: Any, lesson: Any) -> Any:
    return signed_in("teacher_north").get(f"/api/lessons/{lesson['id']}/recording").json()


def journals(parts: Any, lesson: Any) -> bool:
    found: bool = (parts.configuration.journal_folder / lesson["id"]).exists()
    return found


def test_a_finished_recording_is_ready_and_its_journals_are_gone(ready: Any, signed_in: Any, parts: Any) -> None:
    recording = view(signed_in, ready)
    assert (recording["state"], recording["progress"], recording["problem"]) == ("ready", 1.0, None)
    stream = recording["streams"][0]
    assert (stream["party_name"], stream["offset_ms"], stream["gaps"]) == ("lead room", 40, [[1000, 2000]])
    assert stream["download_url"] == stream["media_url"] + "&download=1"
    assert [event["type"] for event in recording["events"]] == ["lesson_started", "lesson_ended"]
    assert not journals(parts, ready)
    assert not (parts.configuration.data_folder / "making" / ready["id"]).exists()


def test_a_failure_is_seen_and_can_be_tried_again(held: Any, maker: Any, signed_in: Any, parts: Any) -> None:
    maker.failures.append(RuntimeError("no space left in /var/secret/place"))
    parts.production.make(held["id"])
    recording = view(signed_in, held)
    assert (recording["state"], recording["problem"], recording["may_retry"]) == ("failed", "making_failed", True)
    assert recording["problem_detail"] == "no space left in …"
    assert journals(parts, held)
    path = f"/api/lessons/{held['id']}/recording/retry"
    assert signed_in("county_south").post(path).status_code == 403
    assert signed_in("teacher_north").post(path).status_code == 202
    parts.production.make(held["id"])
    assert view(signed_in, held)["state"] == "ready"
    assert signed_in("teacher_north").post(path).json()["code"] == "not_failed"


def test_asking_how_far_the_making_is_is_no_view(held: Any, signed_in: Any, parts: Any) -> None:
    for _ in range(3):
        assert signed_in("teacher_north").get(f"/api/lessons/{held['id']}/recording").json()["state"] != "ready"
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).where(UsageRow.type == "recording_opened")) == 0


def test_a_file_damaged_on_its_way_fails_and_keeps_the_journals(
    held: Any, maker: Any, signed_in: Any, parts: Any
) -> None:
    maker.damage = True
    parts.production.make(held["id"])
    assert view(signed_in, held)["state"] == "failed"
    assert journals(parts, held)
    assert not list(parts.configuration.recording_folder.rglob("*.mp4"))


def test_a_lesson_in_which_nobody_sent_anything_says_so(held: Any, maker: Any, signed_in: Any, parts: Any) -> None:
    (parts.configuration.journal_folder / held["id"] / "track.journal").unlink()
    parts.production.make(held["id"])
    assert (view(signed_in, held)["problem"], maker.calls) == ("nothing_recorded", 0)


def test_making_it_again_changes_nothing(ready: Any, maker: Any, parts: Any, signed_in: Any) -> None:
    teacher, path = signed_in("teacher_north"), f"/api/lessons/{ready['id']}/recording"
    before = teacher.get(path).json()
    parts.production.make(ready["id"])
    parts.production.make("0" * 32)
    assert maker.calls == 1
    assert teacher.get(path).json() == before


def test_the_relays_word_starts_the_job(held: Any, maker: Any, new_client: Any, parts: Any, wait_until: Any) -> None:
    with new_client() as client:
        closed = LessonClosed(lesson_id=held["id"], at=0.0, journals=["track.journal"])
        client.portal.call(parts.bus.publish, EVENTS_TOPIC, closed.model_dump(mode="json"))
        wait_until(lambda: state(parts, held) == "ready")


@pytest.mark.parametrize("left_in", ["recording", "processing"])
def test_a_restart_picks_up_what_was_left_unfinished(
    held: Any, maker: Any, new_client: Any, parts: Any, wait_until: Any, left_in: str
) -> None:
    with parts.database.unit_of_work() as session:
        session.get_one(Recording, held["id"]).state = left_in
    with new_client():
        wait_until(lambda: state(parts, held) == "ready")


def state(parts: Any, lesson: Any) -> str:
    with parts.database.reading() as session:
        found: str = session.get_one(Recording, lesson["id"]).state
    return found


def test_the_subprocess_gives_the_makers_own_refusal(tmp_path: Any) -> None:
    from media.recorder.recording_maker import JournalRecordingMaker

    (tmp_path / "journals").mkdir()
    maker = SubprocessMaker(JournalRecordingMaker())
    with pytest.raises(MakingFailedError, match="there are no journals"):
        maker.make(tmp_path / "journals", tmp_path / "out", lambda share: None)
    maker.stop()
    with pytest.raises(MakingFailedError, match="the service stops"):
        maker.make(tmp_path / "journals", tmp_path / "out", lambda share: None)
