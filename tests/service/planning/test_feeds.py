"""Calendars: by session or by a feed's own token, each event stable, changes rising, nobody else's lessons."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from strict_icalendar import Calendar, NotICalendarError, parse_calendar

from service.accounts.roles import Role


@pytest.fixture
def booked(rooms: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]) -> dict[str, Any]:
    answer = signed_in("teacher_north").post("/api/lessons", json=lesson_request("village room"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def calendar_of(caller: Any, kind: str, target: str) -> Calendar:
    answer = caller.get(f"/api/calendars/{kind}/{target}.ics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return parse_calendar(answer.content)


def test_teacher_room_class_and_school_each_have_a_calendar_other_programs_can_read(
    rooms: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    county, caller = rooms, signed_in("county_north")
    county.add_user("teacher_north_2", Role.TEACHER, "school_north_2")
    village = county.organisations["school_north_2"].id
    one = caller.post("/api/classes", json={"organisation_id": village, "name": "四年级1班", "grade": "grade_4"}).json()
    receiver = {
        "room_id": county.rooms["village room"].id,
        "class_id": one["id"],
        "accompanying_teacher_id": county.users["teacher_north_2"].id,
    }
    title = "数一数; 分数, 与\\小数:" + "长" * 60
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", json=lesson_request(receivers=[receiver], title=title)).json()
    led, received = "school_north_1 lead room", "school_north_2 village room"
    for kind, target, place in (
        ("teacher", county.users["teacher_north"].id, led),
        ("teacher", county.users["teacher_north_2"].id, received),
        ("room", county.rooms["lead room"].id, led),
        ("room", county.rooms["village room"].id, received),
        ("class", one["id"], received),
        ("school", county.organisations["school_north_1"].id, led),
        ("school", village, received),
    ):
        event = calendar_of(caller, kind, target).event(lesson["id"])
        assert event.uid == f"{lesson['id']}@three-classrooms"
        assert (event.sequence, event.status) == (0, "CONFIRMED")
        assert event.starts_at == datetime.fromisoformat(lesson["starts_at"])
        assert event.ends_at == datetime.fromisoformat(lesson["ends_at"])
        assert event.summary == f"{title} · teacher_north"
        assert event.location == place, (kind, place)
        assert event.description.splitlines() == [led, received]


def test_what_was_declined_is_in_no_calendar_of_the_receiving_side(
    rooms: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    colleague = rooms.add_user("teacher_north_2", Role.TEACHER, "school_north_2").id
    receiver = {"room_id": rooms.rooms["village room"].id, "accompanying_teacher_id": colleague}
    lesson = signed_in("teacher_north").post("/api/lessons", json=lesson_request(receivers=[receiver])).json()
    caller = signed_in("teacher_north_2")
    assert len(calendar_of(caller, "teacher", colleague).events) == 1
    declined = caller.post(f"/api/lessons/{lesson['id']}/receivers/{lesson['receivers'][0]['id']}/decline", json={})
    assert declined.status_code == 200, declined.text
    assert calendar_of(caller, "teacher", colleague).events == []


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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\r\n", b"\n"),
        (b"SEQUENCE:0", b"SEQUENCE:one"),
        (b"TZOFFSETTO:+0800", b"TZOFFSETTO:+0900"),
        (b"END:VEVENT\r\n", b""),
        (b"STATUS:CONFIRMED", b"STATUS:CONFIRMED\r\nUID:again"),
        (b"VERSION:2.0", b"VERSION:2.0\r\nNAME:" + b"x" * 80),
    ],
)
def test_the_strict_reader_refuses_what_breaks_a_rule(
    county: Any, booked: dict[str, Any], signed_in: Callable[[str], Any], before: bytes, after: bytes
) -> None:
    path = f"/api/calendars/teacher/{county.users['teacher_north'].id}.ics"
    content = signed_in("teacher_north").get(path).content
    assert before in content
    parse_calendar(content)
    with pytest.raises(NotICalendarError):
        parse_calendar(content.replace(before, after))
