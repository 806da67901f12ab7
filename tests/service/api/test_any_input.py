"""Whatever a client sends, by the OpenAPI document or against it, it never meets a 500."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from service.features import ROUTERS

EXAMPLES = 10
OPERATIONS = sorted(
    (method, f"/api{route.path}")  # type: ignore[attr-defined] # every route of ours is an APIRoute
    for router in ROUTERS
    for route in router.routes
    for method in getattr(route, "methods", ())
    if method != "HEAD"  # answered where GET is, but not described
)
SIGN_OUT = ("DELETE", "/api/session")


@pytest.fixture
def caller(signed_in: Callable[[str], Any], county: Any) -> Any:
    """A county administrator, whose county has a little of everything."""
    county.add_room("room", "school_north_1", paired=True)
    return signed_in("county_north")


@pytest.fixture
def known_ids(county: Any) -> dict[str, str]:
    """Real ids for path parameters: what is not found would hide what lies behind."""
    return {
        "room_id": county.rooms["room"].id,
        "user_id": county.users["teacher_north"].id,
        "organisation_id": county.organisations["school_north_1"].id,
    }


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), [operation for operation in OPERATIONS if operation != SIGN_OUT])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_makes_the_service_stumble(
    caller: Any, known_ids: dict[str, str], method: str, path: str, mode: GenerationMode
) -> None:
    client: TestClient = caller.client
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
        pytest.skip("nothing can be wrong with an address alone")
    cases = operation.as_strategy(generation_mode=mode)

    @seed(20260907)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, real=st.booleans())
    def ask(case: Any, real: bool) -> None:
        if real:
            case.path_parameters |= {name: known_ids[name] for name in case.path_parameters if name in known_ids}
        keywords = case.as_transport_kwargs(base_url="http://testserver")
        keywords.pop("cookies", None)
        keywords["content"] = keywords.pop("data", None)
        answer = client.request(**keywords)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"

    ask()
