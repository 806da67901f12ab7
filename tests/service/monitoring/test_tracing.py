"""Traces: sent to a real collector's address, carried over both buses to the relay, blank where a secret may stand."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from media.contract.tracing import TRACE, continued, with_trace
from service.bus.memory import MemoryBus
from service.configuration import Configuration, ConfigurationError, load_configuration
from service.monitoring.tracing import make_provider, running_tracing


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """An OTLP receiver on a port of its own; what it is sent."""
    received: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.headers.get("content-encoding") in {None, "identity"}
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_requests_reach_the_collector_by_route_and_without_their_address() -> None:
    with collector() as (url, received):
        provider = make_provider(Configuration(traces_endpoint=url, traces_share=1), "serve", "one")
        application = FastAPI(telemetry={"tracer_provider": provider})

        @application.get("/media/{signed}")
        def read(signed: str) -> str:
            return signed

        with TestClient(application) as client:
            assert client.get("/media/secret-address?word=secret-word").status_code == 200
        provider.shutdown()
    text = "".join(map(str, received))
    assert "/media/{signed}" in text
    assert "three-classrooms-serve" in text
    assert "secret" not in text


def test_nothing_is_sent_without_the_setting() -> None:
    with running_tracing(Configuration(), "serve", "one"):
        assert with_trace({"type": "join_lesson"}) == {"type": "join_lesson"}


def test_an_endpoint_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREE_CLASSROOMS_TRACES_ENDPOINT", "collector:4318")
    with pytest.raises(ConfigurationError, match="traces_endpoint"):
        load_configuration()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What is traced in this test, the whole of it."""
    exporter = InMemorySpanExporter()
    provider = make_provider(Configuration(traces_endpoint="http://127.0.0.1:9", traces_share=1), "serve", "one")
    provider._active_span_processor._span_processors = (SimpleSpanProcessor(exporter),)
    tracer = provider.get_tracer("test")
    monkeypatch.setattr("media.contract.tracing._tracer", tracer)
    exporter.tracer = tracer  # type: ignore[attr-defined]
    return exporter


def test_a_command_is_handled_in_the_trace_it_was_published_in(spans: InMemorySpanExporter) -> None:
    async def scenario() -> None:
        bus = MemoryBus()
        async with bus.subscribe("relay.one") as messages:
            with spans.tracer.start_as_current_span("PUT /api/lessons"):
                await bus.publish("relay.one", {"type": "join_lesson", "lesson_id": "a1"})
            message = await anext(messages)
        assert TRACE in message
        with continued(message, "relay") as plain:
            assert plain == {"type": "join_lesson", "lesson_id": "a1"}

    asyncio.run(scenario())
    asked, handled = spans.get_finished_spans()
    assert handled.name == "relay join_lesson"
    assert handled.attributes == {"lesson_id": "a1"}
    assert handled.context.trace_id == asked.context.trace_id
    assert handled.parent.span_id == asked.context.span_id


@pytest.mark.parametrize("value", ["", "00-zz-1-1", "x" * 500, 7])
def test_a_trace_that_is_none_is_passed_over(spans: InMemorySpanExporter, value: object) -> None:
    with continued({"type": "join_lesson", TRACE: value}, "relay") as plain:
        assert plain == {"type": "join_lesson"}
