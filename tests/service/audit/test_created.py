"""An act that creates something says what: the id it got, and on reading its present name."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.status import HTTP_201_CREATED

from service.audit.acts import NOT_NOTED
from service.features import ROUTERS

CREATING = {
    route.name
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.status_code == HTTP_201_CREATED and "{" not in route.path
} - NOT_NOTED
WITHOUT_PERSON = {"set_up", "begin_pairing"}
ELSEWHERE = {"create_critique", "create_comparison", "create_nomination", "tell_change"}
"""Need a held lesson or a plan in force: tests/service/{reviews,planning} ask the same of them."""
CRITERIA = [{"id": "goals", "title": "目标", "points": 10}]


def last_act(caller: Any) -> dict[str, Any]:
    act: dict[str, Any] = caller.get("/api/audit", params={"limit": 1}).json()["items"][0]
    return act


@pytest.fixture
def bodies(
    county: Any, lesson_request: Any, clock: Any
) -> dict[str, tuple[str, str, Callable[[], dict[str, Any]], str]]:
    """For each operation its address, the name of the id it gives, what is sent, and what people call the result."""
    at = {name: node.id for name, node in county.organisations.items()}
    teacher = county.users["teacher_north"].id
    booking = lesson_request("south room", lead_teacher_id=teacher)
    return {
        "create_account": ("/api/users", "user_id", lambda: {
            "username": "newcomer", "password": "a long password", "display_name": "新老师", "role": "teacher",
            "organisation_id": at["school_north_1"]}, "新老师"),
        "create_organisation": ("/api/organisations", "organisation_id", lambda: {
            "parent_id": at["county_north"], "name": "新学校", "kind": "school"}, "新学校"),
        "create_term": ("/api/terms", "term_id", lambda: {
            "organisation_id": at["county_north"], "name": "秋季学期", "starts_on": "2026-09-01",
            "ends_on": "2027-01-15"}, "秋季学期"),
        "create_class": ("/api/classes", "class_id", lambda: {
            "organisation_id": at["school_north_1"], "name": "五（1）班", "grade": "grade_5"}, "五（1）班"),
        "create_room": ("/api/rooms", "room_id", lambda: {
            "organisation_id": at["school_north_1"], "name": "音乐室"}, "音乐室"),
        "create_rubric": ("/api/rubrics", "rubric_id", lambda: {"name": "本县量表", "criteria": CRITERIA}, "本县量表"),
        "book_lesson": ("/api/lessons", "lesson_id", lambda: booking, "分数的意义"),
        "book_series": ("/api/lessons/series", "lesson_id", lambda: booking | {"until": "2026-09-20"}, "分数的意义"),
        "announce": ("/api/events", "event_id", lambda: {
            "kind": "famous_teacher", "title": "名师公开课", "subject": "chinese", "grade": "grade_5",
            "lead_teacher_id": teacher, "lead_room_id": booking["lead_room_id"],
            "meetings": [{"starts_at": booking["starts_at"], "ends_at": booking["ends_at"]}],
            "quota": 1, "signup_until": booking["starts_at"]}, "名师公开课"),
        "subscribe": ("/api/calendars", "feed_id", lambda: {"kind": "teacher", "target_id": teacher}, ""),
    }  # fmt: skip


@pytest.mark.parametrize("operation", sorted(CREATING - WITHOUT_PERSON - ELSEWHERE))
def test_what_was_created_is_named(operation: str, bodies: Any, signed_in: Any) -> None:
    caller = signed_in("county_north")
    address, parameter, body, name = bodies[operation]
    answer = caller.post(address, body())
    assert answer.status_code == 201, answer.text
    act = last_act(caller)
    assert act["operation"] == operation
    told = answer.json()
    assert act["about"][parameter] == told.get("id", told.get("lessons", [told])[0].get("id"))
    assert act["subject"] == (name or None)


def test_an_imported_list_is_named_by_its_file(signed_in: Any, rooms: Any) -> None:
    caller = signed_in("county_north")
    content = "学校,教室名称\nschool_north_1,新教室\n".encode()
    sent = caller.client.post("/api/imports", data={"kind": "rooms"}, files={"file": ("教室.csv", content)}).json()
    assert caller.post(f"/api/imports/{sent['id']}/apply").status_code == 200
    assert last_act(caller)["subject"] == "教室.csv"


def test_what_came_of_a_refused_creation_is_not_named(signed_in: Any, bodies: Any) -> None:
    caller = signed_in("county_north")
    address, _parameter, body, _name = bodies["create_class"]
    assert caller.post(address, body()).status_code == 201
    before = len(caller.get("/api/audit").json()["items"])
    assert caller.post(address, body()).status_code == 409
    assert len(caller.get("/api/audit").json()["items"]) == before
