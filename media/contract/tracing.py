"""Carries a trace along with the messages of the bus, so that one trace shows a request and the relay's act.

Without a configured exporter (service.monitoring.tracing) no span is ever recording, and messages stay as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACE = "traceparent"
"""Key of a message that carries a trace, with the header's value (W3C Trace Context, section 3.2)."""

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("three-classrooms")


def with_trace(message: dict[str, Any]) -> dict[str, Any]:
    """Give `message` with the trace it is published in; itself where there is none."""
    if not trace.get_current_span().get_span_context().trace_flags.sampled:
        return message
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return {**message, TRACE: carrier[TRACE]}


@contextmanager
def continued(message: dict[str, Any], part: str) -> Iterator[dict[str, Any]]:
    """Handle `message` in a span of the trace it carries; gives it without that trace. `part` names who handles it."""
    if TRACE not in message:
        yield message
        return
    plain = {key: value for key, value in message.items() if key != TRACE}
    context = _propagator.extract({TRACE: str(message[TRACE])})
    attributes = {"lesson_id": plain["lesson_id"]} if isinstance(plain.get("lesson_id"), str) else {}
    with _tracer.start_as_current_span(f"{part} {plain.get('type')}", context=context, attributes=attributes):
        yield plain
