"""A socket that is cut without a word is taken up by another, and nothing that was said is lost."""

from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

CUT, PAGE_GONE = 1005, 1001
"""As uvicorn reports a TCP connection that was reset, and a page that was closed."""


def begin(client: Any, headers: dict[str, str], first: dict[str, Any]) -> Any:
    socket = client.websocket_connect("/api/live", headers=headers)
    socket.__enter__()
    client.sockets.append(socket)
    socket.send_json({"v": 1, **first})
    return socket


def join(client: Any, lesson: Any, headers: dict[str, str]) -> tuple[Any, str]:
    """Joins; gives the socket and the connection's id."""
    socket = begin(client, headers, {"type": "join", "lesson_id": lesson["id"]})
    welcome = socket.receive_json()
    assert welcome["resume"] is True
    (connection,) = client.app.state.parts.live.clients.all()
    return socket, connection.connection_id


def resume(client: Any, lesson: Any, headers: dict[str, str], connection_id: str, received: int) -> Any:
    first = {"type": "resume", "lesson_id": lesson["id"], "connection_id": connection_id, "received": received}
    return begin(client, headers, first)


def is_refused(socket: Any) -> bool:
    error = socket.receive_json()
    with pytest.raises(WebSocketDisconnect):
        socket.receive_json()
    return (error["type"], error["code"], error["about"]) == ("error", "media_lost", "resume")


def test_what_did_not_arrive_is_said_again_and_the_relay_hears_nothing_of_it(
    running: Any, due_lesson: Any, as_room: Any
) -> None:
    room = as_room("south room")
    with running() as (client, relay):
        socket, connection_id = join(client, due_lesson, room)
        socket.send_json({"v": 1, "type": "ping"})
        socket.close(CUT)  # before the answer was read
        again = resume(client, due_lesson, room, connection_id, received=1)
        assert again.receive_json() == {"v": 1, "type": "resumed", "received": 1}
        assert again.receive_json() == {"v": 1, "type": "pong"}
        again.send_json({"v": 1, "type": "hand", "raised": True})
        assert relay.wait_for("client_message")[0].connection_id == connection_id
        assert relay.seen("leave_lesson") == []
        assert len(relay.seen("join_lesson")) == 1


def test_a_socket_that_only_seems_to_live_gives_way(running: Any, due_lesson: Any, as_room: Any) -> None:
    room = as_room("south room")
    with running() as (client, relay):
        former, connection_id = join(client, due_lesson, room)
        again = resume(client, due_lesson, room, connection_id, received=1)
        assert again.receive_json()["type"] == "resumed"
        with pytest.raises(WebSocketDisconnect):
            former.receive_json()
        again.send_json({"v": 1, "type": "ping"})
        assert again.receive_json() == {"v": 1, "type": "pong"}
        assert relay.seen("leave_lesson") == []


def test_a_cut_connection_that_nobody_takes_up_leaves(
    running: Any, due_lesson: Any, as_room: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("service.api.live.HOLD_S", 0.2)
    with running() as (client, relay):
        socket, connection_id = join(client, due_lesson, as_room("south room"))
        socket.close(CUT)
        assert relay.wait_for("leave_lesson")[0].reason == "connection_lost"
        assert is_refused(resume(client, due_lesson, as_room("south room"), connection_id, received=1))


def test_a_page_that_was_closed_leaves_at_once(running: Any, due_lesson: Any, as_room: Any) -> None:
    with running() as (client, relay):
        socket, connection_id = join(client, due_lesson, as_room("south room"))
        socket.close(PAGE_GONE)
        relay.wait_for("leave_lesson")
        assert is_refused(resume(client, due_lesson, as_room("south room"), connection_id, received=1))


def test_nobody_takes_up_the_connection_of_another(running: Any, due_lesson: Any, as_room: Any) -> None:
    with running() as (client, relay):
        socket, connection_id = join(client, due_lesson, as_room("south room"))
        assert is_refused(resume(client, due_lesson, as_room("far room"), connection_id, received=1))
        socket.send_json({"v": 1, "type": "ping"})
        assert socket.receive_json() == {"v": 1, "type": "pong"}
        assert relay.seen("leave_lesson") == []


@pytest.mark.parametrize("received", [-1, 2, 10**9, "1", None, True])
def test_who_claims_what_cannot_be_joins_anew(running: Any, due_lesson: Any, as_room: Any, received: Any) -> None:
    with running() as (client, _relay):
        _socket, connection_id = join(client, due_lesson, as_room("south room"))
        assert is_refused(resume(client, due_lesson, as_room("south room"), connection_id, received))
