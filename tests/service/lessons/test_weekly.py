"""Weekly series people book: by the calendars of the schools, all or nothing, edited from one lesson on."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from service.organisation.bells import replace_bells
from service.organisation.tables import Term
from service.planning.tables import SpecialDay

BELLS = [(1, "08:30", "09:10"), (2, "09:20", "10:00")]


@pytest.fixture
def term(rooms: Any) -> Any:
    """Six weeks from the clock's Monday: the second Monday is off, the Saturday after runs Monday's timetable."""
    with rooms.parts.database.unit_of_work() as session:
        prefecture = session.merge(rooms.organisations["prefecture"], load=True)
        replace_bells(session, prefecture, BELLS)
        session.add(
            Term(organisation_id=prefecture.id, name="秋", starts_on=date(2026, 9, 1), ends_on=date(2026, 10, 30))
        )
        session.add(SpecialDay(organisation_id=prefecture.id, day=date(2026, 9, 21), runs=None, name="放假"))
        session.add(SpecialDay(organisation_id=prefecture.id, day=date(2026, 9, 26), runs=0, name="补课"))
        south = rooms.organisations["school_south_1"].id
        session.add(SpecialDay(organisation_id=south, day=date(2026, 9, 28), runs=None, name="运动会"))
    return rooms


@pytest.fixture
def book(term: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]) -> Callable[..., Any]:
    def run(*receivers: str, **fields: Any) -> Any:
        body = lesson_request(*receivers, starts_at=None, ends_at=None)
        body |= {"date": "2026-09-14", "period": 2, "until": "2026-10-12"} | fields
        return signed_in("teacher_north").post("/api/lessons/series", json=body)

    return run


def days(booked: Any) -> list[str]:
    return [one["starts_at"][:10] for one in booked.json()["lessons"]]


def test_a_series_leaves_out_holidays_and_follows_make_up_days(book: Callable[..., Any]) -> None:
    booked = book("village room")
    assert booked.status_code == 201, booked.text
    assert days(booked) == ["2026-09-14", "2026-09-26", "2026-09-28", "2026-10-05", "2026-10-12"]
    assert {one["starts_at"][11:16] for one in booked.json()["lessons"]} == {"01:20"}
    assert len({one["series_id"] for one in booked.json()["lessons"]}) == 1


def test_a_school_that_does_not_teach_on_a_date_is_left_out_of_it(book: Callable[..., Any]) -> None:
    both = book("village room", "south room")
    counts = {one["starts_at"][:10]: len(one["receivers"]) for one in both.json()["lessons"]}
    assert counts["2026-09-28"] == 1
    assert counts["2026-10-05"] == 2


def test_a_room_asked_alone_has_no_lesson_on_a_date_its_school_is_closed(book: Callable[..., Any]) -> None:
    assert "2026-09-28" not in days(book("south room"))


def test_odd_weeks_are_counted_by_the_term(book: Callable[..., Any]) -> None:
    assert days(book("village room", weeks="odd")) == ["2026-09-14", "2026-09-28", "2026-10-12"]


def test_one_clash_refuses_all_or_is_left_out_if_asked(
    book: Callable[..., Any], lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    body = lesson_request("village room", starts_at="2026-10-05T01:30:00Z", ends_at="2026-10-05T02:00:00Z")
    assert signed_in("teacher_north").post("/api/lessons", json=body).status_code == 201
    refused = book("village room")
    assert (refused.status_code, refused.json()["code"]) == (409, "booking_conflict")
    assert signed_in("teacher_north").get("/api/lessons").json()["total"] == 1
    booked = book("village room", without_clashing=True)
    assert booked.json()["left_out"] == ["2026-10-05"]
    assert "2026-10-05" not in days(booked)


def test_this_lesson_and_all_after_it_move_and_the_schools_are_asked_again(
    book: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    lessons = book("village room").json()["lessons"]
    third = lessons[2]
    change = {"version": third["version"], "date": "2026-09-29", "period": 1, "title": "新课题"}
    done = signed_in("teacher_north").patch(f"/api/lessons/{third['id']}/rest", json=change)
    assert done.json() == {"lessons": 3}, done.text
    now = [signed_in("teacher_north").get(f"/api/lessons/{one['id']}").json() for one in lessons]
    assert [one["starts_at"][:16] for one in now[2:]] == ["2026-09-29T00:30", "2026-10-06T00:30", "2026-10-13T00:30"]
    assert [one["title"] for one in now] == ["分数的意义"] * 2 + ["新课题"] * 3
    stale = signed_in("teacher_north").patch(f"/api/lessons/{third['id']}/rest", json=change)
    assert stale.json()["code"] == "stale"


def test_this_lesson_and_all_after_it_are_called_off(book: Callable[..., Any], signed_in: Callable[[str], Any]) -> None:
    lessons = book("village room").json()["lessons"]
    path = f"/api/lessons/{lessons[1]['id']}/rest/cancel"
    assert signed_in("teacher_south").post(path).status_code == 404
    assert signed_in("teacher_north").post(path, json={"reason": "换人"}).json() == {"lessons": 4}
    states = [signed_in("teacher_north").get(f"/api/lessons/{one['id']}").json()["state"] for one in lessons]
    assert states == ["booked"] + ["cancelled"] * 4
    assert book("village room").json()["code"] == "booking_conflict", "the first is still booked"


def test_impossible_series_are_refused(book: Callable[..., Any]) -> None:
    assert book("village room", until="2026-09-01").status_code == 422
    assert book("village room", date="2026-09-21").json()["code"] == "no_school_day"
    assert book("village room", until=None).status_code == 422


def test_suggestions_are_periods_in_which_all_is_free_and_book_nothing(
    term: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    teacher = signed_in("teacher_north")
    taken = lesson_request("village room", starts_at="2026-09-14T00:30:00Z", ends_at="2026-09-14T01:10:00Z")
    teacher.post("/api/lessons", json=taken)
    found = teacher.post("/api/lessons/suggestions", json=taken)
    assert found.status_code == 200, found.text
    assert found.json()["items"][0] == {
        "date": "2026-09-14",
        "period": 2,
        "starts_at": "2026-09-14T01:20:00Z",
        "ends_at": "2026-09-14T02:00:00Z",
    }
    assert teacher.get("/api/lessons").json()["total"] == 1


def test_who_leads_is_told_but_not_asked(
    rooms: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any], county: Any
) -> None:
    office = signed_in("county_north")
    booking = lesson_request("south room", lead_teacher_id=county.users["teacher_north"].id)
    lesson = office.post("/api/lessons", json=booking).json()
    later = lesson_request(in_minutes=200)
    moved = {"version": lesson["version"], "starts_at": later["starts_at"], "ends_at": later["ends_at"]}
    assert office.patch(f"/api/lessons/{lesson['id']}", moved).status_code == 200
    people = ("teacher_north", "school_south")
    told = {who: {one["kind"] for one in signed_in(who).get("/api/notices").json()["items"]} for who in people}
    assert told == {
        "teacher_north": {"lesson_to_lead", "lesson_moved_told"},
        "school_south": {"lesson_asked", "lesson_moved"},
    }


def test_those_concerned_are_told_of_bookings_answers_and_cancellations(
    rooms: Any, lesson_request: Callable[..., Any], signed_in: Callable[[str], Any]
) -> None:
    teacher, school = signed_in("teacher_north"), signed_in("school_south")
    lesson = teacher.post("/api/lessons", json=lesson_request("south room")).json()
    assert [one["kind"] for one in school.get("/api/notices").json()["items"]] == ["lesson_asked"]
    receiver = lesson["receivers"][0]["id"]
    school.post(f"/api/lessons/{lesson['id']}/receivers/{receiver}/accept")
    heard = teacher.get("/api/notices").json()
    assert [(one["kind"], one["data"]["receiving_school"]) for one in heard["items"]] == [
        ("receiver_accepted", "school_south_1")
    ]
    teacher.post(f"/api/lessons/{lesson['id']}/cancel", json={"reason": "雨"})
    told = school.get("/api/notices?unread=true").json()
    assert {one["kind"] for one in told["items"]} == {"lesson_asked", "lesson_cancelled"}
    one = next(one for one in told["items"] if one["kind"] == "lesson_cancelled")
    assert one["data"]["reason"] == "雨"
    assert school.post("/api/notices/read", json={"ids": [one["id"]]}).json() == {"marked": 1}
    assert school.get("/api/notices").json()["unread"] == 1
    assert signed_in("teacher_south").get("/api/notices").json()["total"] == 0
