"""Who joins a lesson over the WebSocket, in which role, and how a bad client is told."""

import json
from typing import Any

import pytest
from sqlalchemy import event
from starlette.websockets import WebSocketDisconnect

from media.contract import SchoolLine
from service.accounts.principal import RoomDevice
from service.live.joining import admit
from service.planning.tables import SchoolCapacity
from service.rooms.tables import Room


def join(client: Any, lesson: Any, headers: dict[str, str]) -> Any:
    socket = client.websocket_connect("/api/live", headers=headers)
    socket.__enter__()
    client.sockets.append(socket)  # left when the application stops
    socket.send_json({"v": 1, "type": "join", "lesson_id": lesson["id"]})
    return socket


def refusal(client: Any, first: Any, headers: dict[str, str]) -> tuple[str, int]:
    """Sends a first message and gives the error's code and the close code."""
    with client.websocket_connect("/api/live", headers=headers) as socket:
        socket.send_text(first if isinstance(first, str) else json.dumps(first))
        error = socket.receive_json()
        assert error["type"] == "error"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        return error["code"], closed.value.code


def test_a_room_is_welcomed_with_its_lesson(running: Any, due_lesson: Any, as_room: Any, rooms: Any) -> None:
    with running() as (client, relay):
        socket = join(client, due_lesson, as_room("south room"))
        welcome = socket.receive_json()
        assert welcome["type"] == "welcome"
        assert welcome["lesson"] == {
            "id": due_lesson["id"],
            "title": "分数的意义",
            "kind": "synchronous",
            "subject": "mathematics",
            "starts_at": due_lesson["starts_at"],
            "ends_at": due_lesson["ends_at"],
            "state": "booked",
        }
        party = relay.seen("join_lesson")[0].party
        assert (party.party_id, party.role) == (f"room:{rooms.rooms['south room'].id}", "room")
        assert (party.name, party.school, party.recorded) == ("south room", "school_south_1", True)
        # The relay had the lesson open before anybody came in.
        kinds = [command.type for command in relay.commands]
        assert kinds.index("open_lesson") < kinds.index("join_lesson")
        socket.send_json({"v": 1, "type": "ping"})
        assert socket.receive_json() == {"v": 1, "type": "pong"}
        socket.close()
        assert relay.wait_for("leave_lesson")[0].reason == "connection_lost"


def test_each_party_joins_in_its_own_role(running: Any, due_lesson: Any, as_room: Any, as_person: Any) -> None:
    roles = {}
    with running() as (client, relay):
        for headers in (
            as_room("lead room"),
            as_person("teacher_north"),
            as_person("researcher_south"),
            as_person("school_north"),
            as_person("inspector_north"),
        ):
            socket = join(client, due_lesson, headers)
            socket.receive_json()
            party = relay.seen("join_lesson")[-1].party
            roles[party.name] = party.role
    assert roles == {
        "lead room": "lead",
        "teacher_north": "lead",
        "researcher_south": "observer",
        "school_north": "observer",
        "inspector_north": "observer",
    }


def test_a_room_that_refused_recording_joins_unrecorded(
    running: Any, due_lesson: Any, as_room: Any, rooms: Any, parts: Any
) -> None:
    with parts.database.unit_of_work() as session:
        session.get_one(Room, rooms.rooms["far room"].id).recording_consent = "refused"
    with running() as (client, relay):
        socket = join(client, due_lesson, as_room("far room"))
        socket.receive_json()
        assert relay.seen("join_lesson")[0].party.recorded is False


def test_those_without_a_right_are_told_why(
    running: Any, due_lesson: Any, as_room: Any, as_person: Any, rooms: Any, clock: Any
) -> None:
    rooms.add_room("stranger", "school_north_1", paired=True)
    first = {"v": 1, "type": "join", "lesson_id": due_lesson["id"]}
    with running() as (client, relay):
        assert refusal(client, first, {}) == ("not_allowed", 4401)
        assert refusal(client, first, {"Authorization": "Bearer nonsense"}) == ("not_allowed", 4401)
        assert refusal(client, first, as_room("stranger")) == ("not_found", 4403)
        assert refusal(client, first, as_person("teacher_south")) == ("not_allowed", 4403)
        assert refusal(client, first | {"lesson_id": "0" * 32}, as_room("far room")) == ("not_found", 4403)
        clock.advance(minutes=-10)
        assert refusal(client, first, as_room("far room")) == ("too_early", 4403)
        assert relay.seen("join_lesson") == []


def test_a_declined_room_does_not_join(running: Any, signed_in: Any, due_lesson: Any, as_room: Any) -> None:
    receiver = due_lesson["receivers"][0]["id"]
    signed_in("school_south").post(f"/api/lessons/{due_lesson['id']}/receivers/{receiver}/decline")
    with running() as (client, _relay):
        first = {"v": 1, "type": "join", "lesson_id": due_lesson["id"]}
        assert refusal(client, first, as_room("south room")) == ("not_allowed", 4403)


def test_what_is_no_join_is_refused(running: Any, due_lesson: Any, as_room: Any) -> None:
    headers = as_room("south room")
    good = {"v": 1, "type": "join", "lesson_id": due_lesson["id"]}
    bad = [
        "", "{", "[]", "1", "NaN", '"join"', "[" * 100_000, '{"v":1,"type":"join","lesson_id":"\\ud800"}',
        {}, good | {"v": 2}, good | {"type": "publish"}, good | {"lesson_id": 5}, good | {"lesson_id": None},
    ]  # fmt: skip
    with running() as (client, relay):
        for first in bad:
            assert refusal(client, first, headers) == ("bad_message", 1008), first
        assert refusal(client, good | {"more": "x" * 262_144}, headers) == ("bad_message", 1009)
        with client.websocket_connect("/api/live", headers=headers) as socket:
            socket.send_bytes(b"\x00\x01")
            assert socket.receive_json()["code"] == "bad_message"
        assert relay.seen("join_lesson") == []


def test_a_client_that_never_joins_is_let_go(
    running: Any, due_lesson: Any, as_room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.live.JOIN_WITHIN_S", 0.05)
    with running() as (client, _relay), client.websocket_connect("/api/live", headers=as_room("far room")) as socket:
        assert socket.receive_json()["message"] == "No join came."


def test_a_device_revoked_during_the_lesson_is_sent_away(
    running: Any, due_lesson: Any, as_room: Any, rooms: Any, signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.live.standing.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("service.live.standing.RECHECK_S", 0.05)
    with running() as (client, _relay):
        socket = join(client, due_lesson, as_room("south room"))
        assert socket.receive_json()["type"] == "welcome"
        room_id = rooms.rooms["south room"].id
        assert signed_in("county_south").delete(f"/api/rooms/{room_id}/device").status_code == 204
        assert socket.receive_json()["code"] == "not_allowed"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 4401


def test_a_room_in_a_lesson_counts_as_connected(
    running: Any, due_lesson: Any, as_room: Any, rooms: Any, signed_in: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.live.standing.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("service.live.standing.RECHECK_S", 0.05)
    path = f"/api/rooms/{rooms.rooms['south room'].id}"
    with running() as (client, relay):
        socket = join(client, due_lesson, as_room("south room"))
        assert socket.receive_json()["type"] == "welcome"
        clock.advance(minutes=5)
        administrator = signed_in("county_south")
        relay.wait_until(lambda: administrator.get(path).json()["device"]["connected"])


def test_a_page_of_another_site_is_refused(running: Any, due_lesson: Any, as_person: Any) -> None:
    headers = as_person("teacher_north") | {"Origin": "https://elsewhere.example"}
    with running() as (client, _relay):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/live", headers=headers):
            pass
        own = as_person("teacher_north") | {"Origin": "http://testserver"}
        join(client, due_lesson, own)


def test_bad_messages_after_the_join_end_the_connection(running: Any, due_lesson: Any, as_room: Any) -> None:
    with running() as (client, relay):
        socket = join(client, due_lesson, as_room("south room"))
        socket.receive_json()
        socket.send_text("no json")
        assert socket.receive_json()["code"] == "bad_message"
        relay.wait_for("leave_lesson")
        assert relay.seen("leave_lesson")[0].reason == "protocol_error"


def test_a_client_that_does_not_read_is_closed_and_others_are_not(
    running: Any, due_lesson: Any, as_room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.live.clients.MOST_WAITING_BYTES", 100_000)
    with running() as (client, relay):
        slow = join(client, due_lesson, as_room("south room"))
        slow.receive_json()
        slow.send_json({"v": 1, "type": "flood"})
        assert relay.wait_for("leave_lesson")[0].reason == "too_slow"
        good = join(client, due_lesson, as_room("far room"))
        assert good.receive_json()["type"] == "welcome"


def test_a_room_joins_with_the_line_its_school_declared(
    running: Any, due_lesson: Any, as_room: Any, rooms: Any, parts: Any
) -> None:
    school = rooms.rooms["south room"].organisation_id
    with parts.database.unit_of_work() as session:
        session.add(SchoolCapacity(organisation_id=school, receiving_kits=2, down_kbps=10_000, up_kbps=4_000))
    with running() as (client, relay):
        join(client, due_lesson, as_room("south room")).receive_json()
        join(client, due_lesson, as_room("lead room")).receive_json()
        lines = {command.party.name: command.school_line for command in relay.seen("join_lesson")}
    assert lines["south room"] == SchoolLine(school_id=school, down_kbps=10_000, up_kbps=4_000)
    assert lines["lead room"] is None


def test_a_room_is_let_in_by_few_questions_to_the_database(parts: Any, due_lesson: Any, rooms: Any, clock: Any) -> None:
    room = rooms.rooms["south room"]
    device = RoomDevice("device", room.id, room.name, room.organisation_id, "school", "/")
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(parts.database.engine, "before_cursor_execute", note)
    try:
        with parts.database.reading() as session:
            admission = admit(session, device, due_lesson["id"], clock.now())
    finally:
        event.remove(parts.database.engine, "before_cursor_execute", note)
    assert (admission.party.role, admission.lesson["id"]) == ("room", due_lesson["id"])
    selects = [statement for statement in asked if statement.startswith("SELECT")]
    assert [one.partition("FROM ")[2].split()[0] for one in selects] == [
        "lessons",
        "lesson_receivers",
        "rooms",
        "school_capacities",
    ]
