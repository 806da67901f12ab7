"""Log lines as JSON carry ids and nothing that names a person."""

import json
import logging

from service.monitoring.log_lines import LogLines


def line(**extra: object) -> dict[str, object]:
    record = logging.makeLogRecord(
        {"name": "service.live", "levelname": "WARNING", "levelno": 30, "msg": "no heartbeat for %d s", "args": (15,)}
        | {"created": 1788_800_000.25}
        | extra
    )
    read: dict[str, object] = json.loads(LogLines().format(record))
    return read


def test_a_line_tells_when_how_bad_where_and_what() -> None:
    assert line() == {
        "at": "2026-09-07T16:53:20.250+00:00",
        "level": "warning",
        "source": "service.live",
        "message": "no heartbeat for 15 s",
    }


def test_ids_of_lessons_rooms_and_relays_are_fields_of_their_own() -> None:
    found = line(lesson_id="l1", room_id="r1", relay_id="relay-1")
    assert (found["lesson_id"], found["room_id"], found["relay_id"]) == ("l1", "r1", "relay-1")


def test_whatever_else_code_gives_along_stays_inside() -> None:
    assert not {"username", "display_name", "password"} & set(
        line(username="wang", display_name="王老师", password="x")
    )


def test_a_traceback_stays_on_the_one_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = line(exc_info=(type(error), error, error.__traceback__))
    assert "ValueError: two" in str(record["exc_info"])
