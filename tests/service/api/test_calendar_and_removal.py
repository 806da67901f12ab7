"""Holidays, seasons, and taking away terms and organisations nobody uses."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest


@pytest.fixture
def north(county: Any) -> str:
    return str(county.organisations["county_north"].id)


def test_a_make_up_day_is_kept_and_seen_below(county: Any, north: str, signed_in: Callable[[str], Any]) -> None:
    caller = signed_in("county_north")
    path = f"/api/organisations/{north}/special-days"
    assert caller.put(f"{path}/2026-10-01", {"name": "国庆"}).status_code == 200
    made = caller.put(f"{path}/2026-10-10", {"runs": 3, "of_week": "even", "name": "补周四"})
    assert [(one["date"], one["runs"], one["own"]) for one in made.json()["special_days"]] == [
        ("2026-10-01", None, True),
        ("2026-10-10", 3, True),
    ]
    school = county.organisations["school_north_1"].id
    below = signed_in("teacher_north").get(f"/api/organisations/{school}/calendar").json()
    assert [(one["organisation"], one["own"]) for one in below["special_days"]] == [("county_north", False)] * 2
    assert caller.delete(f"{path}/2026-10-01").status_code == 204
    assert caller.delete(f"{path}/2026-10-01").status_code == 404
    assert caller.put(f"{path}/2026-10-02", {"of_week": "odd"}).status_code == 422
    assert signed_in("county_south").put(f"{path}/2026-10-02", {}).status_code == 404
    assert signed_in("teacher_north").put(f"{path}/2026-10-02", {}).status_code == 403


def test_seasonal_bells_are_set_and_taken_away(county: Any, signed_in: Callable[[str], Any]) -> None:
    school = county.organisations["school_north_1"].id
    path = f"/api/organisations/{school}/seasons/2026-10-08"
    bells = {"items": [{"number": 1, "starts": "08:40", "ends": "09:20"}]}
    caller = signed_in("school_north")
    assert caller.put(path, bells).json()["seasons"] == [
        {"from_day": "2026-10-08", "organisation_id": school, "organisation": "school_north_1", "own": True, **bells}
    ]
    wrong = {"items": [{"number": 1, "starts": "09:40", "ends": "09:20"}]}
    assert caller.put(path, wrong).status_code == 422
    assert caller.put(path, {"items": []}).json()["seasons"] == []


def test_a_lesson_of_a_period_is_booked_by_the_bells_of_its_season(
    county: Any, north: str, signed_in: Callable[[str], Any]
) -> None:
    caller, school = signed_in("county_north"), county.organisations["school_north_1"].id
    usual = {"items": [{"number": 1, "starts": "08:30", "ends": "09:10"}]}
    winter = {"items": [{"number": 1, "starts": "09:00", "ends": "09:45"}]}
    today = county.parts.clock.now().date()
    begins = today + timedelta(days=20)
    assert caller.put(f"/api/organisations/{north}/periods", usual).status_code == 200
    assert caller.put(f"/api/organisations/{north}/seasons/{begins}", winter).status_code == 200
    teacher = signed_in("teacher_north")
    room = county.add_room("lead room", "school_north_1")
    seasons = teacher.get(f"/api/organisations/{school}/calendar").json()["seasons"]
    assert [(one["from_day"], one["organisation"], one["own"]) for one in seasons] == [
        (str(begins), "county_north", False)
    ]
    for day, starts, since in ((begins - timedelta(days=1), "08:30", None), (begins, "09:00", str(begins))):
        rings = teacher.get(f"/api/organisations/{school}/periods", params={"on": str(day)}).json()
        assert (rings["items"][0]["starts"], rings["since"]) == (starts, since)
        body = {"kind": "famous_teacher", "title": "课", "subject": "english", "grade": "grade_4", "receivers": []}
        booked = teacher.post("/api/lessons", json=body | {"date": str(day), "period": 1, "lead_room_id": room.id})
        assert booked.status_code == 201, booked.text
        at = datetime.fromisoformat(booked.json()["starts_at"]).astimezone(county.parts.configuration.zone)
        assert f"{at:%H:%M}" == starts


def test_a_term_without_plans_is_taken_away(county: Any, north: str, signed_in: Callable[[str], Any]) -> None:
    caller = signed_in("county_north")
    body = {"organisation_id": north, "name": "秋", "starts_on": "2026-09-01", "ends_on": "2027-01-20"}
    term = caller.post("/api/terms", json=body).json()["id"]
    assert signed_in("county_south").delete(f"/api/terms/{term}").status_code == 404
    assert signed_in("school_north").delete(f"/api/terms/{term}").status_code == 403
    assert caller.delete(f"/api/terms/{term}").status_code == 204
    assert caller.delete(f"/api/terms/{term}").status_code == 404


def test_only_an_empty_organisation_is_taken_away(county: Any, north: str, signed_in: Callable[[str], Any]) -> None:
    caller = signed_in("county_north")
    new = caller.post("/api/organisations", json={"parent_id": north, "name": "空校", "kind": "school"}).json()["id"]
    bells = {"items": [{"number": 1, "starts": "08:40", "ends": "09:20"}]}
    assert caller.put(f"/api/organisations/{new}/periods", bells).status_code == 200
    used = county.organisations["school_north_1"].id
    for one in (used, north):
        refused = signed_in("prefecture").delete(f"/api/organisations/{one}")
        assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert caller.delete(f"/api/organisations/{north}").status_code == 403
    assert signed_in("county_south").delete(f"/api/organisations/{new}").status_code == 404
    assert caller.delete(f"/api/organisations/{new}").status_code == 204
    assert caller.get(f"/api/organisations/{new}/periods").status_code == 404
