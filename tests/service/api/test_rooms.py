"""Rooms and the pairing of their devices."""

from collections.abc import Callable
from typing import Any

import pytest

SignIn = Callable[[str], Any]


def begin(device: Any) -> dict[str, Any]:
    answer = device.post("/api/device/pairing")
    assert answer.status_code == 201
    started: dict[str, Any] = answer.json()
    return started


def poll(device: Any, started: dict[str, Any], secret: str | None = None) -> Any:
    return device.post(f"/api/device/pairing/{started['pairing_id']}", {"secret": secret or started["secret"]})


def names(answer: Any) -> set[str]:
    return {room["name"] for room in answer.json()["items"]}


@pytest.fixture
def rooms(county: Any) -> Any:
    for side in ("north", "south"):
        county.add_room(f"room_{side}", f"school_{side}_1")
    return county.rooms


def test_everybody_sees_the_rooms_of_their_subtree(signed_in: SignIn, rooms: Any) -> None:
    assert names(signed_in("inspector_north").get("/api/rooms")) == {"room_north"}
    assert names(signed_in("system").get("/api/rooms")) == {"room_north", "room_south"}
    assert signed_in("teacher_north").get(f"/api/rooms/{rooms['room_south'].id}").status_code == 404


def test_who_books_finds_every_room_but_learns_nothing_of_foreign_devices(
    signed_in: SignIn, county: Any, rooms: Any
) -> None:
    county.add_room("paired", "school_south_1", paired=True)
    found = signed_in("teacher_north").get("/api/rooms", params={"bookable": True}).json()["items"]
    assert {room["name"] for room in found} == {"room_north", "room_south", "paired"}
    assert [room["school"]["county"] for room in found if room["name"] == "paired"] == ["county_south"]
    assert all(room["device"] is None for room in found)
    assert signed_in("researcher_north").get("/api/rooms", params={"bookable": True}).status_code == 403


def test_a_room_is_added_and_changed(signed_in: SignIn, county: Any) -> None:
    caller, school = signed_in("school_north"), county.organisations["school_north_1"].id
    room = caller.post("/api/rooms", {"organisation_id": school, "name": "录播教室", "can_lead": True}).json()
    assert (room["recording_consent"], room["device"]) == ("unknown", None)
    change = {"name": "录播教室二", "recording_consent": "refused", "can_lead": False}
    assert caller.patch(f"/api/rooms/{room['id']}", change).json() == room | change
    again = caller.post("/api/rooms", {"organisation_id": school, "name": "录播教室二"})
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")


@pytest.mark.parametrize(
    ("username", "organisation", "status"),
    [
        ("teacher_north", "school_north_1", 403),
        ("inspector_north", "school_north_1", 403),
        ("school_north", "school_south_1", 404),
        ("school_north", "school_north_2", 404),
        ("county_north", "county_north", 422),
        ("county_north", "school_north_2", 201),
    ],
)
def test_rooms_are_added_by_administrators_in_schools_of_their_subtree(
    signed_in: SignIn, county: Any, username: str, organisation: str, status: int
) -> None:
    body = {"organisation_id": county.organisations[organisation].id, "name": "x"}
    assert signed_in(username).post("/api/rooms", body).status_code == status


@pytest.mark.parametrize("change", [{"recording_consent": "maybe"}, {"name": ""}, {"can_lead": 7}, {"id": "x"}])
def test_bad_changes_are_refused(signed_in: SignIn, rooms: Any, change: dict[str, Any]) -> None:
    assert signed_in("school_north").patch(f"/api/rooms/{rooms['room_north'].id}", change).status_code == 422


def test_a_foreign_room_does_not_exist(signed_in: SignIn, rooms: Any) -> None:
    caller, foreign = signed_in("school_north"), f"/api/rooms/{rooms['room_south'].id}"
    assert caller.patch(foreign, {"name": "mine"}).status_code == 404
    assert caller.post(f"{foreign}/pairing", {"code": "123456"}).status_code == 404
    assert caller.delete(f"{foreign}/device").status_code == 404


def test_a_device_is_paired_by_its_code_and_stays_paired(signed_in: SignIn, rooms: Any, anonymous: Any) -> None:
    started = begin(anonymous)
    assert poll(anonymous, started).json() == {"state": "waiting", "token": None}
    answer = signed_in("school_north").post(f"/api/rooms/{rooms['room_north'].id}/pairing", {"code": started["code"]})
    assert answer.status_code == 200
    assert answer.json()["device"]["connected"] is False
    paired = poll(anonymous, started)
    assert paired.json()["state"] == "paired"
    assert "HttpOnly" in paired.headers["set-cookie"]
    assert anonymous.get("/api/device").json()["room"]["name"] == "room_north"
    assert signed_in("school_north").get("/api/rooms").json()["items"][0]["device"]["connected"] is True


