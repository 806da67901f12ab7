"""Every failure is a problem document, and none shows what happened inside."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.testclient import TestClient

from service.problems import MEDIA_TYPE, Conflict, InvalidRequest, TooManyAttempts, install_problem_handlers


class Body(BaseModel):
    numbers: list[int]


def raising(error: Exception) -> Callable[[], None]:
    def endpoint() -> None:
        raise error

    return endpoint


@pytest.fixture
def client() -> TestClient:
    application = FastAPI()
    install_problem_handlers(application)
    router = APIRouter()
    router.get("/conflict")(raising(Conflict("Taken.", code="booking_conflict", conflicts=[{"id": "a"}])))
    router.get("/field")(raising(InvalidRequest.of_field("title", "too dull")))
    router.get("/often")(raising(TooManyAttempts(7)))
    router.get("/race")(raising(IntegrityError("INSERT", {}, Exception("UNIQUE"))))
    router.get("/away")(raising(OperationalError("SELECT", {}, Exception("locked"))))
    router.get("/bug")(raising(ZeroDivisionError("secret")))

    @router.post("/body")
    def take(body: Body) -> int:
        return len(body.numbers)

    application.include_router(router)
    return TestClient(application, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/conflict", 409, "booking_conflict"),
        ("/field", 422, "invalid_request"),
        ("/often", 429, "too_many_attempts"),
        ("/race", 409, "conflict"),
        ("/away", 503, "database_unavailable"),
        ("/nowhere", 404, "not_found"),
        ("/body", 405, "method_not_allowed"),
        ("/bug", 500, "internal_error"),
    ],
)
def test_each_failure_is_a_problem_document(client: TestClient, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert {"type", "title", "detail"} <= answer.json().keys()


def test_a_conflict_names_what_it_clashes_with(client: TestClient) -> None:
    assert client.get("/conflict").json()["conflicts"] == [{"id": "a"}]


def test_who_asks_too_often_is_told_when_to_come_back(client: TestClient) -> None:
    assert client.get("/often").headers["retry-after"] == "7"


def test_our_own_fault_tells_nothing_of_the_inside(client: TestClient) -> None:
    assert "secret" not in client.get("/bug").text


def test_invalid_values_are_named_by_field(client: TestClient) -> None:
    answer = client.post("/body", json={"numbers": [1, "two"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "numbers.1"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"numbers": [1,}'])
def test_what_is_not_json_is_called_so(client: TestClient, body: bytes) -> None:
    answer = client.post("/body", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == MEDIA_TYPE
