"""The tree, bells, terms and classes: one's own subtree, and for bookings what they need of others."""

from collections.abc import Callable
from typing import Any

import pytest

SignIn = Callable[[str], Any]
BELLS = [{"number": 1, "starts": "08:30", "ends": "09:10"}, {"number": 2, "starts": "09:20", "ends": "10:00"}]


def test_everybody_sees_their_own_subtree(signed_in: SignIn, county: Any) -> None:
    names = {n["name"]: n for n in signed_in("county_north").get("/api/organisations").json()["items"]}
    assert set(names) == {"county_north", "school_north_1", "school_north_2"}
    assert names["school_north_1"]["parent_id"] == names["county_north"]["id"]
    assert [names[n]["depth"] for n in ("county_north", "school_north_1")] == [1, 2]
    assert len(signed_in("teacher_north").get("/api/organisations").json()["items"]) == 1


def test_a_school_is_added_and_renamed(signed_in: SignIn, county: Any) -> None:
    caller = signed_in("county_north")
    parent = county.organisations["county_north"].id
    school = caller.post("/api/organisations", {"parent_id": parent, "name": "新学校", "kind": "school"}).json()
    renamed = caller.patch(f"/api/organisations/{school['id']}", {"name": "更新学校"})
    assert renamed.json()["name"] == "更新学校"


@pytest.mark.parametrize("username", ["school_north", "teacher_north", "inspector_north"])
def test_not_everybody_changes_the_tree(signed_in: SignIn, county: Any, username: str) -> None:
    own = county.users[username].organisation_id
    body = {"parent_id": own, "name": "x", "kind": "school"}
    assert signed_in(username).post("/api/organisations", body).status_code == 403
    assert signed_in(username).patch(f"/api/organisations/{own}", {"name": "x"}).status_code == 403


def test_another_subtree_does_not_exist(signed_in: SignIn, county: Any) -> None:
    caller, foreign = signed_in("county_north"), county.organisations["county_south"].id
    assert caller.post("/api/organisations", {"parent_id": foreign, "name": "x", "kind": "school"}).status_code == 404
    assert caller.patch(f"/api/organisations/{foreign}", {"name": "x"}).status_code == 404
    assert caller.put(f"/api/organisations/{foreign}/periods", {"items": BELLS}).status_code == 404
    assert signed_in("inspector_north").get(f"/api/organisations/{foreign}/periods").status_code == 404


@pytest.mark.parametrize(("kind", "status"), [("county", 422), ("prefecture", 422), ("school", 201)])
def test_a_node_stands_below_a_larger_one(signed_in: SignIn, county: Any, kind: str, status: int) -> None:
    body = {"parent_id": county.organisations["county_north"].id, "name": "x", "kind": kind}
    assert signed_in("system").post("/api/organisations", body).status_code == status


