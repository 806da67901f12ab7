"""Counts and times HTTP requests by route, not by address, so that labels stay few and name nobody."""

import time
from collections.abc import MutableMapping
from typing import Any

from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
API = "/api"
"""Prefix of all routers; a route itself knows only what follows it."""
OTHER = "other"
"""The route of whatever is no address of the API: pages, files and what strangers try."""


class RequestMetrics:
    """The counters that all requests of one application share."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "three_classrooms_http_requests",
            "HTTP requests answered, by route template, method and status class",
            ("route", "method", "status"),
            registry=registry,
        )
        self._took = Histogram(
            "three_classrooms_http_request_seconds",
            "Time until the answer had left, by route template",
            ("route",),
            buckets=BUCKETS_S,
            registry=registry,
        )

    def answered(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        """One request was answered; `scope` is its ASGI scope after routing."""
        found = scope.get("route")
        route = API + found.path if isinstance(found, APIRoute) and found.include_in_schema else OTHER
        method = scope["method"] if route != OTHER else ""
        self._answered.labels(route, method, f"{status // 100}xx").inc()
        self._took.labels(route).observe(seconds)


class CountRequests:
    """ASGI middleware in front of all others; WebSockets pass uncounted, they last as long as a lesson."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; note the status on its way out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._metrics.answered(scope, status, time.perf_counter() - began)
