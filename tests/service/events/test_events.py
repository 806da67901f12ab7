"""Announcing and signing up: seats claim like accepted invitations, who waits moves up, nobody is above a quota."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.accounts.roles import Role
from service.lessons.tables import LessonClaim


def states(signed_in: Callable[[str], Any], event: dict[str, Any]) -> dict[str, str]:
    answer = signed_in("teacher_north").get(f"/api/events/{event['id']}/signups")
    assert answer.status_code == 200, answer.text
    return {one["room"]["name"]: one["state"] for one in answer.json()["items"]}


def claims_of(parts: Any, room: Any) -> int:
    with parts.database.reading() as session:
        held = session.scalars(select(LessonClaim).where(LessonClaim.resource_id == room.id)).all()
        return len(held)


def signup_id(signed_in: Callable[[str], Any], event: dict[str, Any], room: str) -> str:
    items = signed_in("teacher_north").get(f"/api/events/{event['id']}/signups").json()["items"]
    return next(str(one["id"]) for one in items if one["room"]["name"] == room)


def test_an_announced_event_books_all_its_lessons_and_is_listed_for_the_invited(
    event: dict[str, Any], signed_in: Callable[[str], Any], parts: Any, villages: Any
) -> None:
    assert [one["state"] for one in event["meetings"]] == ["booked", "booked"]
    assert claims_of(parts, villages.rooms["lead room"]) == 2
    for who in ("school_south", "teacher_south", "county_south"):
        listed = signed_in(who).get("/api/events").json()
        assert [one["id"] for one in listed["items"]] == [event["id"]]
        assert listed["items"][0]["my"]["may_sign_up"]
    assert not signed_in("inspector_south").get("/api/events").json()["items"][0]["my"]["may_sign_up"]


def test_an_event_for_one_county_does_not_exist_for_another(
    announce: Callable[..., Any], villages: Any, signed_in: Callable[[str], Any]
) -> None:
    event = announce(organisation_id=None).json()
    assert event["invited"]["name"] == "county_north"
    assert signed_in("school_south").get("/api/events").json()["total"] == 0
    assert signed_in("school_south").get(f"/api/events/{event['id']}").status_code == 404
    asked = signed_in("prefecture").post(
        f"/api/events/{event['id']}/signups", json={"room_id": villages.rooms["south a"].id}
    )
    assert (asked.status_code, asked.json()["code"]) == (422, "not_invited")


def test_the_first_has_a_seat_in_every_lesson_and_the_next_waits_without_claiming(
    event: dict[str, Any], sign_up: Callable[..., Any], signed_in: Callable[[str], Any], parts: Any, villages: Any
) -> None:
    assert sign_up("south a").json()["seats_taken"] == 1
    second = sign_up("south b")
    assert second.status_code == 201
    assert second.json()["waiting"] == 1
    assert states(signed_in, event) == {"south a": "seat", "south b": "waiting"}
    assert claims_of(parts, villages.rooms["south a"]) == 2
    assert claims_of(parts, villages.rooms["south b"]) == 0
    lesson = signed_in("county_south").get(f"/api/lessons/{event['meetings'][0]['lesson_id']}").json()
    assert [(one["room"]["name"], one["state"]) for one in lesson["receivers"]] == [("south a", "accepted")]


def test_who_waits_moves_up_when_somebody_withdraws_and_the_school_is_told(
    event: dict[str, Any], sign_up: Callable[..., Any], signed_in: Callable[[str], Any], parts: Any, villages: Any
) -> None:
    sign_up("own village", who="teacher_south")
    sign_up("north a")
    mine = signed_in("school_south").get(f"/api/events/{event['id']}").json()["my"]["signups"]
    assert [one["room"]["name"] for one in mine] == ["own village"]
    assert signed_in("school_south").get(f"/api/events/{event['id']}/signups").json()["total"] == 1
    gone = signed_in("school_south").delete(f"/api/events/{event['id']}/signups/{mine[0]['id']}")
    assert gone.status_code == 200, gone.text
    assert states(signed_in, event) == {"north a": "seat"}
    assert claims_of(parts, villages.rooms["own village"]) == 0
    assert claims_of(parts, villages.rooms["north a"]) == 2
    told = signed_in("prefecture").get("/api/notices").json()
    assert [(one["kind"], one["data"]["room"]) for one in told["items"]] == [("signup_seated", "north a")]
    assert told["unread"] == 1
    assert signed_in("prefecture").post("/api/notices/read").json() == {"marked": 1}


def test_who_cannot_be_booked_when_their_turn_comes_is_passed_over_and_keeps_their_place(
    event: dict[str, Any],
    sign_up: Callable[..., Any],
    signed_in: Callable[[str], Any],
    villages: Any,
    clock: Any,
    lesson_at: Callable[..., Any],
) -> None:
    for room in ("south a", "south b", "north a"):
        assert sign_up(room).status_code == 201
    lesson_at(event["meetings"][1]["starts_at"], "south b")
    signed_in("prefecture").delete(f"/api/events/{event['id']}/signups/{signup_id(signed_in, event, 'south a')}")
    assert states(signed_in, event) == {"south b": "waiting", "north a": "seat"}
    rows = signed_in("teacher_north").get(f"/api/events/{event['id']}/signups").json()["items"]
    assert [one["passed_over_at"] is not None for one in rows] == [True, False]
    assert rows[0]["place"] == 1


@pytest.fixture
def lesson_at(villages: Any, signed_in: Callable[[str], Any]) -> Callable[..., Any]:
    """Another teacher's lesson in a room, at the same time."""
    villages.add_room("other lead room", "school_south_1")

    def book(starts_at: str, room: str) -> Any:
        body = {
            "kind": "synchronous",
            "title": "别的课",
            "subject": "music",
            "grade": "grade_3",
            "starts_at": starts_at,
            "ends_at": starts_at.replace(":30:00", ":50:00"),
            "lead_room_id": villages.rooms["other lead room"].id,
            "receivers": [{"room_id": villages.rooms[room].id}],
        }
        answer = signed_in("teacher_south").post("/api/lessons", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return book


def test_a_seat_that_cannot_be_booked_is_refused_with_what_is_in_the_way(
    event: dict[str, Any], sign_up: Callable[..., Any], lesson_at: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    lesson_at(event["meetings"][1]["starts_at"], "south a")
    answer = sign_up("south a")
    assert (answer.status_code, answer.json()["code"]) == (409, "booking_conflict")
    assert answer.json()["conflicts"][0]["lesson_title"] == "别的课"
    assert states(signed_in, event) == {}


def test_a_full_list_a_second_sign_up_a_late_one_and_strangers_are_refused(
    event: dict[str, Any], sign_up: Callable[..., Any], clock: Any, villages: Any
) -> None:
    for room in ("south a", "south b", "north a"):
        assert sign_up(room).status_code == 201
    assert sign_up("north b").json()["code"] == "event_full"
    assert sign_up("south a").json()["code"] == "already_signed_up"
    assert sign_up("north b", who="teacher_south").status_code == 403
    assert sign_up("north b", who="inspector_north").status_code == 403
    assert sign_up("lead room", who="teacher_north").json()["code"] == "event_full"
    clock.advance(hours=25)
    assert sign_up("north b").json()["code"] == "signup_closed"


def test_a_county_has_no_more_seats_than_its_share(
    announce: Callable[..., Any], sign_up: Callable[..., Any], signed_in: Callable[[str], Any], villages: Any
) -> None:
    villages.add_user("colleague", Role.TEACHER, "school_north_1")
    villages.add_room("second lead room", "school_north_1")
    room = villages.rooms["second lead room"].id
    event = announce(who="colleague", quota=2, county_quota=1, waiting_limit=1, lead_room_id=room).json()
    for name in ("south a", "south b", "north a"):
        assert sign_up(name, of=event["id"]).status_code == 201
    assert sign_up("own village", of=event["id"]).json()["code"] == "event_full"
    items = signed_in("prefecture").get(f"/api/events/{event['id']}/signups").json()["items"]
    assert {one["room"]["name"]: one["state"] for one in items} == {
        "south a": "seat",
        "south b": "waiting",
        "north a": "seat",
    }


def test_more_seats_let_the_waiting_in_fewer_send_the_last_back_and_all_are_told(
    event: dict[str, Any], sign_up: Callable[..., Any], signed_in: Callable[[str], Any], parts: Any, villages: Any
) -> None:
    for room in ("south a", "south b", "north a"):
        sign_up(room)
    teacher, path = signed_in("teacher_north"), f"/api/events/{event['id']}"
    more = teacher.patch(path, json={"version": 1, "quota": 3})
    assert more.status_code == 200, more.text
    assert states(signed_in, event) == {"south a": "seat", "south b": "seat", "north a": "seat"}
    assert teacher.patch(path, json={"version": 1, "quota": 2}).json()["code"] == "stale"
    assert teacher.patch(path, json={"version": 2, "quota": 2}).status_code == 200
    assert states(signed_in, event) == {"south a": "seat", "south b": "seat", "north a": "waiting"}
    assert claims_of(parts, villages.rooms["north a"]) == 0
    kinds = [one["kind"] for one in signed_in("prefecture").get("/api/notices").json()["items"]]
    assert sorted(kinds) == ["signup_seated", "signup_seated", "signup_unseated"]


def test_calling_off_frees_everything_and_tells_everybody(
    event: dict[str, Any], sign_up: Callable[..., Any], signed_in: Callable[[str], Any], parts: Any, villages: Any
) -> None:
    sign_up("own village", who="teacher_south")
    assert signed_in("school_south").post(f"/api/events/{event['id']}/cancel").status_code == 403
    off = signed_in("teacher_north").post(f"/api/events/{event['id']}/cancel", json={"reason": "教师出差"})
    assert off.status_code == 200, off.text
    assert {one["state"] for one in off.json()["meetings"]} == {"cancelled"}
    assert claims_of(parts, villages.rooms["own village"]) == 0
    assert [one["kind"] for one in signed_in("teacher_south").get("/api/notices").json()["items"]].count(
        "event_cancelled"
    ) == 1
    assert sign_up("north a").json()["code"] == "event_cancelled"


def test_rooms_of_an_event_come_and_go_by_its_list_only(
    event: dict[str, Any], sign_up: Callable[..., Any], signed_in: Callable[[str], Any], villages: Any
) -> None:
    sign_up("own village", who="teacher_south")
    lesson_id = event["meetings"][0]["lesson_id"]
    receiver = signed_in("teacher_north").get(f"/api/lessons/{lesson_id}").json()["receivers"][0]["id"]
    path = f"/api/lessons/{lesson_id}/receivers"
    teacher = signed_in("teacher_north")
    assert teacher.delete(f"{path}/{receiver}").json()["code"] == "has_signups"
    assert teacher.post(path, json={"room_id": villages.rooms["north a"].id}).json()["code"] == "has_signups"
    assert signed_in("school_south").post(f"{path}/{receiver}/decline").json()["code"] == "has_signups"


def test_impossible_announcements_are_refused_and_book_nothing(
    announce: Callable[..., Any], clock: Any, signed_in: Callable[[str], Any], villages: Any
) -> None:
    late = (clock.now() + timedelta(days=3)).isoformat()
    assert announce(signup_until=late).status_code == 422
    assert announce(quota=0).status_code == 422
    assert announce(meetings=[]).status_code == 422
    assert announce(organisation_id=villages.organisations["county_south"].id).status_code == 422
    assert announce(who="researcher_north").status_code == 403
    assert signed_in("prefecture").get("/api/lessons").json()["total"] == 0
