"""Receiving schools accept and decline; receivers are replaced and withdrawn."""

from typing import Any

import pytest


@pytest.fixture
def booked(signed_in: Any, lesson_request: Any) -> Any:
    return signed_in("teacher_north").post("/api/lessons", lesson_request("south room", "far room")).json()


def answer(caller: Any, lesson: Any, index: int, verb: str, body: Any = None) -> Any:
    return caller.post(f"/api/lessons/{lesson['id']}/receivers/{lesson['receivers'][index]['id']}/{verb}", body)


def test_the_receiving_school_accepts_and_the_teacher_sees_it(signed_in: Any, booked: Any) -> None:
    south = signed_in("school_south")
    waiting = south.get("/api/lessons?awaiting=true").json()["items"]
    assert [lesson["my"]["may_answer"] for lesson in waiting] == [[booked["receivers"][0]["id"]]]
    assert answer(south, booked, 0, "accept").json()["receivers"][0]["state"] == "accepted"
    assert south.get("/api/lessons?awaiting=true").json()["total"] == 0
    seen = signed_in("teacher_north").get(f"/api/lessons/{booked['id']}").json()
    assert [r["state"] for r in seen["receivers"]] == ["accepted", "pending"]


def test_a_declined_receiver_is_free_at_once_and_can_be_replaced(
    signed_in: Any, booked: Any, rooms: Any, lesson_request: Any
) -> None:
    declined = answer(signed_in("county_south"), booked, 1, "decline", {"note": "exams"}).json()
    assert (declined["receivers"][1]["state"], declined["receivers"][1]["note"]) == ("declined", "exams")
    rooms.add_user("second_teacher", "teacher", "school_north_1")
    other = lesson_request("far room", lead_room_id=rooms.rooms["other lead room"].id)
    assert signed_in("second_teacher").post("/api/lessons", other).status_code == 201
    replaced = signed_in("teacher_north").post(
        f"/api/lessons/{booked['id']}/receivers",
        {"room_id": rooms.rooms["village room"].id, "replaces": booked["receivers"][1]["id"]},
    )
    assert replaced.status_code == 201, replaced.text
    assert [r["state"] for r in replaced.json()["receivers"]] == ["pending", "declined", "pending"]
    # The school that declined changes its mind, but its room was given away meanwhile.
    assert answer(signed_in("county_south"), booked, 1, "accept").json()["code"] == "booking_conflict"


def test_a_pending_receiver_claims_its_room(signed_in: Any, booked: Any, rooms: Any, lesson_request: Any) -> None:
    rooms.add_user("second_teacher", "teacher", "school_north_1")
    other = lesson_request("far room", lead_room_id=rooms.rooms["other lead room"].id)
    assert signed_in("second_teacher").post("/api/lessons", other).status_code == 409


def test_only_the_receiving_school_answers(signed_in: Any, booked: Any) -> None:
    assert answer(signed_in("teacher_north"), booked, 0, "accept").status_code == 403
    assert answer(signed_in("school_north"), booked, 0, "accept").status_code == 403
    assert answer(signed_in("school_south"), booked, 1, "accept").status_code == 403
    assert answer(signed_in("researcher_south"), booked, 0, "accept").status_code == 403


def test_the_accompanying_teacher_may_answer(signed_in: Any, rooms: Any, lesson_request: Any) -> None:
    receiver = {
        "room_id": rooms.rooms["south room"].id,
        "accompanying_teacher_id": rooms.users["teacher_south"].id,
    }
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request(receivers=[receiver])).json()
    accepted = answer(signed_in("teacher_south"), lesson, 0, "accept").json()
    assert accepted["my"]["role"] == "teacher"


def test_a_withdrawn_receiver_frees_its_room_and_cannot_accept(
    signed_in: Any, booked: Any, rooms: Any, lesson_request: Any
) -> None:
    teacher = signed_in("teacher_north")
    path = f"/api/lessons/{booked['id']}/receivers/{booked['receivers'][0]['id']}"
    assert teacher.delete(path).json()["receivers"][0]["state"] == "withdrawn"
    assert answer(signed_in("school_south"), booked, 0, "accept").json()["code"] == "withdrawn"
    again = teacher.post(f"/api/lessons/{booked['id']}/receivers", {"room_id": rooms.rooms["south room"].id})
    assert again.status_code == 201
    twice = teacher.post(f"/api/lessons/{booked['id']}/receivers", {"room_id": rooms.rooms["south room"].id})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_receiving")


def test_answers_to_what_is_not_there_are_refused(signed_in: Any, booked: Any, rooms: Any) -> None:
    south = signed_in("school_south")
    assert south.post(f"/api/lessons/{booked['id']}/receivers/{'0' * 32}/accept").status_code == 404
    assert answer(south, booked, 0, "decline", {"note": "x" * 501}).status_code == 422
    assert answer(south, booked, 0, "decline", {"note": 5}).status_code == 422
    signed_in("teacher_north").post(f"/api/lessons/{booked['id']}/cancel")
    assert answer(south, booked, 0, "accept").json()["code"] == "lesson_over"
