"""Makes the ASGI application: the API of all features, the web pages, and the tasks that run beside them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, ProcessCollector
from pydantic import BaseModel

from service.api.dependencies import refuse_foreign_origin
from service.audit.acts import NoteActs
from service.exchange.cells import MOST_FILE_BYTES
from service.features import BACKGROUND, JOBS, ROUTERS
from service.lessons.schemas import BookingConflict, FreePeriod
from service.monitoring.requests import CountRequests, RequestMetrics
from service.monitoring.state import StateCollector
from service.parts import Parts
from service.problems import MEDIA_TYPE, install_problem_handlers
from service.security.body_limit import BodyLimit
from service.security.headers import SecurityHeaders
from service.web_pages import install_web_pages

MOST_BODY_BYTES = 1024 * 1024
LARGER_BODIES = {"/api/imports": MOST_FILE_BYTES + 64 * 1024}
"""Addresses that take more: a file and the form around it."""


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457 problem details; `code` is stable, `detail` is for people.

    A refused booking (409 `booking_conflict`) names what is in the way in `conflicts` and offers in `free` up to three
    periods of the lead school, nearest first, in which everything asked for is free.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] | None = None
    conflicts: list[BookingConflict] | None = None
    free: list[FreePeriod] | None = None


PROBLEM_SCHEMA = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}


class _Application(FastAPI):
    """Tells in its OpenAPI document what problems look like: they are answered as no endpoint's return value."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = super().openapi().setdefault("components", {}).setdefault("schemas", {})
            schemas.update(schema.pop("$defs", {}))
            schemas[ProblemDetails.__name__] = schema
        return super().openapi()


@asynccontextmanager
async def running_background(parts: Parts) -> AsyncIterator[None]:
    """The background tasks of all features."""
    async with AsyncExitStack() as stack:
        for task in BACKGROUND:
            if parts.wiring is None or task not in JOBS:  # with workers, jobs are theirs
                await stack.enter_async_context(task(parts))
        yield


def create_application(parts: Parts) -> FastAPI:
    """The whole application over `parts`; its background tasks run while its lifespan does."""

    @asynccontextmanager
    async def lifespan(_application: FastAPI) -> AsyncIterator[None]:
        async with running_background(parts):
            yield

    application = _Application(
        title="Three Classrooms",
        version=version("three-classrooms"),
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses={
            "default": {"description": "Refused, and why.", "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
        },
    )
    application.state.parts = parts
    application.add_middleware(NoteActs, log=parts.audit_log)
    application.add_middleware(BodyLimit, most_bytes=MOST_BODY_BYTES, larger=LARGER_BODIES)
    application.add_middleware(SecurityHeaders)
    _install_metrics(application, parts)
    install_problem_handlers(application)
    for router in ROUTERS:
        application.include_router(router, prefix="/api", dependencies=[Depends(refuse_foreign_origin)])
    install_web_pages(application)
    return application


def _install_metrics(application: FastAPI, parts: Parts) -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(StateCollector(parts))
    application.add_middleware(CountRequests, metrics=RequestMetrics(registry))
    application.state.metrics = registry


def _operation_id(route: APIRoute) -> str:
    return route.name
