"""What holds for the whole application: headers, limits, pages, and the document that describes it."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from service.application import MOST_BODY_BYTES
from service.problems import install_problem_handlers
from service.web_pages import install_web_pages


def test_the_service_says_that_it_is_well(anonymous: Any) -> None:
    assert anonymous.get("/api/health").json() == {"status": "ok", "recording": "well", "reasons": []}


def test_a_database_that_does_not_answer_is_named_and_nobody_new_is_sent_here(
    anonymous: Any, parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise OperationalError("SELECT 1", {}, Exception("away"))

    monkeypatch.setattr(parts.database, "reading", away)
    answer = anonymous.get("/api/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["reasons"]) == (503, "degraded", ["database"])


def test_pages_may_only_talk_to_ourselves(anonymous: Any) -> None:
    policy = anonymous.get("/api/health").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_what_the_api_says_is_not_cached(anonymous: Any) -> None:
    assert anonymous.get("/api/settings").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_huge_body_is_refused(anonymous: Any, streamed: bool) -> None:
    body = b" " * (MOST_BODY_BYTES + 1)
    content: Any = (body[i : i + 65536] for i in range(0, len(body), 65536)) if streamed else body
    answer = anonymous.client.post("/api/session", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_page_of_another_site_is_refused(anonymous: Any) -> None:
    answer = anonymous.post("/api/device/pairing", headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert anonymous.post("/api/device/pairing", headers={"Origin": "http://testserver"}).status_code == 201


def test_each_operation_has_an_id_of_its_own_and_tells_how_it_refuses(anonymous: Any) -> None:
    document = anonymous.get("/api/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    identifiers = [operation["operationId"] for operation in operations]
    assert len(set(identifiers)) == len(identifiers) > 30
    assert all("application/problem+json" in operation["responses"]["default"]["content"] for operation in operations)
    assert "ProblemDetails" in document["components"]["schemas"]


@pytest.fixture
def pages(tmp_path: Path) -> TestClient:
    folder = tmp_path / "web_app"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("the app")
    (folder / "room.html").write_text("the room")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    application = FastAPI()
    install_problem_handlers(application)
    install_web_pages(application, folder)
    return TestClient(application)


@pytest.mark.parametrize("path", ["/", "/lessons", "/lessons/0123/replay", "/index.html"])
def test_every_address_of_the_app_opens_the_app(pages: TestClient, path: str) -> None:
    answer = pages.get(path)
    assert answer.text == "the app"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/room", "/room/", "/room.html"])
def test_the_room_page_is_an_entry_of_its_own(pages: TestClient, path: str) -> None:
    assert pages.get(path).text == "the room"


def test_hashed_assets_may_be_kept_for_ever(pages: TestClient) -> None:
    assert "immutable" in pages.get("/assets/app-1a2b.js").headers["cache-control"]


def test_files_beside_the_pages_are_served_and_others_are_not(pages: TestClient) -> None:
    assert pages.get("/favicon.svg").text == "<svg/>"
    for path in ("/..%2fsecret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret"):
        assert "secret" not in pages.get(path).text


@pytest.mark.parametrize("path", ["/api/nothing", "/api", "/assets/nothing.js"])
def test_what_is_neither_page_nor_api_is_not_found(pages: TestClient, path: str) -> None:
    assert pages.get(path).status_code == 404


def test_an_installation_without_pages_says_what_to_do(tmp_path: Path) -> None:
    application = FastAPI()
    install_web_pages(application, tmp_path)
    answer = TestClient(application).get("/")
    assert answer.status_code == 503
    assert "make build" in answer.text
