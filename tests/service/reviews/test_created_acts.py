"""The audit log says which critique, comparison or sample lesson an act brought into being."""

from typing import Any


def last_act(caller: Any) -> dict[str, Any]:
    act: dict[str, Any] = caller.get("/api/audit", params={"limit": 1}).json()["items"][0]
    return act


def test_a_critique_is_named(taught: Any, signed_in: Any, people: Any) -> None:
    county = signed_in("county_north")
    body = {"title": "第一次评课", "lesson_ids": [taught["id"]], "rubric_id": "classroom"}
    critique = county.post("/api/critiques", body | {"reviewer_ids": [people.users["researcher_two"].id]}).json()
    act = last_act(county)
    assert (act["about"], act["subject"]) == ({"critique_id": critique["id"]}, "第一次评课")


def test_a_comparison_is_named(teach: Any, signed_in: Any) -> None:
    county = signed_in("county_north")
    lessons = [teach(title)["id"] for title in ("一", "二")]
    comparison = county.post("/api/comparisons", {"title": "同课异构", "lesson_ids": lessons}).json()
    act = last_act(county)
    assert (act["about"], act["subject"]) == ({"comparison_id": comparison["id"]}, "同课异构")


def test_a_nomination_is_named_by_its_lesson(taught: Any, signed_in: Any) -> None:
    county = signed_in("county_north")
    sample = county.post("/api/samples", {"lesson_id": taught["id"]}).json()
    act = last_act(county)
    assert act["about"] == {"sample_id": sample["id"], "lesson_id": taught["id"]}
    assert act["subject"] == taught["title"]
