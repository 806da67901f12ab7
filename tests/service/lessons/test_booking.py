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
        "may_see_lines": True,
        "role": "lead",
    }
    assert teacher.get(f"/api/lessons/{lesson['id']}").json() == lesson
    assert teacher.get("/api/lessons").json()["items"] == [lesson]


def test_a_clash_names_the_resource_the_lesson_and_its_times(signed_in: Any, lesson_request: Any, rooms: Any) -> None:
    first = signed_in("teacher_north").post("/api/lessons", lesson_request("south room", "far room")).json()
    rooms.add_user("second_teacher", "teacher", "school_north_1")
    second = signed_in("second_teacher").post(
        "/api/lessons",
        lesson_request("south room", in_minutes=90, lead_room_id=rooms.rooms["other lead room"].id),
    )
    assert second.status_code == 409
    problem = second.json()
    assert problem["code"] == "booking_conflict"
    assert problem["conflicts"] == [
        {
            "resource": "room",
            "id": rooms.rooms["south room"].id,
            "name": "school_south_1 south room",
            "lesson_id": first["id"],
            "lesson_title": "分数的意义",
            "starts_at": first["starts_at"],
            "ends_at": first["ends_at"],
        }
    ]
    assert signed_in("second_teacher").get("/api/lessons?mine=true").json()["total"] == 0


