"""Watching a public lesson by oneself: signed up without a room, told of changes, let in live, not into recordings."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.lessons.rights import may_replay, role_in_lesson
from service.lessons.tables import Lesson, LessonClaim


@pytest.fixture
def watch(event: dict[str, Any], signed_in: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda who: signed_in(who).post(f"/api/events/{event['id']}/observing")


def test_a_teacher_of_another_county_watches_without_claiming_anything(
    parts: Any, event: dict[str, Any], watch: Callable[[str], Any], signed_in: Callable[[str], Any]
) -> None:
    caller, lesson_id = signed_in("teacher_south"), event["meetings"][0]["lesson_id"]
    assert caller.get(f"/api/lessons/{lesson_id}").status_code == 404
    with parts.database.reading() as session:
        claims = session.query(LessonClaim).count()
    answer = watch("teacher_south")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["observers"], answer.json()["seats_taken"]) == (1, 0)
    assert (answer.json()["my"]["observes"], answer.json()["my"]["may_observe"]) == (True, False)
    assert watch("teacher_south").json()["observers"] == 1
    mine = caller.get("/api/lessons", params={"mine": "true"}).json()["items"]
    assert [one["id"] for one in mine] == [one["lesson_id"] for one in event["meetings"]]
    assert caller.get(f"/api/lessons/{lesson_id}").json()["my"]["role"] == "observer"
    assert [one["id"] for one in caller.get("/api/events", params={"mine": "true"}).json()["items"]] == [event["id"]]
    with parts.database.reading() as session:
        assert session.query(LessonClaim).count() == claims


def test_who_watches_may_join_when_the_lesson_opens_and_may_not_open_its_recording(
    parts: Any, clock: Any, event: dict[str, Any], watch: Callable[[str], Any], signed_in: Callable[[str], Any]
) -> None:
    watch("teacher_south")
    lesson_id = event["meetings"][0]["lesson_id"]
    assert not signed_in("teacher_south").get(f"/api/lessons/{lesson_id}").json()["my"]["may_join"]
    clock.advance(days=2)
    assert signed_in("teacher_south").get(f"/api/lessons/{lesson_id}").json()["my"]["may_join"]
    with parts.database.reading() as session:
        lesson = session.get_one(Lesson, lesson_id)
        user = lesson.observers[0].user_id
        person = Person(user, "u", "", Role.TEACHER, "x" * 32, "/nowhere/", "school", "zh-CN", "", "")
        assert role_in_lesson(person, lesson) == "observer"
        assert not may_replay(person, lesson)


def test_who_stops_watching_sees_the_lesson_no_more(
    event: dict[str, Any], watch: Callable[[str], Any], signed_in: Callable[[str], Any]
) -> None:
    watch("teacher_south")
    caller = signed_in("teacher_south")
    answer = caller.delete(f"/api/events/{event['id']}/observing")
    assert (answer.json()["observers"], answer.json()["my"]["may_observe"]) == (0, True)
    assert caller.get(f"/api/lessons/{event['meetings'][0]['lesson_id']}").status_code == 404


def test_who_watches_is_told_when_a_lesson_moves_or_is_called_off(
    event: dict[str, Any], watch: Callable[[str], Any], signed_in: Callable[[str], Any], clock: Any
) -> None:
    watch("teacher_south")
    teacher, lesson_id = signed_in("teacher_north"), event["meetings"][0]["lesson_id"]
    starts = clock.now() + timedelta(days=3)
    times = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(minutes=40)).isoformat()}
    version = teacher.get(f"/api/lessons/{lesson_id}").json()["version"]
    assert teacher.patch(f"/api/lessons/{lesson_id}", {"version": version} | times).status_code == 200
    assert teacher.post(f"/api/events/{event['id']}/cancel", json={"reason": "雨"}).status_code == 200
    kinds = [one["kind"] for one in signed_in("teacher_south").get("/api/notices").json()["items"]]
    assert sorted(set(kinds)) == ["lesson_cancelled", "lesson_moved_told"]
    assert signed_in("teacher_south").post(f"/api/events/{event['id']}/observing").json()["code"] == "event_cancelled"


def test_only_the_invited_watch_and_nobody_watches_what_is_over(
    announce: Callable[..., Any], county: Any, clock: Any, signed_in: Callable[[str], Any]
) -> None:
    near = announce(organisation_id=county.organisations["county_north"].id).json()["id"]
    assert signed_in("teacher_south").post(f"/api/events/{near}/observing").status_code == 404
    assert signed_in("researcher_north").post(f"/api/events/{near}/observing").status_code == 200
    teacher = signed_in("teacher_north")
    for meeting in teacher.get(f"/api/events/{near}").json()["meetings"]:
        lesson = teacher.get(f"/api/lessons/{meeting['lesson_id']}").json()
        assert teacher.post(f"/api/lessons/{lesson['id']}/cancel", json={}).status_code == 200
    assert signed_in("inspector_north").post(f"/api/events/{near}/observing").json()["code"] == "signup_closed"
