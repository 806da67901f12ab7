"""Sends traces by OTLP over HTTP to the collector that the settings name; without the setting, nothing at all happens.

Spans name routes, commands and ids, never a person: what of an address may hold a secret or a name is blanked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import trace

from service.configuration import Configuration, ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

BLANKED = ("url.path", "url.query", "client.address", "user_agent.original")
"""Attributes of HTTP spans that may hold signed addresses, search words or persons; `http.route` says enough."""


@contextmanager
def running_tracing(configuration: Configuration, part: str, name: str) -> Iterator[None]:
    """Trace while the context is entered. `part` is serve, relay or worker, `name` tells this process from others.

    Raises ConfigurationError when traces are asked for and the packages of the extra `tracing` are not installed.
    """
    if configuration.traces_endpoint is None:
        yield
        return
    provider = make_provider(configuration, part, name)
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def make_provider(configuration: Configuration, part: str, name: str) -> "TracerProvider":
    """A provider that exports to the endpoint of the settings. Raises ConfigurationError."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "TRACES_ENDPOINT needs packages of its own: pip install 'three-classrooms[tracing]'"
        ) from error

    class Blanking(SpanProcessor):
        """Overwrites, while a span begins, what must not leave this machine."""

        def on_start(self, span: Span, parent_context: object = None) -> None:
            for key in BLANKED:
                if span.attributes and key in span.attributes:
                    span.set_attribute(key, "")

        def on_end(self, span: ReadableSpan) -> None:
            """Nothing: the span is read-only now."""

    provider = TracerProvider(
        resource=Resource.create(
            {
                "service.name": f"three-classrooms-{part}",
                "service.version": version("three-classrooms"),
                "service.instance.id": name,
            }
        ),
        sampler=ParentBased(TraceIdRatioBased(configuration.traces_share)),
    )
    provider.add_span_processor(Blanking())
    endpoint = f"{(configuration.traces_endpoint or '').rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider
