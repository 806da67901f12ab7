"""Client messages that are wrong, odd or hostile get a clear error and change nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.contract import Party
from media.session import actions, events
from media.session.messages import BadMessageError, read_message
from media.session.room import LessonRoom, RoomLimits

GOOD = {
    "publish": {"id": 1, "sdp": "v=0", "tracks": [{"mid": "0", "source": "camera"}]},
    "subscribed": {"id": 1, "sdp": "v=0"},
    "mute": {"source": "camera", "muted": True},
    "hand": {"raised": True},
    "stage": {"party_id": "room:1", "on": True},
    "leave": {},
    "moved": {},
    "ping": {},
}


def messages():
    json = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    )
    types = st.sampled_from([*GOOD, "join", "nonsense"])
    changed = types.flatmap(
        lambda name: st.dictionaries(st.sampled_from([*GOOD.get(name, {"x": 1}), "v", "more"]), json, max_size=4).map(
            lambda change: {"v": 1, "type": name, **GOOD.get(name, {}), **change}
        )
    )
    return changed | st.dictionaries(st.text(max_size=8), json, max_size=5)


@pytest.mark.parametrize("name", GOOD)
def test_each_request_is_read(name):
    assert read_message({"v": 1, "type": name, **GOOD[name]}).type == name


@pytest.mark.parametrize("name", GOOD)
def test_what_a_newer_client_adds_is_ignored(name):
    assert read_message({"v": 1, "type": name, "later": 1, **GOOD[name]}).type == name


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({}, "Unable to extract tag using discriminator 'type'"),
        ({"v": 1, "type": "dance"}, "Input tag 'dance' found using 'type'"),
        ({"v": 2, "type": "ping"}, "v: Input should be 1"),
        ({"v": 1, "type": "hand", "raised": "yes"}, "raised: Input should be a valid boolean"),
        ({"v": 1, "type": "publish", "id": -1, "sdp": "v=0", "tracks": []}, "id: Input should be greater"),
        ({"v": 1, "type": "publish", "id": 1, "sdp": "", "tracks": []}, "sdp: String should have at least"),
        ({"v": 1, "type": "mute", "source": "window", "muted": True}, "source: Input should be 'camera'"),
        (
            {"v": 1, "type": "publish", "id": 1, "sdp": "v=0", "tracks": [{"mid": "a b", "source": "camera"}]},
            "tracks.0.mid: String should match",
        ),
    ],
)
def test_the_error_says_what_is_wrong(message, problem):
    with pytest.raises(BadMessageError) as caught:
        read_message(message)
    assert str(caught.value).startswith(problem)


@settings(deadline=None, max_examples=60)
@given(st.lists(messages(), max_size=12))
def test_no_message_makes_the_room_raise_and_every_refusal_is_told(sequence):
    room = LessonRoom("synchronous", RoomLimits())
    room.handle(events.Joined("c", Party(party_id="room:1", role="lead", name="x")), 0.0)
    for message in sequence:
        present = "c" in room.connection_ids
        done = room.handle(events.Received("c", message), 0.0)
        errors = [a.message for a in done if isinstance(a, actions.Send) and a.message["type"] == "error"]
        if not present:
            assert done == []
        for error in errors:
            assert set(error) == {"v", "type", "code", "message", "about"}
            assert len(error["message"]) < 400
            assert len(error["about"]) <= 40


def test_a_source_or_line_named_twice_is_refused():
    room = LessonRoom("synchronous")
    room.handle(events.Joined("c", Party(party_id="room:1", role="lead", name="x")), 0.0)
    for tracks in (
        [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "camera"}],
        [{"mid": "0", "source": "camera"}, {"mid": "0", "source": "microphone"}],
    ):
        message = {"v": 1, "type": "publish", "id": 1, "sdp": "v=0", "tracks": tracks}
        done = room.handle(events.Received("c", message), 0.0)
        assert [a.message["code"] for a in done if isinstance(a, actions.Send)] == ["bad_message"]


def test_joining_again_on_the_same_socket_is_refused():
    room = LessonRoom("synchronous")
    room.handle(events.Joined("c", Party(party_id="room:1", role="lead", name="x")), 0.0)
    done = room.handle(events.Received("c", {"v": 1, "type": "join", "lesson_id": "l"}), 0.0)
    assert [a.message["about"] for a in done if isinstance(a, actions.Send)] == ["join"]
