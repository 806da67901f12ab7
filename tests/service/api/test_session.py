"""Signing in and out: what is told, what is not, and what protects it."""

from collections.abc import Callable
from typing import Any

import pytest

PASSWORD = "correct horse battery"
COOKIE = "three_classrooms_session"


def attempt(caller: Any, username: str, password: str = PASSWORD) -> Any:
    return caller.post("/api/session", {"username": username, "password": password})


def test_who_signs_in_learns_who_they_are_and_stays_signed_in(anonymous: Any, county: Any) -> None:
    answer = attempt(anonymous, "teacher_north")
    assert answer.status_code == 200
    assert answer.json()["user"]["role"] == "teacher"
    assert answer.json()["user"]["organisation"]["kind"] == "school"
    assert "lessons.book" in answer.json()["permissions"]
    assert anonymous.get("/api/session").json() == answer.json()


def test_the_cookie_is_kept_from_scripts_and_other_sites(anonymous: Any, county: Any) -> None:
    cookie = attempt(anonymous, "teacher_north").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


@pytest.mark.parametrize("spelling", ["Teacher_North", " teacher_north ", "ｔｅａｃｈｅｒ_ｎｏｒｔｈ"])
def test_the_spelling_of_the_name_is_forgiven(anonymous: Any, county: Any, spelling: str) -> None:
    assert attempt(anonymous, spelling).status_code == 200


def test_a_wrong_password_a_wrong_name_and_a_disabled_account_look_the_same(anonymous: Any, county: Any) -> None:
    with county.parts.database.unit_of_work() as session:
        session.merge(county.users["inspector_north"]).disabled = True
    answers = [
        attempt(anonymous, "teacher_north", "wrong"),
        attempt(anonymous, "nobody"),
        attempt(anonymous, "inspector_north"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "bad_credentials"


def test_guessing_is_stopped_and_told_when_to_come_back(anonymous: Any, county: Any, clock: Any) -> None:
    for _ in range(10):
        assert attempt(anonymous, "teacher_north", "wrong").status_code == 401
    answer = attempt(anonymous, "teacher_north")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert attempt(anonymous, "school_north").status_code == 200
    clock.advance(seconds=int(answer.headers["retry-after"]))
    assert attempt(anonymous, "teacher_north").status_code == 200


def test_an_unknown_name_is_limited_like_a_known_one(anonymous: Any, county: Any) -> None:
    statuses = [attempt(anonymous, "nobody").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_after_signing_out_the_cookie_opens_nothing(signed_in: Callable[[str], Any]) -> None:
    caller = signed_in("teacher_north")
    token = caller.client.cookies[COOKIE]
    assert caller.delete("/api/session").status_code == 204
    caller.client.cookies.set(COOKIE, token)
    assert caller.get("/api/session").status_code == 401


def test_signing_in_again_ends_the_session_before(anonymous: Any, county: Any) -> None:
    attempt(anonymous, "teacher_north")
    before = anonymous.client.cookies[COOKIE]
    attempt(anonymous, "school_north")
    anonymous.client.cookies.clear()
    anonymous.client.cookies.set(COOKIE, before)
    assert anonymous.get("/api/session").status_code == 401


def test_a_session_ends_when_it_is_not_used(signed_in: Callable[[str], Any], clock: Any) -> None:
    caller = signed_in("teacher_north")
    for _ in range(3):
        clock.advance(hours=11)
        assert caller.get("/api/session").status_code == 200
    clock.advance(hours=12, seconds=1)
    assert caller.get("/api/session").status_code == 401


def test_a_forged_cookie_is_nobody(anonymous: Any, county: Any) -> None:
    for forged in ("x", "0" * 43, "%00", "é"):
        answer = anonymous.client.get("/api/session", headers={"Cookie": f"{COOKIE}={forged}".encode()})
        assert answer.status_code == 401


@pytest.mark.parametrize("token", [None, "", "0" * 64])
def test_an_unsafe_request_without_the_csrf_token_changes_nothing(
    signed_in: Callable[[str], Any], token: str | None
) -> None:
    caller = signed_in("teacher_north")
    del caller.client.headers["X-CSRF-Token"]
    headers = {} if token is None else {"X-CSRF-Token": token}
    answer = caller.patch("/api/account", {"locale": "en"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert caller.get("/api/session").json()["user"]["locale"] == "zh-CN"


def test_the_csrf_token_of_one_session_does_not_serve_another(signed_in: Callable[[str], Any]) -> None:
    one, other = signed_in("teacher_north"), signed_in("teacher_north")
    foreign = {"X-CSRF-Token": other.client.headers["X-CSRF-Token"]}
    assert one.patch("/api/account", {"locale": "en"}, headers=foreign).status_code == 403


def test_people_change_their_own_name_and_language(signed_in: Callable[[str], Any]) -> None:
    caller = signed_in("teacher_north")
    answer = caller.patch("/api/account", {"display_name": " 王老师 ", "locale": "en"})
    assert (answer.json()["display_name"], answer.json()["locale"]) == ("王老师", "en")


@pytest.mark.parametrize("change", [{"role": "system_administrator"}, {"locale": "tlh"}, {"display_name": "\u0000"}])
def test_people_cannot_change_what_is_not_theirs(signed_in: Callable[[str], Any], change: dict[str, str]) -> None:
    assert signed_in("teacher_north").patch("/api/account", change).status_code == 422


def test_a_new_password_signs_out_everywhere_else(anonymous: Any, signed_in: Callable[[str], Any], county: Any) -> None:
    caller, elsewhere = signed_in("teacher_north"), signed_in("teacher_north")
    change = {"current": PASSWORD, "new": "another good one"}
    assert caller.post("/api/account/password", change).status_code == 204
    assert caller.get("/api/session").status_code == 200
    assert elsewhere.get("/api/session").status_code == 401
    assert attempt(anonymous, "teacher_north").status_code == 401
    assert attempt(anonymous, "teacher_north", "another good one").status_code == 200


def test_a_new_password_needs_the_old_one_and_some_length(signed_in: Callable[[str], Any]) -> None:
    caller = signed_in("teacher_north")
    wrong = caller.post("/api/account/password", {"current": "wrong", "new": "another good one"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_password")
    short = caller.post("/api/account/password", {"current": PASSWORD, "new": "short"})
    assert short.json()["errors"][0]["field"] == "new"


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"username": "a"}, {"username": 1, "password": 2}, {"username": "a", "password": "x" * 10_000}],
)
def test_what_is_not_a_sign_in_is_refused_politely(anonymous: Any, body: Any) -> None:
    answer = anonymous.client.post("/api/session", json=body)
    assert answer.status_code == 422
    assert "x" * 100 not in answer.text
