"""Calendars: by session or by a feed's own token, each event stable, changes rising, nobody else's lessons."""

import re
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def booked(rooms: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]) -> dict[str, Any]:
    answer = signed_in("teacher_north").post("/api/lessons", json=lesson_request("village room"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_calendar_has_the_lesson_in_the_deployments_zone(
    county: Any, booked: dict[str, Any], signed_in: Callable[[str], Any]
) -> None:
    for kind, target in (
        ("teacher", county.users["teacher_north"].id),
        ("room", county.rooms["village room"].id),
        ("school", county.organisations["school_north_2"].id),
    ):
        answer = signed_in("county_north").get(f"/api/calendars/{kind}/{target}.ics")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/calendar")
        assert f"UID:{booked['id']}@three-classrooms" in answer.text
        assert "DTSTART;TZID=Asia/Shanghai:20260907T093000" in answer.text
        assert "SEQUENCE:0" in answer.text


def test_a_cancelled_lesson_stays_with_a_higher_sequence(
    county: Any, booked: dict[str, Any], signed_in: Callable[[str], Any]
) -> None:
    teacher = signed_in("teacher_north")
    path = f"/api/calendars/teacher/{county.users['teacher_north'].id}.ics"
    teacher.post(f"/api/lessons/{booked['id']}/cancel", json={"reason": "雨"})
    text = teacher.get(path).text
    assert "STATUS:CANCELLED" in text
    assert int(re.search(r"SEQUENCE:(\d+)", text).group(1)) > 0  # type: ignore[union-attr]


def test_a_feed_opens_its_calendar_without_a_session_until_revoked(
    county: Any, booked: dict[str, Any], signed_in: Callable[[str], Any], anonymous: Any
) -> None:
    owner, mine = signed_in("teacher_north"), county.users["teacher_north"].id
    feed = owner.post("/api/calendars", json={"kind": "teacher", "target_id": mine}).json()
    assert anonymous.get(feed["path"]).status_code == 200
    other = feed["path"].replace(f"teacher/{mine}", f"school/{county.organisations['school_north_1'].id}")
    assert anonymous.get(other).status_code == 401
    assert anonymous.get(f"/api/calendars/teacher/{mine}.ics").status_code == 401
    assert signed_in("teacher_south").delete(f"/api/calendars/{feed['id']}").status_code == 404
    assert owner.delete(f"/api/calendars/{feed['id']}").status_code == 204
    assert anonymous.get(feed["path"]).status_code == 401


def test_nobody_reads_calendars_outside_the_subtree(
    county: Any, booked: dict[str, Any], signed_in: Callable[[str], Any]
) -> None:
    school, teacher = county.organisations["school_north_1"].id, county.users["teacher_north"].id
    stranger = signed_in("county_south")
    for kind, target in (("school", school), ("teacher", teacher), ("school", "x"), ("class", teacher)):
        assert stranger.get(f"/api/calendars/{kind}/{target}.ics").status_code == 404
    assert stranger.post("/api/calendars", json={"kind": "school", "target_id": school}).status_code == 404
    assert stranger.get(f"/api/calendars/planet/{school}.ics").status_code == 422


def test_a_class_has_a_calendar_whose_event_keeps_its_name_when_it_moves(
    rooms: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    village = rooms.organisations["school_north_2"].id
    one = signed_in("county_north").post(
        "/api/classes", json={"organisation_id": village, "name": "四年级1班", "grade": "grade_4"}
    )
    receiver = {"room_id": rooms.rooms["village room"].id, "class_id": one.json()["id"]}
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", json=lesson_request(receivers=[receiver])).json()
    path = f"/api/calendars/class/{one.json()['id']}.ics"
    before = signed_in("county_north").get(path).text
    moved = {"version": lesson["version"], "starts_at": "2026-09-07T03:00:00Z", "ends_at": "2026-09-07T03:40:00Z"}
    assert teacher.patch(f"/api/lessons/{lesson['id']}", moved).status_code == 200
    after = signed_in("county_north").get(path).text
    for text in (before, after):
        assert f"UID:{lesson['id']}@three-classrooms" in text
        assert "BEGIN:VTIMEZONE" in text
    assert "DTSTART;TZID=Asia/Shanghai:20260907T110000" in after
    assert ("SEQUENCE:0" in before, "SEQUENCE:1" in after) == (True, True)
