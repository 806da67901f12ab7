"""Sample lessons: nominated, reviewed blind, selected, published where everybody below finds them, counted."""

from typing import Any

import pytest

ALL = (
    "system", "prefecture", "county_north", "county_south", "school_north", "school_south", "school_other",
    "teacher_north", "teacher_south", "teacher_other", "researcher_north", "researcher_south", "inspector_north",
    "inspector_south",
)  # fmt: skip
ABOVE = {"system", "prefecture", "county_north", "school_north", "researcher_north", "inspector_north"}
DECIDERS = {"system", "prefecture", "county_north"}


@pytest.fixture
def nominated(taught: Any, signed_in: Any) -> Any:
    answer = signed_in("teacher_north").post("/api/samples", {"lesson_id": taught["id"], "reason": "两端互动好"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def act(caller: Any, sample: Any, deed: str, body: Any = None) -> Any:
    return caller.post(f"/api/samples/{sample['id']}/{deed}", body)


def test_who_may_nominate_and_who_sees_nominations(taught: Any, signed_in: Any, anonymous: Any) -> None:
    callers = {name: signed_in(name) for name in ALL}
    nominating = set()
    for name, caller in callers.items():
        answer = caller.post("/api/samples", {"lesson_id": taught["id"]})
        if answer.status_code == 201:
            nominating.add(name)
            assert act(caller, answer.json(), "withdraw").json()["state"] == "withdrawn"
    assert nominating == ABOVE | {"teacher_north"}
    seeing = {name for name, caller in callers.items() if caller.get("/api/samples").json()["total"] == 1}
    assert seeing == ABOVE | {"teacher_north"}
    counting = {name for name, caller in callers.items() if caller.get("/api/samples/figures").status_code == 200}
    assert counting == set(ALL) - {"teacher_north", "teacher_south", "teacher_other"}
    assert anonymous.get("/api/samples").status_code == 401
    assert anonymous.get("/api/library").status_code == 401


def test_experts_review_blind_and_administrators_select(
    nominated: Any, taught: Any, signed_in: Any, people: Any, hand_in: Any
) -> None:
    review = {"rubric_id": "classroom", "reviewer_ids": [people.users["researcher_two"].id]}
    county = signed_in("county_north")
    for name in set(ALL) - DECIDERS:
        assert act(signed_in(name), nominated, "review", review).status_code in (403, 404), name
    reviewing = act(county, nominated, "review", review).json()
    assert (reviewing["state"], reviewing["review_over"], reviewing["score"]) == ("in_review", False, None)
    assert act(county, nominated, "decision", {"outcome": "selected"}).json()["code"] == "review_open"
    critique = signed_in("researcher_two").get(f"/api/critiques/{reviewing['critique_id']}").json()
    assert critique["purpose"] == "sample"
    hand_in(critique, "researcher_two")
    reviewed = county.get(f"/api/samples/{nominated['id']}").json()
    assert (reviewed["review_over"], reviewed["score"]) == (True, 80.0)
    for name in set(ALL) - DECIDERS:
        assert act(signed_in(name), nominated, "decision", {"outcome": "selected"}).status_code in (403, 404), name
    selected = act(county, nominated, "decision", {"outcome": "selected", "note": "全县示范"}).json()
    assert (selected["state"], selected["decision_note"]) == ("selected", "全县示范")
    assert act(county, nominated, "decision", {"outcome": "declined"}).json()["code"] == "nomination_decided"
    assert act(signed_in("teacher_north"), nominated, "withdraw").json()["code"] == "nomination_decided"


def library(caller: Any, query: str = "") -> list[str]:
    return [item["title"] for item in caller.get(f"/api/library{query}").json()["items"]]


def test_a_published_lesson_is_found_below_its_publisher_and_nowhere_else(nominated: Any, signed_in: Any) -> None:
    county = signed_in("county_north")
    assert act(county, nominated, "publish").json()["code"] == "not_selected"
    act(county, nominated, "decision", {"outcome": "selected"})
    for name in set(ALL) - DECIDERS:
        assert act(signed_in(name), nominated, "publish").status_code in (403, 404), name
    assert act(county, nominated, "publish").json()["published_at"] is not None
    finding = {name for name in ALL if library(signed_in(name)) == ["分数的意义"]}
    below = ABOVE - {"system", "prefecture"} | {"teacher_north", "teacher_other", "school_other"}
    assert finding == below
    act(signed_in("prefecture"), nominated, "publish")
    assert {name for name in ALL if library(signed_in(name)) == ["分数的意义"]} == set(ALL)
    assert act(county, nominated, "unpublish").json()["published_at"] is None
    assert act(county, nominated, "unpublish").json()["code"] == "not_published"
    assert library(signed_in("teacher_other")) == []


def test_a_published_lesson_is_watched_without_rooms_that_were_not_released(nominated: Any, signed_in: Any) -> None:
    path = f"/api/lessons/{nominated['lesson_id']}/recording"
    reader = signed_in("teacher_other")
    assert reader.get(path).status_code == 404
    act(signed_in("county_north"), nominated, "decision", {"outcome": "selected"})
    act(signed_in("county_north"), nominated, "publish")
    seen = reader.get(path).json()
    assert (seen["how"], [stream["party_name"] for stream in seen["streams"]]) == ("published", ["lead room"])
    assert reader.get(f"{path}/timeline").json()["chapters"] == []
    act(signed_in("county_north"), nominated, "unpublish")
    assert reader.get(path).status_code == 404


def test_the_library_is_searched(nominated: Any, signed_in: Any) -> None:
    prefecture = signed_in("prefecture")
    act(prefecture, nominated, "decision", {"outcome": "selected"})
    act(prefecture, nominated, "publish")
    reader = signed_in("teacher_south")
    for query, count in (
        ("?q=分数", 1), ("?q=teacher_north", 1), ("?q=school_north", 1), ("?q=%25", 0), ("?subject=mathematics", 1),
        ("?subject=art", 0), ("?grade=grade_5", 1), ("?grade=grade_6", 0), ("?kind=synchronous", 1),
        ("?kind=famous_school", 0), ("?teacher=NORTH", 1), ("?teacher=south", 0), ("?school=north_1", 1),
        ("?school=south", 0), ("?year=2026", 1), ("?year=2025", 0),
    ):  # fmt: skip
        assert reader.get(f"/api/library{query}").json()["total"] == count, query


def test_figures_by_county(nominated: Any, teach: Any, signed_in: Any) -> None:
    prefecture = signed_in("prefecture")
    act(prefecture, nominated, "decision", {"outcome": "selected"})
    act(prefecture, nominated, "publish")
    second, third = teach("第二课"), teach("第三课")
    declined = prefecture.post("/api/samples", {"lesson_id": second["id"]}).json()
    act(prefecture, declined, "decision", {"outcome": "declined"})
    withdrawn = prefecture.post("/api/samples", {"lesson_id": third["id"]}).json()
    act(prefecture, withdrawn, "withdraw")
    figures = prefecture.get("/api/samples/figures?year=2026").json()
    names = ("county", "nominated", "selected", "declined", "published")
    assert [[item[name] for name in names] for item in figures["items"]] == [["county_north", 2, 1, 1, 1]]
    assert figures["total"]["nominated"] == 2
    assert prefecture.get("/api/samples/figures?year=2025").json()["items"] == []
    assert signed_in("county_south").get("/api/samples/figures").json()["items"] == []


def test_a_lesson_is_nominated_once_and_only_with_a_recording(nominated: Any, teach: Any, signed_in: Any) -> None:
    teacher = signed_in("teacher_north")
    again = teacher.post("/api/samples", {"lesson_id": nominated["lesson_id"]})
    assert again.json()["code"] == "already_nominated"
    unfinished = teach("没有录像", over=False)
    assert teacher.post("/api/samples", {"lesson_id": unfinished["id"]}).json()["code"] == "recording_not_ready"
    assert teacher.post("/api/samples", {"lesson_id": "0" * 32}).status_code == 404