def test_siblings_have_different_names(signed_in: SignIn, county: Any) -> None:
    body = {"parent_id": county.organisations["county_north"].id, "name": "school_north_1", "kind": "school"}
    answer = signed_in("system").post("/api/organisations", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_a_school_rings_the_bells_of_the_nearest_node_above_until_it_has_its_own(
    signed_in: SignIn, county: Any
) -> None:
    caller = signed_in("system")
    ids = {key: node.id for key, node in county.organisations.items()}
    school = f"/api/organisations/{ids['school_north_1']}/periods"
    assert caller.get(school).json() == {"items": [], "total": 0, "organisation_id": None, "since": None}
    caller.put(f"/api/organisations/{ids['prefecture']}/periods", {"items": BELLS})
    caller.put(f"/api/organisations/{ids['county_north']}/periods", {"items": BELLS[:1]})
    inherited = {"items": BELLS[:1], "total": 1, "organisation_id": ids["county_north"], "since": None}
    assert caller.get(school).json() == inherited
    caller.put(school, {"items": BELLS})
    assert caller.get(school).json()["organisation_id"] == ids["school_north_1"]
    caller.put(school, {"items": []})
    assert caller.get(school).json()["organisation_id"] == ids["county_north"]


@pytest.mark.parametrize(
    "items",
    [
        [{"number": 1, "starts": "09:10", "ends": "08:30"}],
        [{"number": 1, "starts": "8:30", "ends": "09:10"}],
        [{"number": 1, "starts": "08:30", "ends": "24:10"}],
        [{"number": 0, "starts": "08:30", "ends": "09:10"}],
        [BELLS[0], {"number": 2, "starts": "09:00", "ends": "10:00"}],
        [BELLS[1], BELLS[0]],
        [{"number": 1, "starts": "０８:30", "ends": "09:10"}],
    ],
)
def test_impossible_bells_are_refused(signed_in: SignIn, county: Any, items: list[Any]) -> None:
    school = county.organisations["school_north_1"].id
    answer = signed_in("school_north").put(f"/api/organisations/{school}/periods", {"items": items})
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_who_books_may_ask_for_any_schools_bells_and_classes(signed_in: SignIn, county: Any) -> None:
    south = county.organisations["school_south_1"].id
    made = signed_in("school_south").post(
        "/api/classes", {"organisation_id": south, "name": "三年级1班", "grade": "grade_3"}
    )
    assert made.status_code == 201
    teacher = signed_in("teacher_north")
    assert teacher.get(f"/api/organisations/{south}/periods").status_code == 200
    found = teacher.get("/api/classes", params={"organisation_id": south}).json()["items"]
    assert [item["id"] for item in found] == [made.json()["id"]]
    assert teacher.get("/api/classes").json()["items"] == []
    assert signed_in("researcher_north").get("/api/classes", params={"organisation_id": south}).status_code == 404


@pytest.mark.parametrize(
    ("organisation", "name", "grade", "status"),
    [
        ("school_north_1", "1班", "grade_99", 422),
        ("county_north", "1班", "grade_1", 404),
        ("school_south_1", "1班", "grade_1", 404),
        ("school_north_1", "", "grade_1", 422),
    ],
)
def test_impossible_classes_are_refused(
    signed_in: SignIn, county: Any, organisation: str, name: str, grade: str, status: int
) -> None:
    body = {"organisation_id": county.organisations[organisation].id, "name": name, "grade": grade}
    assert signed_in("school_north").post("/api/classes", body).status_code == status


def test_a_class_exists_once_and_only_in_a_school(signed_in: SignIn, county: Any) -> None:
    caller = signed_in("county_north")
    body = {"organisation_id": county.organisations["school_north_1"].id, "name": "1班", "grade": "grade_1"}
    assert [caller.post("/api/classes", body).status_code for _ in range(2)] == [201, 409]
    body["organisation_id"] = county.organisations["county_north"].id
    assert caller.post("/api/classes", body).json()["code"] == "not_a_school"


def test_a_term_holds_for_everything_below(signed_in: SignIn, county: Any) -> None:
    body = {
        "organisation_id": county.organisations["prefecture"].id,
        "name": "第一学期",
        "starts_on": "2026-09-01",
        "ends_on": "2027-01-20",
    }
    assert signed_in("system").post("/api/terms", body).status_code == 201
    assert [term["name"] for term in signed_in("teacher_south").get("/api/terms").json()["items"]] == ["第一学期"]
    assert signed_in("system").post("/api/terms", body | {"name": "another"}).json()["code"] == "term_clash"
    assert signed_in("school_north").post("/api/terms", body).status_code == 403
    assert signed_in("county_north").post("/api/terms", body).status_code == 404


@pytest.mark.parametrize(
    ("starts_on", "ends_on"), [("2026-09-01", "2026-09-01"), ("2026-09-01", "2030-01-01"), ("x", "y")]
)
def test_impossible_terms_are_refused(signed_in: SignIn, county: Any, starts_on: str, ends_on: str) -> None:
    place = county.organisations["prefecture"].id
    body = {"organisation_id": place, "name": "x", "starts_on": starts_on, "ends_on": ends_on}
    assert signed_in("system").post("/api/terms", body).status_code == 422


def test_subjects_and_grades_have_names_in_both_languages(signed_in: SignIn, as_device: Any, county: Any) -> None:
    county.add_room("room", "school_north_1", paired=True)
    for caller in (signed_in("teacher_north"), as_device("room")):
        for path in ("/api/subjects", "/api/grades"):
            items = caller.get(path).json()["items"]
            assert all(item["name"]["zh"] and item["name"]["en"] for item in items)
            assert len({item["code"] for item in items}) == len(items) > 10
