"""The relay is told what the bookings say: opened, recorded, closed; again after a restart; and clients hear of it."""

from typing import Any

import pytest
from sqlalchemy import select
from starlette.websockets import WebSocketDisconnect

from service.lessons.tables import Lesson
from service.usage.tables import UsageRow


def join(client: Any, lesson: Any, headers: dict[str, str]) -> Any:
    socket = client.websocket_connect("/api/live", headers=headers)
    socket.__enter__()
    client.sockets.append(socket)  # left when the application stops
    socket.send_json({"v": 1, "type": "join", "lesson_id": lesson["id"]})
    assert socket.receive_json()["type"] == "welcome"
    return socket


def test_a_lesson_is_opened_begun_by_the_clock_recorded_and_ended(
    running: Any, due_lesson: Any, as_room: Any, signed_in: Any, clock: Any, parts: Any
) -> None:
    with running() as (client, relay):
        opened = relay.wait_for("open_lesson")[0]
        assert (opened.lesson_id, opened.kind, opened.recorded) == (due_lesson["id"], "synchronous", True)
        room = join(client, due_lesson, as_room("south room"))
        clock.advance(minutes=11)
        join(client, due_lesson, as_room("lead room"))
        assert relay.wait_for("set_recording")[0].active is True
        assert room.receive_json() == {"v": 1, "type": "lesson", "state": "live"}
        teacher = signed_in("teacher_north")
        assert teacher.get(f"/api/lessons/{due_lesson['id']}").json()["state"] == "live"
        teacher.post(f"/api/lessons/{due_lesson['id']}/end")
        assert relay.wait_for("close_lesson")[0].reason == "ended"
        assert room.receive_json() == {"v": 1, "type": "lesson", "state": "ended"}
        assert room.receive_json() == {"v": 1, "type": "lesson_ended", "reason": "ended"}
        with pytest.raises(WebSocketDisconnect) as closed:
            room.receive_json()
        assert (closed.value.code, closed.value.reason) == (4004, "lesson_over")
    # Stopping wrote what was still waiting.
    with parts.database.reading() as session:
        kinds = session.scalars(select(UsageRow.type).where(UsageRow.lesson_id == due_lesson["id"])).all()
    assert kinds.count("party_joined") == 2
    assert {"lesson_booked", "lesson_started", "lesson_ended"} <= set(kinds)


def test_after_a_restart_the_relay_is_told_again_and_the_lesson_ends_by_itself(
    running: Any, due_lesson: Any, signed_in: Any, clock: Any, parts: Any
) -> None:
    clock.advance(minutes=10)
    with running() as (_client, relay):
        signed_in("teacher_north").post(f"/api/lessons/{due_lesson['id']}/start")
        relay.wait_for("set_recording")
    with running() as (_client, relay):
        assert relay.wait_for("open_lesson")[0].lesson_id == due_lesson["id"]
        assert relay.wait_for("set_recording")[0].active is True
        clock.advance(minutes=40 + 10)
        relay.wait_for("close_lesson")
    with parts.database.reading() as session:
        assert session.scalar(select(Lesson.state)) == "ended"


def test_a_relay_that_begins_anew_is_told_everything_again(
    running: Any, due_lesson: Any, signed_in: Any, clock: Any
) -> None:
    with running() as (client, relay):
        relay.beat(client, "first run")
        signed_in("teacher_north").post(f"/api/lessons/{due_lesson['id']}/start")
        relay.wait_for("set_recording")
        relay.commands.clear()
        relay.beat(client, "first run")
        relay.beat(client, "second run")
        assert [command.type for command in (relay.wait_for("open_lesson") + relay.wait_for("set_recording"))] == [
            "open_lesson",
            "set_recording",
        ]


def test_clients_of_a_relay_that_begins_anew_are_sent_to_join_again(
    running: Any, due_lesson: Any, as_room: Any
) -> None:
    with running() as (client, relay):
        relay.beat(client, "first run")
        socket = join(client, due_lesson, as_room("south room"))
        relay.beat(client, "first run")
        socket.send_json({"v": 1, "type": "ping"})
        assert socket.receive_json()["type"] == "pong"
        relay.beat(client, "second run")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert (closed.value.code, closed.value.reason) == (4003, "media_lost")


def test_only_system_administrators_see_what_the_relays_carry(running: Any, signed_in: Any) -> None:
    with running() as (client, relay):
        relay.beat(client, "first run")
        system = signed_in("system")
        relay.wait_until(lambda: system.get("/api/relays").json()["total"] == 1)
        assert system.get("/api/relays").json()["items"][0]["packets_forwarded"] == 21
        assert signed_in("county_south").get("/api/relays").json()["code"] == "not_allowed"


def test_a_lesson_moved_away_is_closed_and_one_that_is_not_recorded_is_not(
    running: Any, due_lesson: Any, signed_in: Any, lesson_request: Any
) -> None:
    teacher = signed_in("teacher_north")
    with running() as (_client, relay):
        relay.wait_for("open_lesson")
        later = lesson_request(in_minutes=300)
        version = teacher.get(f"/api/lessons/{due_lesson['id']}").json()["version"]
        change = {"version": version, "recorded": False, "starts_at": later["starts_at"], "ends_at": later["ends_at"]}
        assert teacher.patch(f"/api/lessons/{due_lesson['id']}", change).status_code == 200
        assert relay.wait_for("close_lesson")[0].reason == "moved"
        assert relay.seen("set_recording") == []


def test_stopping_the_service_tells_the_clients_and_the_relay(running: Any, due_lesson: Any, as_room: Any) -> None:
    with running() as (client, relay):
        socket = join(client, due_lesson, as_room("south room"))
        client.portal.call(client.app.state.parts.live._say_goodbye)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1001
        assert relay.wait_for("leave_lesson")[0].reason == "service_stops"


def test_events_that_are_none_of_the_contract_are_dropped(running: Any, due_lesson: Any, as_room: Any) -> None:
    with running() as (client, _relay):
        bus = client.app.state.parts.bus
        for event in ({}, {"type": "nonsense"}, {"type": "to_client"}, {"type": "to_client", "message": 5}):
            client.portal.call(bus.publish, "relay.events", event)
        unknown = {"type": "to_client", "lesson_id": "x", "connection_id": "gone", "message": {}}
        client.portal.call(bus.publish, "relay.events", unknown)
        join(client, due_lesson, as_room("south room"))
