"""Chapters of a recording that follow from the usage log: started, screen shared, lines that dropped layers."""

from typing import Any

from media.contract import LineState, TrackEnded, TrackPublished
from service.accounts.roles import Role
from service.usage.log import LoggedEvent, write_events

ORIGIN_S = 1788_800_000.0


def line(lesson: Any, party: str, second: float, picture: str, reason: str = "line") -> LineState:
    return LineState.model_validate({
        "lesson_id": lesson["id"], "party_id": party, "at": ORIGIN_S + second, "picture": picture, "screen": "none",
        "reason": reason, "kbps": 900, "loss_pct": 0.0, "queue_ms": 10, "rtt_ms": 40,
    })  # fmt: skip


def chapters(caller: Any, lesson: Any, prefix: str) -> list[tuple[int, str, str]]:
    events = caller.get(f"/api/lessons/{lesson['id']}/recording").json()["events"]
    return [(one["at_ms"], one["type"], one["party_name"]) for one in events if one["type"].startswith(prefix)]


def write(parts: Any, events: list[LoggedEvent]) -> None:
    with parts.database.unit_of_work() as session:
        write_events(session, events)


def test_a_line_that_gets_less_is_a_chapter_and_again_when_it_gets_still_less(
    full: Any, parts: Any, signed_in: Any
) -> None:
    south = full["south"]
    states = [(1, "full"), (10, "small"), (25, "small"), (30, "paused"), (45, "small"), (50, "full"), (55, "small"),
              (60, "full"), (90, "slow")]  # fmt: skip
    write(parts, [line(full, south, at, picture) for at, picture in states])
    assert chapters(signed_in("teacher_north"), full, "layer_") == [
        (10_000, "layer_small", "south room"),
        (30_000, "layer_paused", "south room"),
        (90_000, "layer_slow", "south room"),
    ]


def test_what_the_sender_withholds_and_lines_of_those_not_shown_make_no_chapter(
    full: Any, parts: Any, county: Any, signed_in: Any
) -> None:
    write(parts, [
        line(full, full["south"], 5, "none"), line(full, full["south"], 6, "small", "sender"),
        line(full, "room:unknown", 7, "paused"), line(full, full["teacher"], 8, "paused"),
    ])  # fmt: skip
    assert chapters(signed_in("teacher_north"), full, "layer_") == [(8_000, "layer_paused", "teacher_south")]
    county_path = {"organisation_id": county.organisations["county_north"].id}
    published = signed_in("county_north").put(f"/api/lessons/{full['id']}/recording/publication", county_path)
    assert published.status_code == 200, published.text
    county.add_user("reader", Role.TEACHER, "school_north_2")
    assert chapters(signed_in("reader"), full, "layer_") == []


def test_a_shared_screen_begins_and_ends_chapters(full: Any, parts: Any, signed_in: Any) -> None:
    shared: dict[str, Any] = {"lesson_id": full["id"], "party_id": full["south"], "track_id": "a"}
    write(parts, [
        TrackPublished(**shared, source="screen", kind="video", codec="vp8", at=ORIGIN_S + 3),
        TrackEnded(**shared, at=ORIGIN_S + 9),
        TrackPublished(**shared | {"track_id": "b"}, source="camera", kind="video", codec="vp8", at=ORIGIN_S + 3),
    ])  # fmt: skip
    assert chapters(signed_in("teacher_north"), full, "screen_") == [
        (3_000, "screen_started", "south room"),
        (9_000, "screen_ended", "south room"),
    ]
