"""Lessons begin and end: by people, by the clock, and for a room's screen."""

from typing import Any

import pytest

from service.lessons.course import due_for_change, move_on, open_lessons


@pytest.fixture
def booked(signed_in: Any, lesson_request: Any) -> Any:
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request("south room")).json()
    receiver = lesson["receivers"][0]["id"]
    return signed_in("school_south").post(f"/api/lessons/{lesson['id']}/receivers/{receiver}/accept").json()


def run_clock(parts: Any, with_lead: set[str]) -> None:
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        for lesson_id in due_for_change(session, now, with_lead):
            move_on(session, lesson_id, now, with_lead)


def state_of(signed_in: Any, lesson: Any) -> str:
    state: str = signed_in("teacher_north").get(f"/api/lessons/{lesson['id']}").json()["state"]
    return state


def test_the_lead_teacher_starts_from_15_minutes_before_and_ends(signed_in: Any, booked: Any, clock: Any) -> None:
    teacher, path = signed_in("teacher_north"), f"/api/lessons/{booked['id']}"
    assert teacher.post(f"{path}/start").json()["code"] == "too_early"
    assert teacher.post(f"{path}/end").json()["code"] == "not_begun"
    clock.advance(minutes=45)
    live = teacher.post(f"{path}/start").json()
    assert (live["state"], live["my"]["may_end"], live["recording"]) == ("live", True, {"state": "recording"})
    assert teacher.post(f"{path}/start").json() == live
    ended = teacher.post(f"{path}/end").json()
    assert (ended["state"], ended["my"]["may_join"], ended["my"]["may_replay"]) == ("ended", False, True)
    assert teacher.post(f"{path}/start").json()["code"] == "lesson_over"


def test_ending_early_frees_the_rest_of_the_time(signed_in: Any, booked: Any, clock: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    clock.advance(minutes=60)
    teacher.post(f"/api/lessons/{booked['id']}/start")
    clock.advance(minutes=10)
    teacher.post(f"/api/lessons/{booked['id']}/end")
    assert teacher.post("/api/lessons", lesson_request("south room", in_minutes=1)).status_code == 201


def test_others_neither_start_nor_end_it(signed_in: Any, booked: Any, clock: Any) -> None:
    clock.advance(minutes=60)
    for name in ("school_south", "researcher_north", "inspector_north"):
        assert signed_in(name).post(f"/api/lessons/{booked['id']}/start").status_code == 403
    assert signed_in("county_north").post(f"/api/lessons/{booked['id']}/start").status_code == 200


def test_a_due_lesson_begins_by_itself_only_with_a_lead_connected(
    signed_in: Any, booked: Any, clock: Any, parts: Any
) -> None:
    clock.advance(minutes=59)
    run_clock(parts, {booked["id"]})
    assert state_of(signed_in, booked) == "booked"
    clock.advance(minutes=1)
    run_clock(parts, set())
    assert state_of(signed_in, booked) == "booked"
    run_clock(parts, {booked["id"]})
    assert state_of(signed_in, booked) == "live"


def test_a_lesson_ends_by_itself_ten_minutes_late_whether_it_was_held_or_not(
    signed_in: Any, booked: Any, clock: Any, parts: Any
) -> None:
    clock.advance(minutes=60 + 40 + 9)
    run_clock(parts, {booked["id"]})
    assert state_of(signed_in, booked) == "live"
    clock.advance(minutes=1)
    run_clock(parts, set())
    assert state_of(signed_in, booked) == "ended"


def test_lessons_are_open_from_15_minutes_before_until_over(booked: Any, clock: Any, parts: Any) -> None:
    def open_ids() -> list[str]:
        with parts.database.reading() as session:
            return [lesson.id for lesson in open_lessons(session, clock.now())]

    clock.advance(minutes=44)
    assert open_ids() == []
    clock.advance(minutes=1)
    assert open_ids() == [booked["id"]]
    clock.advance(minutes=15 + 40 + 10)
    assert open_ids() == []


def test_a_room_is_told_its_lesson_when_it_is_due(as_device: Any, booked: Any, clock: Any) -> None:
    room, lead, other = as_device("south room"), as_device("lead room"), as_device("far room")
    first = room.get("/api/device/lesson").json()
    assert first["current"] is None
    assert (first["next"]["id"], first["next"]["role"]) == (booked["id"], "room")
    clock.advance(minutes=45)
    assert room.get("/api/device/lesson").json()["current"]["id"] == booked["id"]
    assert lead.get("/api/device/lesson").json()["current"]["role"] == "lead"
    assert other.get("/api/device/lesson").json() == {"current": None, "next": None}
