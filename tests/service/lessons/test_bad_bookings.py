"""Each kind of bad value in a booking gets a sentence that names the field, and books nothing."""

from typing import Any

import pytest

UNKNOWN = "0" * 32


BAD_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": "   "}, "title"),
    ({"title": "x" * 121}, "title"),
    ({"title": "a\u0000b"}, "title"),
    ({"title": 7}, "title"),
    ({"kind": "lecture"}, "kind"),
    ({"subject": "alchemy"}, "subject"),
    ({"subject": "'; DROP TABLE lessons"}, "subject"),
    ({"grade": "grade_99"}, "grade"),
    ({"starts_at": "yesterday"}, "starts_at"),
    ({"starts_at": "2026-09-07T10:00:00"}, "starts_at"),
    ({"starts_at": "9999-12-31T23:59:59-12:00"}, "starts_at"),
    ({"starts_at": "2020-01-01T08:00:00Z", "ends_at": "2020-01-01T08:40:00Z"}, "starts_at"),
    ({"starts_at": "2028-01-01T08:00:00Z", "ends_at": "2028-01-01T08:40:00Z"}, "starts_at"),
    ({"ends_at": "2026-09-07T00:00:00Z"}, "ends_at"),
    ({"ends_at": "2026-09-09T00:00:00Z"}, "ends_at"),
    ({"in_minutes": 60, "minutes": 1}, "ends_at"),
    ({"lead_room_id": UNKNOWN}, "lead_room_id"),
    ({"lead_room_id": "nonsense"}, "lead_room_id"),
    ({"lead_teacher_id": UNKNOWN}, "lead_teacher_id"),
    ({"class_id": UNKNOWN}, "class_id"),
    ({"receivers": []}, "receivers"),
    ({"receivers": [{"room_id": UNKNOWN}]}, "receivers.0.room_id"),
    ({"receivers": [{}]}, "receivers.0.room_id"),
    ({"receivers": "all"}, "receivers"),
    ({"receivers": [{"room_id": UNKNOWN}] * 201}, "receivers"),
    ({"surprise": 1}, "surprise"),
    ({"recorded": "perhaps"}, "recorded"),
]


def test_a_bad_value_is_named(signed_in: Any, lesson_request: Any) -> None:
    teacher = signed_in("teacher_north")
    for fields, field in BAD_VALUES:
        answer = teacher.post("/api/lessons", lesson_request(**fields))
        assert answer.status_code == 422, (fields, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["field"] for error in answer.json()["errors"]] == [field], fields
    assert teacher.get("/api/lessons").json()["total"] == 0


HALF_TIMES: list[dict[str, Any]] = [
    {},
    {"starts_at": "2026-09-07T10:00:00Z"},
    {"date": "2026-09-08"},
    {"period": 3},
    {"date": "2026-09-08", "period": 3, "starts_at": "2026-09-07T10:00:00Z"},
    {"date": "2026-09-08", "period": 0},
    {"date": "2026-02-30", "period": 1},
    {"date": "2026-09-08", "period": 10**30},
]


def test_half_a_time_is_refused(signed_in: Any, lesson_request: Any) -> None:
    body = lesson_request()
    del body["starts_at"], body["ends_at"]
    teacher = signed_in("teacher_north")
    for times in HALF_TIMES:
        assert teacher.post("/api/lessons", body | times).status_code == 422, times


def test_parties_that_do_not_belong_together_are_refused(signed_in: Any, lesson_request: Any, rooms: Any) -> None:
    teacher = signed_in("teacher_north")
    ids = {name: room.id for name, room in rooms.rooms.items()}
    south, north = rooms.users["teacher_south"].id, rooms.users["teacher_north"].id
    cases = [
        ({"lead_room_id": ids["village room"]}, "lead_room_id"),
        ({"receivers": [{"room_id": ids["lead room"]}]}, "receivers"),
        ({"receivers": [{"room_id": ids["far room"]}] * 2}, "receivers"),
        (
            {"receivers": [{"room_id": ids["far room"], "accompanying_teacher_id": south}]},
            "receivers.0.accompanying_teacher_id",
        ),
        ({"receivers": [{"room_id": ids["other lead room"], "accompanying_teacher_id": north}]}, "receivers"),
    ]
    for fields, field in cases:
        answer = teacher.post("/api/lessons", lesson_request(**fields))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


NO_BOOKINGS = [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"title": "\\ud800"}', b"[" * 5000]


@pytest.mark.usefixtures("county")
def test_what_is_no_booking_at_all_is_a_client_error(signed_in: Any) -> None:
    teacher = signed_in("teacher_north")
    for body in NO_BOOKINGS:
        answer = teacher.client.post("/api/lessons", content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, (body, answer.text)


@pytest.mark.usefixtures("county")
def test_an_unknown_lesson_is_not_found(signed_in: Any) -> None:
    teacher = signed_in("teacher_north")
    for lesson_id in ("x", "0" * 32, "%00", "0" * 5000, "é", "' OR 1=1 --"):
        assert teacher.get(f"/api/lessons/{lesson_id}").status_code == 404, lesson_id
        assert teacher.post(f"/api/lessons/{lesson_id}/start").status_code == 404, lesson_id


BAD_FILTERS = (
    "from=yesterday", "to=2026-13-01", "from=2026-09-02&to=2026-09-01T00:00:00Z", "state=odd", "limit=0", "limit=201",
    "offset=-1", "room_id=x", "from=0001-01-01", "to=9999-12-31", "from=2026-09-01T10:00",
)  # fmt: skip


@pytest.mark.usefixtures("county")
def test_a_bad_filter_is_refused(signed_in: Any) -> None:
    teacher = signed_in("teacher_north")
    for query in BAD_FILTERS:
        assert teacher.get(f"/api/lessons?{query}").status_code == 422, query