def test_the_token_speaks_for_the_device_without_cookies(signed_in: SignIn, rooms: Any, new_client: Any) -> None:
    device, other = new_client(), new_client()
    started = device.post("/api/device/pairing", json={}).json()
    signed_in("school_north").post(f"/api/rooms/{rooms['room_north'].id}/pairing", {"code": started["code"]})
    paired = device.post(f"/api/device/pairing/{started['pairing_id']}", json={"secret": started["secret"]})
    bearer = {"Authorization": f"Bearer {paired.json()['token']}"}
    assert other.get("/api/device", headers=bearer).json()["room"]["name"] == "room_north"
    assert other.get("/api/device", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_lost_answer_is_repeated_but_not_once_the_token_was_used(
    signed_in: SignIn, rooms: Any, anonymous: Any
) -> None:
    started = begin(anonymous)
    signed_in("school_north").post(f"/api/rooms/{rooms['room_north'].id}/pairing", {"code": started["code"]})
    tokens = {poll(anonymous, started).json()["token"] for _ in range(2)}
    assert len(tokens) == 1
    anonymous.get("/api/device")
    assert poll(anonymous, started).json() == {"state": "expired", "token": None}


def test_the_code_alone_makes_nobody_the_device(rooms: Any, anonymous: Any, signed_in: SignIn) -> None:
    started = begin(anonymous)
    assert poll(anonymous, started, started["code"]).status_code == 404
    signed_in("school_north").post(f"/api/rooms/{rooms['room_north'].id}/pairing", {"code": started["code"]})
    assert poll(anonymous, started, "wrong").status_code == 404


def test_a_code_expires(signed_in: SignIn, rooms: Any, anonymous: Any, clock: Any) -> None:
    started = begin(anonymous)
    clock.advance(minutes=10, seconds=1)
    answer = signed_in("school_north").post(f"/api/rooms/{rooms['room_north'].id}/pairing", {"code": started["code"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "code_unknown")
    assert poll(anonymous, started).json()["state"] == "expired"


def test_a_code_serves_once_and_a_room_has_one_device(
    signed_in: SignIn, county: Any, rooms: Any, anonymous: Any
) -> None:
    county.add_room("second", "school_north_1")
    caller, started = signed_in("school_north"), begin(anonymous)
    room, second = (f"/api/rooms/{rooms[name].id}/pairing" for name in ("room_north", "second"))
    assert caller.post(room, {"code": started["code"]}).status_code == 200
    assert caller.post(second, {"code": started["code"]}).json()["code"] == "code_unknown"
    answer = caller.post(room, {"code": begin(anonymous)["code"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paired")


def test_a_revoked_device_is_out_at_once_and_the_room_free(signed_in: SignIn, rooms: Any, anonymous: Any) -> None:
    caller, room = signed_in("school_north"), f"/api/rooms/{rooms['room_north'].id}"
    started = begin(anonymous)
    caller.post(f"{room}/pairing", {"code": started["code"]})
    poll(anonymous, started)
    assert caller.delete(f"{room}/device").status_code == 204
    assert anonymous.get("/api/device").status_code == 401
    assert poll(anonymous, started).json()["state"] == "expired"
    assert caller.delete(f"{room}/device").status_code == 404
    assert caller.post(f"{room}/pairing", {"code": begin(anonymous)["code"]}).status_code == 200


@pytest.mark.parametrize("username", ["teacher_north", "inspector_north", "researcher_north"])
def test_only_administrators_pair_and_revoke(signed_in: SignIn, rooms: Any, anonymous: Any, username: str) -> None:
    caller, room = signed_in(username), f"/api/rooms/{rooms['room_north'].id}"
    assert caller.post(f"{room}/pairing", {"code": begin(anonymous)["code"]}).status_code == 403
    assert caller.delete(f"{room}/device").status_code == 403


def test_guessing_codes_is_stopped(signed_in: SignIn, rooms: Any) -> None:
    caller, path = signed_in("school_north"), f"/api/rooms/{rooms['room_north'].id}/pairing"
    statuses = [caller.post(path, {"code": f"{n:06d}"}).status_code for n in range(21)]
    assert statuses == [404] * 20 + [429]


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "１２３４５６", "", None, 123456])
def test_what_is_not_a_code_is_refused(signed_in: SignIn, rooms: Any, code: object) -> None:
    path = f"/api/rooms/{rooms['room_north'].id}/pairing"
    assert signed_in("school_north").post(path, {"code": code}).status_code == 422


def test_a_device_is_not_a_person(as_device: Any, county: Any) -> None:
    county.add_room("paired", "school_north_1", paired=True)
    device = as_device("paired")
    assert device.get("/api/device").json()["room"]["name"] == "paired"
    for path in ("/api/session", "/api/rooms", "/api/users", "/api/organisations"):
        assert device.get(path).status_code == 401


def test_starting_pairings_without_end_is_stopped(anonymous: Any, county: Any) -> None:
    statuses = [anonymous.post("/api/device/pairing").status_code for _ in range(61)]
    assert statuses == [201] * 60 + [429]
