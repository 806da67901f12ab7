"""Schemathesis over the whole OpenAPI document: whatever is sent, within it or against it, nobody gets a 500."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

BOUNDED = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
ROLES = ("teacher_north", "prefecture")


@pytest.fixture
def fuzzed(signed_in: Any, lesson_request: Any, rooms: Any, new_client: Any) -> Any:
    """Signed-in callers, a booked lesson, and every operation of the document."""
    callers = [signed_in(name) for name in ROLES]
    assert callers[0].post("/api/lessons", lesson_request()).status_code == 201
    return callers, schemathesis.openapi.from_asgi("/api/openapi.json", callers[0].client.app)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_request_the_document_allows_or_forbids_is_answered_with_500(fuzzed: Any) -> None:
    callers, schema = fuzzed
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 30
    seen: set[int] = set()
    for operation in operations:
        if operation.path.startswith("/api/session") and operation.method.upper() == "DELETE":
            continue  # signing out would turn all that follows into 401
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            fuzz(callers, operation, mode, seen)
    assert {200, 404, 409, 422} <= seen, "the requests did not get past the door"


def credentials(caller: Any) -> dict[str, str]:
    cookies = "; ".join(f"{name}={value}" for name, value in caller.client.cookies.items())
    return {"Cookie": cookies, "X-CSRF-Token": caller.client.headers["X-CSRF-Token"]}


def fuzz(callers: list[Any], operation: Any, mode: Any, seen: set[int]) -> None:
    from hypothesis import given
    from hypothesis.errors import Unsatisfiable

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        for caller in callers:
            answer = case.call(headers=credentials(caller))
            seen.add(answer.status_code)
            assert answer.status_code < 500, f"{mode.value} {case.method} {case.formatted_path}: {answer.text}"
            case.validate_response(answer, checks=[not_a_server_error])

    try:
        run()
    except Unsatisfiable:
        return  # an operation without parameters has nothing wrong to send
