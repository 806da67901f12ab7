"""Accounts: administrators keep those of their own subtree that rank below them, and know of no others."""

from collections.abc import Callable
from typing import Any

import pytest

SignIn = Callable[[str], Any]


def new_user(county: Any, organisation: str, role: str = "teacher", **changes: Any) -> dict[str, Any]:
    return {
        "username": "newcomer",
        "password": "a good password",
        "display_name": "新老师",
        "role": role,
        "organisation_id": county.organisations[organisation].id,
        **changes,
    }


def usernames(answer: Any) -> set[str]:
    return {user["username"] for user in answer.json()["items"]}


def test_administrators_see_their_own_subtree_only(signed_in: SignIn, county: Any) -> None:
    assert usernames(signed_in("school_north").get("/api/users")) == {"school_north", "teacher_north"}
    seen = usernames(signed_in("county_north").get("/api/users"))
    assert {"county_north", "teacher_north", "researcher_north"} <= seen
    assert not {name for name in seen if "south" in name}
    assert signed_in("system").get("/api/users").json()["total"] == len(county.users)


@pytest.mark.parametrize("username", ["teacher_north", "researcher_north", "inspector_north"])
def test_others_see_no_accounts(signed_in: SignIn, username: str) -> None:
    assert signed_in(username).get("/api/users").status_code == 403


def test_nobody_signed_in_sees_nothing(anonymous: Any, county: Any) -> None:
    assert anonymous.get("/api/users").status_code == 401


def test_an_account_of_another_subtree_does_not_exist(signed_in: SignIn, county: Any) -> None:
    caller = signed_in("county_north")
    foreign = county.users["teacher_south"].id
    assert caller.get(f"/api/users/{foreign}").status_code == 404
    assert caller.patch(f"/api/users/{foreign}", {"disabled": True}).status_code == 404
    assert caller.post(f"/api/users/{foreign}/password", {"password": "a good password"}).status_code == 404
    south = county.organisations["county_south"].id
    assert caller.get("/api/users", params={"organisation_id": south}).status_code == 404
    assert caller.post("/api/users", new_user(county, "school_south_1")).status_code == 404


def test_an_account_is_created_and_can_sign_in(signed_in: SignIn, county: Any, anonymous: Any) -> None:
    answer = signed_in("school_north").post("/api/users", new_user(county, "school_north_1"))
    assert answer.status_code == 201
    assert answer.json()["organisation"]["id"] == county.organisations["school_north_1"].id
    anonymous.sign_in("newcomer", "a good password")


@pytest.mark.parametrize(
    ("manager", "organisation", "role"),
    [
        ("school_north", "school_north_1", "school_administrator"),
        ("school_north", "school_north_1", "system_administrator"),
        ("county_north", "county_north", "county_administrator"),
        ("county_north", "county_north", "prefecture_administrator"),
        ("prefecture", "prefecture", "system_administrator"),
    ],
)
def test_nobody_grants_a_role_of_their_own_rank_or_above(
    signed_in: SignIn, county: Any, manager: str, organisation: str, role: str
) -> None:
    answer = signed_in(manager).post("/api/users", new_user(county, organisation, role))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_not_grantable")


def test_nobody_promotes_through_a_change(signed_in: SignIn, county: Any) -> None:
    teacher = county.users["teacher_north"].id
    answer = signed_in("school_north").patch(f"/api/users/{teacher}", {"role": "county_administrator"})
    assert answer.status_code == 403


def test_nobody_touches_who_ranks_the_same_or_above(signed_in: SignIn, county: Any) -> None:
    caller = signed_in("prefecture")
    system = county.users["system"].id
    assert caller.patch(f"/api/users/{system}", {"disabled": True}).status_code == 403
    assert caller.post(f"/api/users/{system}/password", {"password": "mine from now"}).status_code == 403
    peer = county.add_user("school_north_b", "school_administrator", "school_north_1").id
    assert (
        signed_in("school_north").post(f"/api/users/{peer}/password", {"password": "mine from now"}).status_code == 403
    )


