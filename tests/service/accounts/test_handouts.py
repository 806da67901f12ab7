"""One-time passwords: for those who have none, below the one who asks, good for choosing another and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from service.accounts.roles import Role


@pytest.fixture
def new_teacher(county: Any) -> Any:
    user = county.add_user("newcomer", Role.TEACHER, "school_north_2", "新来的老师")
    with county.parts.database.unit_of_work() as session:
        session.merge(user).password_hash = ""
    return user


def test_who_has_no_password_gets_one_that_opens_only_the_change_of_it(
    new_teacher: Any, signed_in: Callable[[str], Any], anonymous: Any
) -> None:
    sheet = signed_in("county_north").post("/api/users/passwords").json()
    assert [(one["username"], one["school"]) for one in sheet["items"]] == [("newcomer", "school_north_2")]
    assert sheet["left"] == 0
    password = sheet["items"][0]["password"]
    caller = anonymous.sign_in("newcomer", password)
    assert caller.get("/api/session").json()["must_change_password"]
    assert caller.get("/api/lessons").json()["code"] == "password_change_needed"
    changed = caller.post("/api/account/password", json={"current": password, "new": "my very own password"})
    assert changed.status_code == 204, changed.text
    assert not caller.get("/api/session").json()["must_change_password"]
    assert caller.get("/api/lessons").status_code == 200
    again = {"user_ids": [new_teacher.id]}
    assert signed_in("county_north").post("/api/users/passwords", json=again).json()["items"] == []


def test_an_unused_one_can_be_given_again_and_the_first_is_void(
    new_teacher: Any, signed_in: Callable[[str], Any], anonymous: Any
) -> None:
    school = signed_in("county_north")
    first = school.post("/api/users/passwords").json()["items"][0]["password"]
    assert school.post("/api/users/passwords").json()["items"] == []
    second = school.post("/api/users/passwords", json={"user_ids": [new_teacher.id]}).json()["items"][0]["password"]
    refused = anonymous.post("/api/session", json={"username": "newcomer", "password": first})
    assert refused.status_code == 401
    anonymous.sign_in("newcomer", second)


@pytest.mark.parametrize(("who", "status"), [("county_south", 404), ("teacher_north", 403)])
def test_nobody_hands_out_for_another_subtree(
    new_teacher: Any, county: Any, signed_in: Callable[[str], Any], who: str, status: int
) -> None:
    where = {"organisation_id": county.organisations["school_north_2"].id}
    assert signed_in(who).post("/api/users/passwords", json=where).status_code == status
    assert signed_in("school_north").post("/api/users/passwords").json()["items"] == []
