"""`three-classrooms serve`: everything in one process, or one replica of several; from opening the ports to the end."""

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from service.accounts.people import is_set_up
from service.application import create_application, running_background
from service.bootstrap import make_parts, prepare_storage, running_bus, running_relay
from service.command_line.terminal import say
from service.configuration import Configuration, ConfigurationError
from service.demo.demonstration import running_demonstration
from service.monitoring.tracing import running_tracing
from service.parts import Parts

log = logging.getLogger(__name__)

DEMONSTRATION_FOLDER = Path(".data/demonstration")
MOST_SOCKET_MESSAGE_BYTES = 256 * 1024
GRACE_S = 2
SWITCH_S = 0.001
"""After how long a thread that computes lets another one go on. A request changes threads dozens of times, which
with Python's own 5 ms each time takes it a fifth of a second beside one that computes."""
NEW_OBJECTS = 20_000
"""After how many new objects cycles are looked for: every few questions of the database with Python's own 700. Each
such look holds up all threads, the thorough ones for tens of milliseconds when hundreds are connected."""


def run_server(configuration: Configuration, *, demo: bool) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigurationError for what an operator can correct."""
    if demo and configuration.redis_url is not None:
        raise ConfigurationError("--demo runs in one process; start it without REDIS_URL")
    sys.setswitchinterval(SWITCH_S)
    # The port is taken first: a second start fails at once, before it touches the data of the first.
    listener = _open_listener(configuration)
    try:
        with running_tracing(configuration, "serve", f"{socket.gethostname()}:{listener.getsockname()[1]}"):
            asyncio.run(_serve(configuration, listener, demo=demo))
    finally:
        listener.close()


async def _serve(configuration: Configuration, listener: socket.socket, *, demo: bool) -> None:
    """Cancelled by the first signal, at whatever point it is; everything opened until then is closed in reverse."""
    parts = make_parts(configuration)
    try:
        with signals_cancel_this_task():
            async with AsyncExitStack() as stack:
                await _start(parts, listener, stack, demo=demo)
                await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("stopped")
    finally:
        parts.database.close()


async def _start(parts: Parts, listener: socket.socket, stack: AsyncExitStack, *, demo: bool) -> None:
    url = _address_of(parts.configuration, listener)
    say(f"preparing the database in {parts.configuration.data_folder}")
    await asyncio.to_thread(prepare_storage, parts)
    stack.enter_context(parts.database.watched())
    # The order of stopping is the reverse: rooms leave, the relay says good-bye to all clients over HTTP that still
    # runs, and the background tasks note the last of what it reports. Hence not by uvicorn's lifespan.
    await stack.enter_async_context(running_bus(parts))
    await stack.enter_async_context(running_background(parts))
    await stack.enter_async_context(_http(parts, listener))
    if parts.wiring is None:
        await stack.enter_async_context(_relay(parts))
    ready: dict[str, Any] = {"url": url}
    if demo:
        say("preparing the demonstration county and its live lesson")
        ready |= await stack.enter_async_context(running_demonstration(parts, url))
    else:
        ready |= await asyncio.to_thread(_setup_address, parts, url)
    gc.collect()
    gc.freeze()  # what is here now stays: no later collection need look through it
    gc.set_threshold(max(NEW_OBJECTS, gc.get_threshold()[0]))
    print(f"READY {json.dumps(ready, ensure_ascii=False)}", flush=True)
    for account in ready.get("accounts", ()):
        # The same as in READY, for eyes: one line each, the name as wide as the widest.
        say(f"sign in as {account['username']:<10}  password {account['password']}")
    say(f"open {ready.get('setup_url', url)} in a browser; Ctrl-C stops")


@contextmanager
def signals_cancel_this_task() -> Iterator[None]:
    """SIGINT and SIGTERM end the task that is in this block; a second one ends the process at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - called in a task
    is_stopping = False

    def stop() -> None:
        nonlocal is_stopping
        if is_stopping:
            say("stopped at once, because it was asked twice")
            os._exit(130)
        is_stopping = True
        say("stopping")
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _relay(parts: Parts) -> AsyncIterator[None]:
    try:
        async with running_relay(parts):
            yield
    except OSError as error:
        raise ConfigurationError(
            f"UDP port {parts.configuration.udp_port} cannot be opened ({error.strerror}); "
            "stop what uses it or choose another with --udp-port"
        ) from error


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the order in which things stop is decided here."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _http(parts: Parts, listener: socket.socket) -> AsyncIterator[None]:
    configuration = parts.configuration
    server = _Server(
        uvicorn.Config(
            create_application(parts),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(configuration.trusted_proxies),
            forwarded_allow_ips=list(configuration.trusted_proxies),
            ws="websockets-sansio",
            ws_max_size=MOST_SOCKET_MESSAGE_BYTES,
            ws_ping_interval=10,
            ws_ping_timeout=20,
            timeout_graceful_shutdown=GRACE_S,
            lifespan="off",
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started:
            if serving.done():
                await serving
                raise RuntimeError("the HTTP server did not start; see the log above")
            await asyncio.sleep(0.02)
        yield
    finally:
        server.should_exit = True
        await serving


def _open_listener(configuration: Configuration) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            configuration.host, configuration.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"{configuration.host} is no address to listen on ({error.strerror})") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{configuration.host}:{configuration.port} cannot be opened ({error.strerror}); "
            "stop what uses it or choose another with --port"
        ) from error
    return listener


def _address_of(configuration: Configuration, listener: socket.socket) -> str:
    if configuration.public_url is not None:
        return configuration.public_url.rstrip("/")
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _setup_address(parts: Parts, url: str) -> dict[str, Any]:
    with parts.database.reading() as session:
        if is_set_up(session):
            return {}
    return {"setup_url": f"{url}/setup?token={parts.setup.token}"}
