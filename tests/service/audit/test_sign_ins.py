"""Who signed in and out, and who tried in vain, is in the audit log: with a reason, never with what was typed."""

from typing import Any

import pytest

PASSWORD = "correct horse battery"


def attempt(caller: Any, username: str, password: str = PASSWORD) -> int:
    status: int = caller.post("/api/session", {"username": username, "password": password}).status_code
    return status


def noted(caller: Any, operation: str = "open_session") -> list[tuple[str | None, str | None]]:
    """Whose, and why not; the oldest first, without the reader's own."""
    me = caller.get("/api/session").json()["user"]["id"]
    items = caller.get("/api/audit", params={"operation": operation, "limit": 200}).json()["items"]
    return [(one["person"], one["about"].get("refused")) for one in reversed(items) if one["user_id"] != me]


def test_signing_in_and_out_is_noted(anonymous: Any, signed_in: Any, county: Any) -> None:
    answer = anonymous.post("/api/session", {"username": "teacher_north", "password": PASSWORD})
    anonymous.client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    assert anonymous.delete("/api/session").status_code == 204
    administrator = signed_in("school_north")
    name = county.users["teacher_north"].display_name
    assert noted(administrator) == [(name, None)]
    assert noted(administrator, "end_session") == [(name, None)]


def test_who_was_not_let_in_is_noted_with_the_reason(anonymous: Any, signed_in: Any, county: Any) -> None:
    with county.parts.database.unit_of_work() as session:
        session.merge(county.users["teacher_north"]).disabled = True
    assert attempt(anonymous, "teacher_north") == 401
    assert attempt(anonymous, "school_north", "secret of mine") == 401
    prefecture = signed_in("prefecture")
    names = [county.users[name].display_name for name in ("teacher_north", "school_north")]
    assert noted(prefecture) == list(zip(names, ("disabled", "wrong_password"), strict=True))
    assert "secret of mine" not in prefecture.get("/api/audit").text


def test_an_account_that_does_not_exist_is_noted_without_what_was_typed(
    anonymous: Any, signed_in: Any, county: Any
) -> None:
    assert attempt(anonymous, "my password by mistake") == 401
    assert noted(signed_in("prefecture")) == [(None, "unknown")]
    assert noted(signed_in("school_north")) == []
    assert "mistake" not in signed_in("prefecture").get("/api/audit").text


@pytest.mark.parametrize("username", ["teacher_north", "nobody"])
def test_a_lock_out_is_noted_once_however_long_somebody_goes_on(
    anonymous: Any, signed_in: Any, county: Any, username: str
) -> None:
    statuses = [attempt(anonymous, username, "wrong") for _ in range(14)]
    assert statuses == [401] * 10 + [429] * 4
    reasons = [reason for _person, reason in noted(signed_in("prefecture"))]
    expected = "unknown" if username == "nobody" else "wrong_password"
    assert reasons == [expected] * 10 + ["locked_out"]


def test_an_attempt_in_somebody_elses_browser_is_not_theirs(signed_in: Any, county: Any) -> None:
    caller = signed_in("teacher_north")
    assert attempt(caller, "school_north", "wrong") == 401
    found = noted(signed_in("prefecture"))
    assert found[-1] == (county.users["school_north"].display_name, "wrong_password")
    assert [reason for _person, reason in found].count("wrong_password") == 1
