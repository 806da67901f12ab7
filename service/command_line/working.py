"""`three-classrooms worker`: makes recordings, hand-outs, digests and plans for a deployment of several processes."""

import asyncio
import json
import os
import socket
from contextlib import AsyncExitStack

from service.bootstrap import make_parts, prepare_storage, running_bus
from service.bus.redis_bus import RedisBus
from service.command_line.serving import signals_cancel_this_task
from service.command_line.terminal import say
from service.configuration import Configuration, ConfigurationError
from service.features import JOBS
from service.live.live import WORKERS
from service.monitoring.tracing import running_tracing


def run_worker(configuration: Configuration) -> None:
    """Do jobs until SIGINT or SIGTERM. Raises ConfigurationError for what an operator can correct."""
    if configuration.redis_url is None:
        raise ConfigurationError("a worker needs REDIS_URL; without, `three-classrooms serve` does the jobs itself")
    with running_tracing(configuration, "worker", f"{socket.gethostname()}:{os.getpid()}"):
        asyncio.run(_work(configuration))


async def _work(configuration: Configuration) -> None:
    parts = make_parts(configuration)
    try:
        with signals_cancel_this_task():
            async with AsyncExitStack() as stack:
                await asyncio.to_thread(prepare_storage, parts)
                stack.enter_context(parts.database.watched())
                await stack.enter_async_context(running_bus(parts, leads=False))
                for job in JOBS:
                    await stack.enter_async_context(job(parts))
                if isinstance(parts.bus, RedisBus):
                    await stack.enter_async_context(parts.bus.alive(WORKERS))
                print(f"READY {json.dumps({'worker': parts.replica_id})}", flush=True)
                say("taking jobs; Ctrl-C stops")
                await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("stopped")
    finally:
        parts.database.close()
