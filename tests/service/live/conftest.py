"""The running application with a hand-written relay on its bus: it answers as the contract says, and remembers."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from media.contract import (
    EVENTS_TOPIC,
    CloseConnection,
    CloseLesson,
    JoinLesson,
    LeaveLesson,
    LessonClosed,
    LessonOpened,
    PartyJoined,
    PartyLeft,
    RelayCommand,
    RelayHeartbeat,
    ToClient,
    commands_topic,
    parse_command,
)
from service.storage.base import new_id


class FakeRelay:
    """Takes commands off the bus; admits everybody, answers pings, closes lessons."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts
        self.commands: list[RelayCommand] = []
        self.connections: dict[str, JoinLesson] = {}

    async def run(self, subscribed: asyncio.Event) -> None:
        async with self.parts.bus.subscribe(commands_topic("relay-1")) as commands:
            await self.publish_beat(new_id())  # as the contract says: what was told before it listened is told again
            subscribed.set()
            async for message in commands:
                command = parse_command(message)
                self.commands.append(command)
                for event in self.answers(command):
                    await self.parts.bus.publish(EVENTS_TOPIC, event.model_dump(mode="json"))

    def answers(self, command: Any) -> Iterator[Any]:
        now = self.parts.clock.now().timestamp()
        own = {"lesson_id": getattr(command, "lesson_id", "")}
        match command.type:
            case "open_lesson":
                yield LessonOpened(at=now, **own)
            case "join_lesson":
                self.connections[command.connection_id] = command
                own["connection_id"] = command.connection_id
                party = command.party
                yield PartyJoined(party_id=party.party_id, role=party.role, at=now, **own)
                welcome = {
                    "v": 1,
                    "type": "welcome",
                    "party_id": party.party_id,
                    "role": party.role,
                    "recording": False,
                }
                yield ToClient(message=welcome, **own)
            case "leave_lesson":
                yield from self.leave(command, now)
            case "client_message":
                own["connection_id"] = command.connection_id
                if command.message.get("type") == "ping":
                    yield ToClient(message={"v": 1, "type": "pong"}, **own)
                if command.message.get("type") == "flood":
                    yield from (ToClient(message={"n": n, "x": "y" * 1000}, **own) for n in range(6000))
            case "close_lesson":
                yield from self.close(command, now)

    def leave(self, command: LeaveLesson, now: float) -> Iterator[Any]:
        join = self.connections.pop(command.connection_id, None)
        if join is not None:
            yield PartyLeft(
                lesson_id=join.lesson_id,
                party_id=join.party.party_id,
                connection_id=join.connection_id,
                reason=command.reason,
                at=now,
            )

    def close(self, command: CloseLesson, now: float) -> Iterator[Any]:
        for connection_id, join in list(self.connections.items()):
            if join.lesson_id == command.lesson_id:
                own = {"lesson_id": command.lesson_id, "connection_id": connection_id}
                yield ToClient(message={"v": 1, "type": "lesson_ended", "reason": command.reason}, **own)
                yield CloseConnection(code="lesson_over", message="the lesson is over", **own)
        yield LessonClosed(lesson_id=command.lesson_id, at=now, journals=[])

    def beat(self, client: Any, run_id: str) -> None:
        """Publish a heartbeat of the relay's run with that id, from the test's thread."""
        client.portal.call(self.publish_beat, run_id)

    async def publish_beat(self, run_id: str) -> None:
        beat = RelayHeartbeat(
            relay_id="relay-1",
            run_id=run_id,
            at=self.parts.clock.now().timestamp(),
            udp_port=40000,
            lessons=0,
            connections=0,
            tracks=0,
            packets_received=7,
            packets_forwarded=21,
        )
        await self.parts.bus.publish(EVENTS_TOPIC, beat.model_dump(mode="json"))

    def seen(self, kind: str) -> list[Any]:
        return [command for command in self.commands if command.type == kind]

    @staticmethod
    def wait_until(condition: Callable[[], Any]) -> None:
        wait_until(condition)

    def wait_for(self, kind: str, count: int = 1) -> list[Any]:
        wait_until(lambda: len(self.seen(kind)) >= count, f"{count} x {kind}, got {[c.type for c in self.commands]}")
        return self.seen(kind)


def wait_until(condition: Callable[[], Any], what: str = "the condition", within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.01)


@pytest.fixture
def running(new_client: Any, parts: Any) -> Callable[[], Any]:
    """Runs the application with its background tasks and a fake relay: `with running() as (client, relay)`."""

    @contextmanager
    def run() -> Iterator[tuple[Any, FakeRelay]]:
        relay = FakeRelay(parts)
        with new_client() as client:
            subscribed = asyncio.Event()
            task = client.portal.start_task_soon(relay.run, subscribed)
            client.portal.call(subscribed.wait)
            client.sockets = []
            try:
                yield client, relay
            finally:
                for socket in client.sockets:
                    socket.__exit__(None, None, None)
                task.cancel()

    return run


@pytest.fixture
def due_lesson(signed_in: Any, rooms: Any, lesson_request: Any, clock: Any) -> Any:
    """A lesson with two accepted rooms that can be joined now, 10 minutes before its start."""
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request("south room", "far room")).json()
    for receiver in lesson["receivers"]:
        path = f"/api/lessons/{lesson['id']}/receivers/{receiver['id']}/accept"
        assert signed_in("county_south").post(path).status_code == 200
    clock.advance(minutes=50)
    return lesson


@pytest.fixture
def as_room(rooms: Any) -> Callable[[str], dict[str, str]]:
    return lambda name: {"Authorization": f"Bearer {rooms.device_tokens[name]}"}


@pytest.fixture
def as_person(signed_in: Any) -> Callable[[str], dict[str, str]]:
    def headers(username: str) -> dict[str, str]:
        cookies = signed_in(username).client.cookies
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    return headers
