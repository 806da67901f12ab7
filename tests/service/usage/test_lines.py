"""What the relay says of the rooms' lines is kept, and each room's missed seconds add up to spans one can replay."""

from typing import Any

import pytest

from media.contract import Delivered, LineState, PartyJoined, Published
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


def test_a_lesson_says_beforehand_who_may_see_its_lines(signed_in: Any, county: Any, weak_lesson: Any) -> None:
    county.add_user("colleague", Role.TEACHER, "school_north_1")
    path = f"/api/lessons/{weak_lesson['id']}"
    told = {name: signed_in(name).get(path).json()["my"]["may_see_lines"] for name in ("teacher_north", "colleague")}
    assert told == {"teacher_north": True, "colleague": False}
    assert signed_in("colleague").get(f"{path}/lines").status_code == 403


def test_a_room_that_was_away_missed_what_the_lead_sent_meanwhile(
    signed_in: Any, weak_lesson: Any, rooms: Any, parts: Any, clock: Any
) -> None:
    start = clock.now().timestamp() + 3600
    lead = {"lesson_id": weak_lesson["id"], "party_id": f"room:{rooms.rooms['lead room'].id}"}
    far = {"lesson_id": weak_lesson["id"], "party_id": f"room:{rooms.rooms['south room'].id}"}
    published = [
        Published(from_at=at, to_at=at + 5, picture_ms=5000, sound_ms=4000, **lead)
        for at in (start + 5 * n for n in range(20))
    ]
    nothing = {"picture_bytes": 1, "sound_bytes": 1, "lead_picture_ms": 5000, "lead_sound_ms": 5000}
    returned = Delivered(from_at=start + 55, to_at=start + 60, **nothing, **far)
    with parts.database.unit_of_work() as session:
        write_events(session, [PartyJoined(connection_id="c0", role="lead", at=start, **lead), *published, returned])
    (line,) = signed_in("teacher_north").get(f"/api/lessons/{weak_lesson['id']}/lines").json()["items"]
    away = [span for span in line["missed"] if span["away"]]
    assert [(span["sound_ms"], span["picture_ms"]) for span in away] == [(16_000, 20_000)]  # from second 35 to 55
    assert line["missed_sound_ms"] == 4000 + 16_000
