"""Parallel lessons side by side: phases, one rubric across them, and only for those who may watch all of them."""

from typing import Any

import pytest

ALL = (
    "system", "prefecture", "county_north", "county_south", "school_north", "school_south", "school_other",
    "teacher_north", "teacher_south", "teacher_other", "researcher_north", "researcher_south", "researcher_two",
    "inspector_north", "inspector_south",
)  # fmt: skip
WATCHERS = set(ALL) - {"school_other", "teacher_north", "teacher_south", "teacher_other"}
MARKS = {"introduction": 0, "new_teaching": 300_000, "practice": 1_200_000, "summary": 2_000_000}


@pytest.fixture
def pair(teach: Any) -> Any:
    return teach("分数的意义（一）"), teach("分数的意义（二）")


@pytest.fixture
def comparison(pair: Any, signed_in: Any) -> Any:
    body = {"title": "同课异构", "lesson_ids": [lesson["id"] for lesson in pair]}
    return signed_in("researcher_north").post("/api/comparisons", body).json()


def test_phases_are_marked_for_each_lesson_and_lock_them(comparison: Any, signed_in: Any) -> None:
    researcher = signed_in("researcher_north")
    path = f"/api/comparisons/{comparison['id']}"
    lessons = [lesson["id"] for lesson in comparison["lessons"]]
    assert researcher.put(f"{path}/lessons/{lessons[0]}/phases", MARKS).status_code == 200
    assert researcher.put(f"{path}/lessons/{lessons[1]}/phases", {"practice": 900_000}).status_code == 200
    changed = researcher.patch(path, {"locked_by": "phases"}).json()
    marked = [{name: at for name, at in lesson["phases"].items() if at is not None} for lesson in changed["lessons"]]
    assert (changed["locked_by"], changed["title"], marked) == ("phases", "同课异构", [MARKS, {"practice": 900_000}])
    for wrong in (MARKS | {"practice": 100}, {"summary": 99_000_000}, {"summary": 2_400_001}, {"coda": 1}):
        assert researcher.put(f"{path}/lessons/{lessons[0]}/phases", wrong).status_code == 422, wrong
    assert researcher.put(f"{path}/lessons/{'0' * 32}/phases", {}).status_code == 404


def test_who_makes_sees_and_changes_comparisons(comparison: Any, pair: Any, signed_in: Any, anonymous: Any) -> None:
    callers = {name: signed_in(name) for name in ALL}
    path = f"/api/comparisons/{comparison['id']}"
    assert {name for name, caller in callers.items() if caller.get(path).status_code == 200} == WATCHERS
    listed = {name for name, caller in callers.items() if caller.get("/api/comparisons").json()["total"]}
    assert listed == WATCHERS
    changing = {name for name, caller in callers.items() if caller.patch(path, {"title": "新"}).status_code == 200}
    # Administrators of the receiving school and its county watch it, and leave it alone.
    assert changing == {"system", "prefecture", "county_north", "school_north", "researcher_north"}
    body = {"title": "同课异构", "lesson_ids": [lesson["id"] for lesson in pair]}
    making = {name for name, caller in callers.items() if caller.post("/api/comparisons", body).status_code == 201}
    assert making == WATCHERS
    assert anonymous.get(path).status_code == 401
    for name in ("researcher_two", "school_south", "county_south"):
        assert callers[name].delete(path).status_code == 403, name
    assert callers["researcher_north"].delete(path).status_code == 204
    assert callers["researcher_north"].get(path).status_code == 404


def test_one_rubric_goes_across_all_lessons(
    comparison: Any, pair: Any, open_critique: Any, hand_in: Any, signed_in: Any
) -> None:
    critique = open_critique(*pair, reviewers=("researcher_two",), comparison_id=comparison["id"])
    assert critique["purpose"] == "comparison"
    reviewer = signed_in("researcher_two")
    path = f"/api/critiques/{critique['id']}"
    full = {"goals": 20, "content": 20, "process": 20, "learning": 20, "effect": 20}
    reviewer.put(f"{path}/lessons/{pair[0]['id']}/sheet", {"scores": full})
    assert reviewer.post(f"{path}/hand-in").json()["code"] == "sheet_incomplete"  # the other lesson waits
    done = hand_in(critique, "researcher_two")
    assert [lesson["mean"] for lesson in done["lessons"]] == [80.0, 80.0]
    seen = reviewer.get(f"/api/comparisons/{comparison['id']}").json()
    assert seen["critique_ids"] == [critique["id"]]
    other = {"title": "x", "lesson_ids": [pair[0]["id"]], "rubric_id": "classroom", "comparison_id": comparison["id"]}
    other["reviewer_ids"] = [done["reviewers"][0]["id"]]
    assert signed_in("researcher_north").post("/api/critiques", other).json()["code"] == "other_comparison"


def test_a_comparison_needs_two_to_four_recorded_lessons(pair: Any, teach: Any, signed_in: Any) -> None:
    researcher = signed_in("researcher_north")
    unfinished = teach("没有录像", over=False)
    ids = [lesson["id"] for lesson in pair]
    for lesson_ids in (
        [ids[0]],
        [ids[0], ids[0]],
        [*ids, *ids, ids[0]],
        [ids[0], "0" * 32],
        [ids[0], unfinished["id"]],
    ):
        answer = researcher.post("/api/comparisons", {"title": "x", "lesson_ids": lesson_ids})
        assert answer.status_code in (404, 409, 422), lesson_ids
