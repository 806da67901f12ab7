"""Rubrics: two come with the product, administrators keep more; open critiques are not changed with them."""

from typing import Any

LINES = [{"id": "voice", "title": "语言", "points": 40}, {"id": "board", "title": "板书", "points": 60}]


def test_the_products_own_rubrics_have_a_hundred_points(signed_in: Any) -> None:
    items = signed_in("teacher_north").get("/api/rubrics").json()["items"]
    assert [(item["id"], item["points"], item["may_edit"]) for item in items] == [
        ("synchronous", 100, False), ("classroom", 100, False),
    ]  # fmt: skip


def test_a_rubric_is_seen_below_and_above_where_it_is_kept_and_edited_above_only(signed_in: Any, county: Any) -> None:
    made = signed_in("county_north").post("/api/rubrics", {"name": "县评课表", "criteria": LINES})
    assert made.status_code == 201
    path = f"/api/rubrics/{made.json()['id']}"
    people = ("system", "county_north", "school_north", "teacher_north", "researcher_north", "county_south")
    names = {
        name: [(item["name"], item["may_edit"]) for item in signed_in(name).get("/api/rubrics").json()["items"][2:]]
        for name in people
    }
    assert names == {
        "system": [("县评课表", True)], "county_north": [("县评课表", True)], "school_north": [("县评课表", False)],
        "teacher_north": [("县评课表", False)], "researcher_north": [("县评课表", False)], "county_south": [],
    }  # fmt: skip
    body = {"name": "新名", "criteria": LINES[:1]}
    codes = {name: signed_in(name).put(path, body).status_code for name in people}
    assert codes == {
        "system": 200, "county_north": 200, "school_north": 403, "teacher_north": 403, "researcher_north": 403,
        "county_south": 404,
    }  # fmt: skip
    assert signed_in("school_north").delete(path).status_code == 403
    assert signed_in("county_north").delete(path).status_code == 204
    assert signed_in("county_north").delete(path).status_code == 404
    assert signed_in("county_north").put("/api/rubrics/classroom", body).json()["code"] == "built_in_rubric"


def test_what_is_no_rubric_is_refused(signed_in: Any, county: Any) -> None:
    administrator = signed_in("county_north")
    assert administrator.post("/api/rubrics", {"name": "A", "criteria": LINES}).status_code == 201
    for body in (
        {"name": "A", "criteria": LINES},
        {"name": "B", "criteria": []},
        {"name": "B", "criteria": [LINES[0], LINES[0]]},
        {"name": "B", "criteria": [LINES[0] | {"points": 0}]},
        {"name": "B", "criteria": [LINES[0] | {"id": "Ä"}]},
        {"name": "B", "criteria": LINES, "organisation_id": county.organisations["county_south"].id},
    ):
        assert administrator.post("/api/rubrics", body).status_code in (404, 409, 422), body
    assert signed_in("researcher_north").post("/api/rubrics", {"name": "C", "criteria": LINES}).status_code == 403


def test_an_open_critique_keeps_the_words_it_was_opened_with(taught: Any, open_critique: Any, signed_in: Any) -> None:
    administrator = signed_in("county_north")
    rubric = administrator.post("/api/rubrics", {"name": "县评课表", "criteria": LINES}).json()
    critique = open_critique(taught, rubric_id=rubric["id"])
    administrator.put(f"/api/rubrics/{rubric['id']}", {"name": "改", "criteria": [LINES[0] | {"points": 1}]})
    administrator.delete(f"/api/rubrics/{rubric['id']}")
    kept = signed_in("researcher_two").get(f"/api/critiques/{critique['id']}").json()
    assert (kept["rubric_name"], [line["points"] for line in kept["criteria"]]) == ("县评课表", [40, 60])
