"""A request that nobody answers lets go of what it claims; the teacher sees it and the school may still accept."""

from typing import Any

from service.lessons.course import due_for_change, move_on


def tick(parts: Any, clock: Any) -> list[str]:
    """What the conductor does when it looks."""
    with parts.database.reading() as session:
        due = due_for_change(session, clock.now(), frozenset())
    for lesson_id in due:
        with parts.database.unit_of_work() as session:
            move_on(session, lesson_id, clock.now(), frozenset())
    return due


def test_an_unanswered_request_expires_and_frees_the_room(
    signed_in: Any, lesson_request: Any, rooms: Any, parts: Any, clock: Any
) -> None:
    body = lesson_request("south room", "far room", in_minutes=60 * 24 * 5)
    lesson = signed_in("teacher_north").post("/api/lessons", body).json()
    south, far = lesson["receivers"]
    assert south["answer_by"] == "2026-09-10T00:30:00Z"
    accept = f"/api/lessons/{lesson['id']}/receivers/{far['id']}/accept"
    assert signed_in("prefecture").post(accept).status_code == 200
    clock.advance(hours=71)
    assert tick(parts, clock) == []
    rooms.add_user("colleague", rooms.users["teacher_north"].role, "school_north_2")
    colleague = signed_in("colleague")
    other = body | {"lead_room_id": None, "receivers": [{"room_id": rooms.rooms["south room"].id}]}
    assert colleague.post("/api/lessons", other).status_code == 409
    clock.advance(hours=1)
    colleague = signed_in("colleague")  # sessions end by idling, too
    assert tick(parts, clock) == [lesson["id"]]
    assert tick(parts, clock) == []
    seen = signed_in("teacher_north").get(f"/api/lessons/{lesson['id']}").json()
    assert [receiver["state"] for receiver in seen["receivers"]] == ["expired", "accepted"]
    assert seen["version"] > lesson["version"]
    assert colleague.post("/api/lessons", other).status_code == 201
    late = f"/api/lessons/{lesson['id']}/receivers/{south['id']}/accept"
    refused = signed_in("school_south").post(late)
    assert (refused.status_code, refused.json()["code"]) == (409, "booking_conflict")


def test_a_school_may_accept_late_while_all_is_still_free(
    signed_in: Any, lesson_request: Any, parts: Any, clock: Any
) -> None:
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request(in_minutes=60 * 24 * 5)).json()
    clock.advance(hours=72)
    tick(parts, clock)
    accept = f"/api/lessons/{lesson['id']}/receivers/{lesson['receivers'][0]['id']}/accept"
    answer = signed_in("school_south").post(accept)
    assert answer.status_code == 200
    assert answer.json()["receivers"][0]["state"] == "accepted"


def test_a_move_asks_again_and_gives_new_time_to_answer(
    signed_in: Any, lesson_request: Any, parts: Any, clock: Any
) -> None:
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request(in_minutes=60 * 24 * 5)).json()
    clock.advance(hours=48)
    moved = {"version": 1, "starts_at": "2026-09-15T01:00:00Z", "ends_at": "2026-09-15T01:40:00Z"}
    assert signed_in("teacher_north").patch(f"/api/lessons/{lesson['id']}", moved).status_code == 200
    clock.advance(hours=48)
    assert tick(parts, clock) == []
    seen = signed_in("teacher_north").get(f"/api/lessons/{lesson['id']}").json()
    assert seen["receivers"][0]["state"] == "pending"