def test_lessons_that_touch_do_not_clash(signed_in: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    assert teacher.post("/api/lessons", lesson_request(in_minutes=60, minutes=40)).status_code == 201
    assert teacher.post("/api/lessons", lesson_request(in_minutes=100, minutes=40)).status_code == 201


def test_teachers_and_classes_are_claimed_too(signed_in: Any, lesson_request: Any, rooms: Any) -> None:
    north, school = signed_in("teacher_north"), rooms.organisations["school_north_1"].id
    made = signed_in("school_north").post(
        "/api/classes", {"organisation_id": school, "name": "五（1）班", "grade": "grade_5"}
    )
    class_id = made.json()["id"]
    first = lesson_request("far room", class_id=class_id)
    assert north.post("/api/lessons", first).status_code == 201
    clash = north.post(
        "/api/lessons",
        lesson_request("village room", class_id=class_id, lead_room_id=rooms.rooms["other lead room"].id),
    )
    assert {conflict["resource"] for conflict in clash.json()["conflicts"]} == {"teacher", "class"}


def test_a_lesson_is_moved_by_whoever_saw_its_last_version(signed_in: Any, lesson_request: Any, clock: Any) -> None:
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", lesson_request()).json()
    later = lesson_request(in_minutes=70)
    move = {"version": lesson["version"], "starts_at": later["starts_at"], "ends_at": later["ends_at"]}
    moved = teacher.patch(f"/api/lessons/{lesson['id']}", move)
    assert moved.status_code == 200, moved.text
    assert moved.json()["starts_at"] == later["starts_at"]
    stale = teacher.patch(f"/api/lessons/{lesson['id']}", move)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")


def test_a_move_asks_the_receiving_schools_again(signed_in: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", lesson_request("south room")).json()
    receiver = lesson["receivers"][0]["id"]
    accepted = signed_in("school_south").post(f"/api/lessons/{lesson['id']}/receivers/{receiver}/accept").json()
    later = lesson_request(in_minutes=200)
    moved = teacher.patch(
        f"/api/lessons/{lesson['id']}",
        {"version": accepted["version"], "starts_at": later["starts_at"], "ends_at": later["ends_at"]},
    ).json()
    assert moved["receivers"][0]["state"] == "pending"


def test_a_move_onto_another_lesson_is_refused_and_changes_nothing(signed_in: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    teacher.post("/api/lessons", lesson_request(in_minutes=60))
    second = teacher.post("/api/lessons", lesson_request(in_minutes=200)).json()
    onto = lesson_request(in_minutes=70)
    answer = teacher.patch(
        f"/api/lessons/{second['id']}", {"version": 1, "starts_at": onto["starts_at"], "ends_at": onto["ends_at"]}
    )
    assert answer.json()["code"] == "booking_conflict"
    assert teacher.get(f"/api/lessons/{second['id']}").json() == second


def test_cancelling_frees_everything(signed_in: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", lesson_request()).json()
    cancelled = teacher.post(f"/api/lessons/{lesson['id']}/cancel", {"reason": "snow"}).json()
    assert (cancelled["state"], cancelled["cancel_reason"]) == ("cancelled", "snow")
    assert teacher.post("/api/lessons", lesson_request()).status_code == 201


def test_the_same_idempotency_key_gives_the_same_lesson(signed_in: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    key = {"Idempotency-Key": "try-1"}
    first = teacher.post("/api/lessons", lesson_request(), headers=key)
    again = teacher.post("/api/lessons", lesson_request(), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = teacher.post("/api/lessons", lesson_request(title="another"), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_a_date_and_period_mean_the_bells_of_the_lead_school(signed_in: Any, lesson_request: Any, rooms: Any) -> None:
    school = rooms.organisations["school_north_1"].id
    bells = {"items": [{"number": 3, "starts": "10:10", "ends": "10:50"}]}
    assert signed_in("school_north").put(f"/api/organisations/{school}/periods", bells).status_code == 200
    teacher = signed_in("teacher_north")
    by_bell = lesson_request() | {"date": "2026-09-08", "period": 3}
    del by_bell["starts_at"], by_bell["ends_at"]
    lesson = teacher.post("/api/lessons", by_bell).json()
    assert (lesson["starts_at"], lesson["ends_at"]) == ("2026-09-08T02:10:00Z", "2026-09-08T02:50:00Z")
    missing = teacher.post("/api/lessons", by_bell | {"period": 4})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "period")


def test_only_those_with_a_right_to_it_book_and_change(signed_in: Any, lesson_request: Any, rooms: Any) -> None:
    assert signed_in("researcher_north").post("/api/lessons", lesson_request()).status_code == 403
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request("south room")).json()
    path = f"/api/lessons/{lesson['id']}"
    assert signed_in("school_south").post(f"{path}/cancel").status_code == 403
    assert signed_in("county_north").get(path).status_code == 200
    outsider = rooms.add_user("outsider", "teacher", "school_south_2").username
    for call in (
        lambda c: c.get(path),
        lambda c: c.post(f"{path}/cancel"),
        lambda c: c.post(f"{path}/start"),
        lambda c: c.get(f"{path}/recording"),
    ):
        assert call(signed_in(outsider)).status_code == 404
    assert signed_in(outsider).get("/api/lessons").json() == {"items": [], "total": 0}


def test_an_administrator_books_for_a_teacher_of_their_subtree_only(
    signed_in: Any, lesson_request: Any, rooms: Any
) -> None:
    teacher = rooms.users["teacher_north"].id
    admin = signed_in("school_north")
    assert admin.post("/api/lessons", lesson_request()).json()["errors"][0]["field"] == "lead_teacher_id"
    assert admin.post("/api/lessons", lesson_request(lead_teacher_id=teacher)).status_code == 201
    far = signed_in("school_south").post("/api/lessons", lesson_request(in_minutes=300, lead_teacher_id=teacher))
    assert far.status_code == 403


def test_without_a_session_or_token_nothing_is_booked(anonymous: Any, signed_in: Any, lesson_request: Any) -> None:
    assert anonymous.post("/api/lessons", lesson_request()).status_code == 401
    teacher = signed_in("teacher_north")
    del teacher.client.headers["X-CSRF-Token"]
    refused = teacher.post("/api/lessons", lesson_request())
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")


def test_lessons_are_listed_by_time_or_backwards_to_look_back(signed_in: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    booked = [
        teacher.post("/api/lessons", lesson_request(in_minutes=minutes, minutes=40)).json()["id"]
        for minutes in (160, 60, 110)
    ]
    in_time = [booked[1], booked[2], booked[0]]
    assert [item["id"] for item in teacher.get("/api/lessons").json()["items"]] == in_time
    assert [item["id"] for item in teacher.get("/api/lessons?latest_first=true").json()["items"]] == in_time[::-1]
