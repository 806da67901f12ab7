"""Booking, moving and cancelling over HTTP."""

from typing import Any


def test_a_teacher_books_a_lesson_and_sees_it_wait_for_the_receiving_school(
    signed_in: Any, lesson_request: Any, rooms: Any
) -> None:
    teacher = signed_in("teacher_north")
    answer = teacher.post("/api/lessons", lesson_request("south room"))
    assert answer.status_code == 201, answer.text
    lesson = answer.json()
    assert lesson["state"] == "booked"
    assert lesson["lead"]["teacher"]["name"] == "teacher_north"
    assert lesson["lead"]["school"] == {
        "id": rooms.organisations["school_north_1"].id,
        "name": "school_north_1",
        "county": "county_north",
    }
    assert [r["state"] for r in lesson["receivers"]] == ["pending"]
    assert lesson["my"] == {
        "may_edit": True,
        "may_start": False,
        "may_end": False,
        "may_join": False,
        "may_answer": [],
        "may_replay": False,
        "role": "lead",
    }
    assert teacher.get(f"/api/lessons/{lesson['id']}").json() == lesson
    assert teacher.get("/api/lessons").json()["items"] == [lesson]
