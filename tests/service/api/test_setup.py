"""The first administrator: created once, by whoever was shown the token, even when two try at the same moment."""

import threading
from typing import Any

import pytest


def request(parts: Any, **changes: Any) -> dict[str, Any]:
    return {
        "token": parts.setup.token,
        "username": "first",
        "password": "a good password",
        "display_name": "管理员",
        "organisation_name": "青禾州",
        **changes,
    }


def test_the_first_administrator_is_created_and_can_sign_in(anonymous: Any, parts: Any) -> None:
    assert anonymous.get("/api/settings").json()["setup_needed"] is True
    answer = anonymous.post("/api/setup", request(parts))
    assert (answer.status_code, answer.json()["role"]) == (201, "system_administrator")
    assert anonymous.get("/api/settings").json()["setup_needed"] is False
    anonymous.sign_in("first", "a good password")
    assert anonymous.get("/api/organisations").json()["items"][0]["name"] == "青禾州"


def test_it_works_once(anonymous: Any, parts: Any) -> None:
    anonymous.post("/api/setup", request(parts))
    answer = anonymous.post("/api/setup", request(parts, username="second"))
    assert (answer.status_code, answer.json()["code"]) == (409, "setup_done")


def test_without_the_token_nothing_is_created_and_guessing_is_stopped(anonymous: Any, parts: Any) -> None:
    answers = [anonymous.post("/api/setup", request(parts, token=f"guess {n}")) for n in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert anonymous.get("/api/settings").json()["setup_needed"] is True


@pytest.mark.parametrize(
    ("field", "value"),
    [("password", "short"), ("username", "a b"), ("organisation_name", " "), ("organisation_kind", "galaxy")],
)
def test_bad_values_are_named(anonymous: Any, parts: Any, field: str, value: str) -> None:
    answer = anonymous.post("/api/setup", request(parts, **{field: value}))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert anonymous.get("/api/settings").json()["setup_needed"] is True


def test_of_two_at_the_same_moment_one_wins(anonymous: Any, parts: Any) -> None:
    statuses: list[int] = []

    def race(username: str) -> None:
        statuses.append(anonymous.post("/api/setup", request(parts, username=username)).status_code)

    threads = [threading.Thread(target=race, args=(f"racer{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409]