def test_nobody_changes_their_own_rights(signed_in: SignIn, county: Any) -> None:
    own = county.users["system"].id
    for change in ({"role": "teacher"}, {"disabled": True}):
        answer = signed_in("system").patch(f"/api/users/{own}", change)
        assert (answer.status_code, answer.json()["code"]) == (409, "own_account")


@pytest.mark.parametrize(
    ("organisation", "role"),
    [("county_north", "teacher"), ("school_north_1", "county_administrator"), ("county_north", "system_administrator")],
)
def test_a_role_belongs_where_it_makes_sense(signed_in: SignIn, county: Any, organisation: str, role: str) -> None:
    answer = signed_in("system").post("/api/users", new_user(county, organisation, role))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "organisation_id"


@pytest.mark.parametrize("username", ["teacher_north", "TEACHER_north"])
def test_a_name_is_given_once(signed_in: SignIn, county: Any, username: str) -> None:
    answer = signed_in("system").post("/api/users", new_user(county, "school_north_1", username=username))
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a b"),
        ("username", "<script>"),
        ("password", "short"),
        ("display_name", " "),
        ("display_name", "a\u0000b"),
        ("display_name", "x" * 61),
        ("role", "emperor"),
        ("organisation_id", "../../etc"),
        ("locale", "xx"),
        ("surprise", 1),
    ],
)
def test_bad_values_are_named(signed_in: SignIn, county: Any, field: str, value: object) -> None:
    answer = signed_in("system").post("/api/users", new_user(county, "school_north_1", **{field: value}))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_a_disabled_person_is_out_at_once(signed_in: SignIn, county: Any) -> None:
    teacher = signed_in("teacher_north")
    own = county.users["teacher_north"].id
    assert signed_in("school_north").patch(f"/api/users/{own}", {"disabled": True}).json()["disabled"] is True
    assert teacher.get("/api/session").status_code == 401


def test_a_reset_password_signs_the_person_out(signed_in: SignIn, county: Any, anonymous: Any) -> None:
    teacher = signed_in("teacher_north")
    own = county.users["teacher_north"].id
    answer = signed_in("county_north").post(f"/api/users/{own}/password", {"password": "fresh for you"})
    assert answer.status_code == 204
    assert teacher.get("/api/session").status_code == 401
    anonymous.sign_in("teacher_north", "fresh for you")


def test_a_moved_person_sees_the_new_place_only(signed_in: SignIn, county: Any) -> None:
    researcher = signed_in("researcher_north")
    own, south = county.users["researcher_north"].id, county.organisations["county_south"].id
    assert signed_in("system").patch(f"/api/users/{own}", {"organisation_id": south}).status_code == 200
    assert {node["name"] for node in researcher.get("/api/organisations").json()["items"]} == {
        "county_south",
        "school_south_1",
        "school_south_2",
    }


def test_people_are_found_by_part_of_a_name_taken_literally(signed_in: SignIn, county: Any) -> None:
    caller = signed_in("system")
    assert usernames(caller.get("/api/users", params={"q": "NORTH", "role": "teacher"})) == {"teacher_north"}
    assert usernames(caller.get("/api/users", params={"q": "%"})) == set()


def test_lists_come_in_pages(signed_in: SignIn, county: Any) -> None:
    caller = signed_in("system")
    pages = [caller.get("/api/users", params={"limit": 5, "offset": n}).json()["items"] for n in (0, 5, 10)]
    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({user["id"] for page in pages for user in page}) == len(county.users)
    assert caller.get("/api/users", params={"limit": 201}).status_code == 422


def test_teachers_of_everywhere_are_found_for_a_booking_with_name_and_school_only(
    signed_in: SignIn, county: Any
) -> None:
    answer = signed_in("teacher_north").get("/api/teachers", params={"q": "south"})
    assert [set(item) for item in answer.json()["items"]] == [{"id", "display_name", "school"}]
    assert signed_in("researcher_north").get("/api/teachers").status_code == 403
