"""Messages survive the bus, and nothing else does."""

import json

import pytest
from pydantic import ValidationError

from media.contract import (
    CloseLesson,
    Delivered,
    JoinLesson,
    OpenLesson,
    Party,
    RelayHeartbeat,
    commands_topic,
    parse_command,
    parse_event,
)

PARTY = Party(party_id="room:1", role="room", name="村小一年级", room_id="1", school="School")
COMMANDS = [
    OpenLesson(lesson_id="l", kind="synchronous", title="诗", recorded=True, starts_at=1.5, ends_at=2.5),
    JoinLesson(lesson_id="l", connection_id="c", party=PARTY),
    CloseLesson(lesson_id="l", reason="ended"),
]
EVENTS = [
    RelayHeartbeat(
        relay_id="r",
        run_id="1",
        at=1.0,
        udp_port=9,
        lessons=1,
        connections=2,
        tracks=3,
        packets_received=4,
        packets_forwarded=5,
    ),
    Delivered(
        lesson_id="l",
        party_id="room:1",
        from_at=1.0,
        to_at=6.0,
        lead_picture_ms=5000,
        lead_sound_ms=4990,
        picture_bytes=10,
        sound_bytes=5,
    ),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.type)
def test_commands_come_back_from_json_as_they_were(command):
    assert parse_command(json.loads(command.model_dump_json())) == command


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.type)
def test_events_come_back_from_json_as_they_were(event):
    assert parse_event(json.loads(event.model_dump_json())) == event


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "open_lesson"},
        {"type": "unknown"},
        {"type": "close_lesson", "lesson_id": "l", "reason": "", "x": 1},
    ],
)
def test_what_is_not_a_command_is_refused(message):
    with pytest.raises(ValidationError):
        parse_command(message)


def test_a_command_is_not_an_event():
    with pytest.raises(ValidationError):
        parse_event(COMMANDS[0].model_dump())


def test_each_relay_has_its_own_topic():
    assert commands_topic("r1") == "relay.r1.commands"
