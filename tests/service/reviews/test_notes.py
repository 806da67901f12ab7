"""Timed notes: written live they stand at the right second of the recording, and only who may reads them."""

from datetime import timedelta
from typing import Any

import pytest

EVERYBODY = (
    "system", "prefecture", "county_north", "county_south", "school_north", "school_south", "teacher_north",
    "researcher_north", "inspector_north", "researcher_south", "inspector_south", "teacher_south", "teacher_other",
    "school_other",
)  # fmt: skip
MAY_WRITE = set(EVERYBODY) - {"teacher_south", "teacher_other", "school_other"}


def write(caller: Any, lesson: Any, note_id: str, **fields: Any) -> Any:
    body = {"text": "提问面向远端学生", "kind": "praise", "ago_ms": 0} | fields
    body = {name: value for name, value in body.items() if value is not None}
    return caller.put(f"/api/lessons/{lesson['id']}/notes/{note_id}", body)


def read(caller: Any, lesson: Any) -> Any:
    return caller.get(f"/api/lessons/{lesson['id']}/notes").json()["items"]


def test_a_note_written_live_stands_at_its_second_of_the_recording(
    teach: Any, finish: Any, signed_in: Any, clock: Any, new_note_id: Any
) -> None:
    lesson = teach(over=False)
    researcher = signed_in("researcher_north")
    clock.advance(seconds=62)
    assert write(researcher, lesson, new_note_id(), ago_ms=5_000).json()["at_ms"] == 57_000  # from the start
    finish(lesson)
    note = read(researcher, lesson)[0]
    assert (note["at_ms"], note["written_live"], note["mine"]) == (55_000, True, True)  # the recording began 2 s later


def test_a_note_on_the_replay_stands_where_it_was_put(taught: Any, signed_in: Any, new_note_id: Any) -> None:
    researcher = signed_in("researcher_north")
    note = write(researcher, taught, new_note_id(), ago_ms=None, at_ms=123_456).json()
    assert (note["at_ms"], note["written_live"]) == (123_456, False)
    moved = write(researcher, taught, note["id"], ago_ms=None, at_ms=1_000, text="改").json()
    assert (moved["at_ms"], moved["text"]) == (1_000, "改")
    kept = write(researcher, taught, note["id"], ago_ms=None, text="再改\n第二行").json()
    assert (kept["at_ms"], kept["text"]) == (1_000, "再改\n第二行")
    assert len(read(researcher, taught)) == 1


def test_a_note_on_the_recording_of_a_running_lesson_names_its_moment(
    teach: Any, finish: Any, signed_in: Any, clock: Any, new_note_id: Any
) -> None:
    lesson = teach(over=False)
    researcher, moment = signed_in("researcher_north"), clock.now() + timedelta(seconds=30)
    clock.advance(seconds=100)
    written = write(researcher, lesson, new_note_id(), ago_ms=None, at=moment.isoformat())
    assert written.json()["at_ms"] == 30_000
    for wrong in ({"at": moment.isoformat()}, {"ago_ms": None}, {"ago_ms": None, "at": "2026-01-01T00:00:00"}):
        assert write(researcher, lesson, new_note_id(), **wrong).status_code == 422, wrong
    future = (moment + timedelta(hours=1)).isoformat()
    assert write(researcher, lesson, new_note_id(), ago_ms=None, at=future).json()["at_ms"] == 100_000
    finish(lesson)
    assert [note["at_ms"] for note in read(researcher, lesson)] == [28_000, 98_000]


def test_sending_a_note_twice_keeps_one(teach: Any, signed_in: Any, clock: Any, new_note_id: Any) -> None:
    lesson, identity = teach(over=False), new_note_id()
    researcher = signed_in("researcher_north")
    first = write(researcher, lesson, identity).json()
    clock.advance(seconds=30)
    again = write(researcher, lesson, identity, ago_ms=30_000).json()
    assert (first["at"], len(read(researcher, lesson))) == (again["at"], 1)


def test_who_may_write_notes(taught: Any, signed_in: Any, new_note_id: Any, anonymous: Any) -> None:
    allowed = {
        name for name in EVERYBODY if write(signed_in(name), taught, new_note_id(), ago_ms=None, at_ms=0).is_success
    }
    assert allowed == MAY_WRITE
    assert write(anonymous, taught, new_note_id(), ago_ms=None, at_ms=0).status_code == 401
    for name in set(EVERYBODY) - MAY_WRITE:
        assert signed_in(name).get(f"/api/lessons/{taught['id']}/notes").status_code in (403, 404)


def test_notes_are_private_until_shared(taught: Any, signed_in: Any, new_note_id: Any) -> None:
    author, other = signed_in("researcher_north"), signed_in("inspector_south")
    identity = new_note_id()
    write(author, taught, identity, ago_ms=None, at_ms=0)
    assert read(other, taught) == []
    write(author, taught, identity, ago_ms=None, at_ms=0, shared=True)
    assert [(note["text"], note["mine"]) for note in read(other, taught)] == [("提问面向远端学生", False)]
    assert write(other, taught, identity, ago_ms=None, at_ms=0).status_code == 404
    assert other.delete(f"/api/lessons/{taught['id']}/notes/{identity}").status_code == 404
    assert author.delete(f"/api/lessons/{taught['id']}/notes/{identity}").status_code == 204
    assert read(author, taught) == []


def test_shared_notes_of_a_reviewer_wait_until_the_blind_critique_is_over(
    taught: Any, signed_in: Any, new_note_id: Any, open_critique: Any, hand_in: Any
) -> None:
    write(signed_in("researcher_two"), taught, new_note_id(), ago_ms=None, at_ms=0, shared=True)
    readers = [signed_in(name) for name in ("researcher_top", "teacher_north", "county_north")]
    assert [len(read(reader, taught)) for reader in readers] == [1, 1, 1]
    critique = open_critique(taught)
    assert [len(read(reader, taught)) for reader in readers] == [0, 0, 0]
    hand_in(critique, "researcher_two")
    hand_in(critique, "researcher_top")
    assert [len(read(reader, taught)) for reader in readers] == [1, 1, 1]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ago_ms": None}, "no_moment"),
        ({"at_ms": 5}, "no_moment"),
        ({"ago_ms": 3 * 3_600_000}, "lesson_not_begun"),
        ({"text": "\x00"}, "invalid_request"),
        ({"text": " "}, "invalid_request"),
        ({"kind": "shout"}, "invalid_request"),
        ({"ago_ms": -1}, "invalid_request"),
    ],
)
def test_what_is_no_note_is_refused(taught: Any, signed_in: Any, new_note_id: Any, fields: Any, code: str) -> None:
    assert write(signed_in("researcher_north"), taught, new_note_id(), **fields).json()["code"] == code


def test_a_live_note_long_after_the_lesson_is_refused(
    taught: Any, signed_in: Any, clock: Any, new_note_id: Any
) -> None:
    researcher = signed_in("researcher_north")
    clock.advance(hours=2)
    assert write(researcher, taught, new_note_id()).json()["code"] == "lesson_over"
    assert write(researcher, taught, new_note_id(), ago_ms=2 * 3_600_000 + 60_000).is_success, (
        "it waited for the network"
    )
    assert write(researcher, taught, "not-an-id").status_code == 404
