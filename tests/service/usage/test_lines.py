"""What the relay says of the rooms' lines is kept, and each room's missed seconds add up to spans one can replay."""

from typing import Any

import pytest

from media.contract import Delivered, LineState, PartyJoined, PartyLeft, Published
from service.accounts.roles import Role
from service.usage.log import write_events


@pytest.fixture
def weak_lesson(signed_in: Any, lesson_request: Any, rooms: Any, parts: Any, clock: Any) -> Any:
    """A lesson whose south room missed 12 s of picture and 3 s of sound in a row, and a second of sound later."""
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request("south room")).json()
    start = clock.now().timestamp() + 3600
    own = {"lesson_id": lesson["id"], "party_id": f"room:{rooms.rooms['south room'].id}"}
    line = {"screen": "none", "loss_pct": 1.5, "queue_ms": 20, "rtt_ms": 45, **own}
    lost = [(0, 0), (5000, 3000), (5000, 0), (2000, 0), (0, 100), (0, 0), (0, 1000)]
    joined = PartyJoined(connection_id="c1", role="room", at=start, **own)
    delivered = [
        Delivered(
            from_at=start + 5 * n,
            to_at=start + 5 * n + 5,
            lead_picture_ms=5000 - picture,
            lead_sound_ms=5000 - sound,
            picture_bytes=1,
            sound_bytes=1,
            missed_picture_ms=picture,
            missed_sound_ms=sound,
            **own,
        )
        for n, (picture, sound) in enumerate(lost)
    ]
    states = [
        LineState(at=start + 5, picture="paused", reason="line", kbps=300, **line),
        LineState(at=start + 17, picture="full", reason="none", kbps=4000, **line),
    ]
    with parts.database.unit_of_work() as session:
        write_events(session, [joined, *delivered, *states])
    return lesson


def test_a_lessons_lines_show_each_change_and_what_was_missed(signed_in: Any, weak_lesson: Any) -> None:
    (line,) = signed_in("teacher_north").get(f"/api/lessons/{weak_lesson['id']}/lines").json()["items"]
    assert (line["name"], line["school"]) == ("south room", "school_south_1")
    assert [(p["picture"], p["reason"], p["kbps"]) for p in line["points"]] == [
        ("paused", "line", 300),
        ("full", "none", 4000),
    ]
    assert [(span["sound_ms"], span["picture_ms"]) for span in line["missed"]] == [(3000, 12000), (1000, 0)]
    assert (line["missed_sound_ms"], line["missed_picture_ms"]) == (4000, 12000)
    first = line["missed"][0]
    assert first["from_at"] < first["to_at"]


def test_only_those_whom_the_lesson_concerns_see_its_lines(signed_in: Any, county: Any, weak_lesson: Any) -> None:
    county.add_user("stranger", Role.TEACHER, "school_south_2")
    path = f"/api/lessons/{weak_lesson['id']}/lines"
    assert signed_in("prefecture").get(path).status_code == 200
    assert signed_in("school_south").get(path).status_code == 200
    assert signed_in("stranger").get(path).status_code == 404
    assert signed_in("prefecture").get("/api/lessons/0123456789abcdef0123456789abcdef/lines").status_code == 404


def test_what_a_room_misses_while_it_is_gone_counts_and_what_it_left_on_purpose_does_not(
    signed_in: Any, weak_lesson: Any, rooms: Any, parts: Any, clock: Any
) -> None:
    start = clock.now().timestamp() + 3600 + 100
    lesson = {"lesson_id": weak_lesson["id"]}
    room = {"party_id": f"room:{rooms.rooms['south room'].id}", **lesson}
    lead = {"party_id": f"room:{rooms.rooms['lead room'].id}", **lesson}
    with parts.database.unit_of_work() as session:
        write_events(
            session,
            [
                PartyJoined(connection_id="lead", role="lead", at=start - 200, **lead),
                *(
                    Published(from_at=start + at, to_at=start + at + 5, picture_ms=5000, sound_ms=4000, **lead)
                    for at in range(0, 60, 5)
                ),
                PartyLeft(connection_id="c1", reason="media_lost", at=start + 10, **room),
                PartyJoined(connection_id="c2", role="room", at=start + 22.5, **room),
                PartyLeft(connection_id="c2", reason="left", at=start + 40, **room),
            ],
        )
    (line,) = signed_in("teacher_north").get(f"/api/lessons/{weak_lesson['id']}/lines").json()["items"]
    assert [(span["sound_ms"], span["picture_ms"]) for span in line["missed"]][2:] == [(10_000, 12_500)]
