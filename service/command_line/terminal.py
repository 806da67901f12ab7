"""How the program speaks: progress and errors for people on stderr, results for programs on stdout."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from service.configuration import ConfigurationError
from service.monitoring.log_lines import LogLines

USAGE_ERROR = 2

console = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell what is happening."""
    console.print(f"[dim]·[/dim] {escape(text)}")


def fail(text: str) -> typer.Exit:
    """Say in one sentence what is wrong and what to do; raise what is returned."""
    console.print(f"[bold red]three-classrooms:[/bold red] {escape(text)}")
    return typer.Exit(USAGE_ERROR)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what an operator can correct into one sentence and exit code 2."""
    try:
        yield
    except ConfigurationError as error:
        raise fail(str(error)) from None


def configure_logging(level: str, log_format: str = "text") -> None:
    """Log to stderr; the libraries below only when something is wrong."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    handler.setFormatter(LogLines() if log_format == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("aioice", "aiortc", "alembic", "httpx", "httpcore", "uvicorn.access", "uvicorn.error", "taskiq"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
