"""A page tests its line: a lesson of its own on the relay, bounded and unlogged; its report is kept."""

from typing import Any

import pytest
from sqlalchemy import select
from starlette.websockets import WebSocketDisconnect

from media.contract import is_connection_test
from service.connections.testing import MOST_AT_ONCE
from service.security.rate_limits import CONNECTION_TEST
from service.usage.tables import UsageRow

REPORT = {
    "receives": "small",
    "sends": "sound",
    "facts": {
        "socket": {"works": True, "round_trip_ms": 21.5},
        "paths": [
            {"kind": "direct", "url": None, "works": False, "connect_ms": None},
            {"kind": "turn_tls", "url": "turns:turn.example.cn:443?transport=tcp", "works": True, "connect_ms": 300},
        ],
        "media": {
            "path": "turn_tls",
            "up_kbps": 120,
            "down_kbps": 640,
            "up_loss_pct": 1.5,
            "down_loss_pct": 0,
            "round_trip_ms": 62,
            "jitter_ms": None,
            "height": 360,
        },
        "camera": "on",
        "microphone": "refused",
        "codecs": ["opus", "VP8"],
        "browser": "Mozilla/5.0",
    },
}


def begin(client: Any, headers: dict[str, str]) -> Any:
    socket = client.websocket_connect("/api/connection-test", headers=headers)
    socket.__enter__()
    client.sockets.append(socket)
    return socket


def say(socket: Any, party: int, **message: Any) -> None:
    socket.send_json({"v": 1, "party": party, "message": message})


def refusal(client: Any, headers: dict[str, str]) -> str:
    with client.websocket_connect("/api/connection-test", headers=headers) as socket:
        code = socket.receive_json()["code"]
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
    return str(code)


def test_a_room_sends_and_receives_in_a_lesson_of_its_own(running: Any, as_room: Any, parts: Any) -> None:
    with running() as (client, relay):
        socket = begin(client, as_room("far room"))
        assert socket.receive_json() == {"v": 1, "type": "ready", "ice": {}}
        socket.send_json({"v": 1, "type": "ping"})
        assert socket.receive_json() == {"v": 1, "type": "pong"}
        say(socket, 0, type="join", receive=False)
        assert socket.receive_json()["message"]["role"] == "lead"
        say(socket, 7, type="join", receive=True)
        welcome = socket.receive_json()
        assert (welcome["party"], welcome["message"]["role"]) == (7, "observer")
        (lesson,) = relay.seen("open_lesson")
        assert is_connection_test(lesson.lesson_id)
        assert not lesson.recorded
        say(socket, 7, type="subscribed", id=1, sdp="v=0")
        assert relay.wait_for("client_message")[0].message == {"v": 1, "type": "subscribed", "id": 1, "sdp": "v=0"}
        say(socket, 0, type="leave")
        assert socket.receive_json() == {"v": 1, "party": 0, "message": {"type": "closed", "reason": "left"}}
        socket.close()
        assert relay.wait_for("close_lesson")[0].lesson_id == lesson.lesson_id
        assert len(relay.wait_for("leave_lesson", 2)) == 2
    with parts.database.reading() as session:  # who tests a line attends no lesson
        assert session.scalars(select(UsageRow).where(UsageRow.type.in_(["party_joined", "party_left"]))).all() == []


def test_a_party_that_joins_again_replaces_itself(running: Any, as_room: Any) -> None:
    with running() as (client, relay):
        socket = begin(client, as_room("far room"))
        socket.receive_json()
        for _ in range(2):
            say(socket, 3, type="join", receive=False)
            assert socket.receive_json()["message"]["type"] == "welcome"
        assert len(relay.seen("leave_lesson")) == 1


def test_strangers_are_refused(running: Any) -> None:
    with running() as (client, _relay):
        assert refusal(client, {}) == "not_signed_in"


@pytest.mark.parametrize(
    "message",
    [
        {"v": 1, "party": 8, "message": {"type": "join"}},
        {"v": 1, "party": True, "message": {"type": "join"}},
        {"v": 1, "party": 0, "message": "join"},
        {"v": 1},
    ],
)
def test_what_is_no_message_ends_the_test(running: Any, as_room: Any, message: dict[str, Any]) -> None:
    with running() as (client, relay):
        socket = begin(client, as_room("far room"))
        socket.receive_json()
        socket.send_json(message)
        assert socket.receive_json()["code"] == "bad_message"
        relay.wait_for("close_lesson")


def test_only_so_many_test_at_one_time(running: Any, as_room: Any, as_person: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.connections.testing.MOST_AT_ONCE", 1)
    assert MOST_AT_ONCE > 1
    with running() as (client, relay):
        first = begin(client, as_room("far room"))
        first.receive_json()
        assert refusal(client, as_person("teacher_north")) == "rate_limited"
        first.close()
        relay.wait_for("close_lesson")
        relay.wait_until(lambda: client.app.state.parts.connection_tests.running == 0)
        begin(client, as_person("teacher_north")).receive_json()


def test_one_place_tests_only_so_often(running: Any, as_room: Any) -> None:
    with running() as (client, relay):
        for number in range(CONNECTION_TEST.attempts):
            socket = begin(client, as_room("far room"))
            assert socket.receive_json()["type"] == "ready"
            socket.close()
            relay.wait_for("close_lesson", number + 1)
        assert refusal(client, as_room("far room")) == "rate_limited"
        assert begin(client, as_room("south room")).receive_json()["type"] == "ready"


def test_a_test_ends_by_itself(running: Any, as_room: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.api.connections.LASTS_S", 0.2)
    with running() as (client, relay):
        socket = begin(client, as_room("far room"))
        socket.receive_json()
        relay.wait_for("close_lesson")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_administrators_read_the_reports_of_their_subtree(
    running: Any, as_room: Any, signed_in: Any, rooms: Any
) -> None:
    with running() as (client, _relay):
        sent = client.post("/api/connection-reports?as=room", json=REPORT, headers=as_room("far room"))
        assert sent.status_code == 201
    for reader in ("county_south", "prefecture"):
        (found,) = signed_in(reader).get("/api/connection-reports").json()["items"]
        assert (found["place"], found["school"]) == ("far room", "school_south_2")
        assert found["facts"]["paths"] == REPORT["facts"]["paths"]
        assert (found["receives"], found["sends"]) == ("small", "sound")
    assert signed_in("county_north").get("/api/connection-reports").json() == {"items": [], "total": 0}


def test_a_place_keeps_its_newest_reports(signed_in: Any, clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.connections.reports.KEPT_FOR_A_PLACE", 2)
    teacher = signed_in("teacher_north")
    for receives in ("none", "sound", "full"):
        assert teacher.post("/api/connection-reports", {**REPORT, "receives": receives}).status_code == 201
        clock.advance(minutes=1)
    found = signed_in("county_north").get("/api/connection-reports").json()
    assert [one["receives"] for one in found["items"]] == ["full", "sound"]


@pytest.mark.parametrize(
    ("field", "value"), [("receives", "splendid"), ("facts", {}), ("facts", {**REPORT["facts"], "more": 1})]
)
def test_a_report_of_another_form_is_refused(signed_in: Any, field: str, value: Any) -> None:
    assert signed_in("teacher_north").post("/api/connection-reports", {**REPORT, field: value}).status_code == 422
