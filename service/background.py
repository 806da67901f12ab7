"""The tasks that run beside the application, as `service.features` lists them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from service.parts import Parts


@asynccontextmanager
async def write_usage(parts: Parts) -> AsyncIterator[None]:
    """The usage log's writer; left last, so that it still takes what the others say while they stop."""
    parts.usage_log.start()
    try:
        yield
    finally:
        await asyncio.to_thread(parts.usage_log.close)


def make_recordings(parts: Parts) -> AbstractAsyncContextManager[None]:
    """The jobs that make recordings."""
    return parts.production.running()


def watch_running_lessons(parts: Parts) -> AbstractAsyncContextManager[None]:
    """The process that makes recordings watchable while their lessons run."""
    return parts.live_watching.running()


def tend_recording_notices(parts: Parts) -> AbstractAsyncContextManager[None]:
    """What administrators must know about recordings."""
    return parts.recording_notices.running()


def make_handouts(parts: Parts) -> AbstractAsyncContextManager[None]:
    """The jobs that compose files to hand out."""
    return parts.handout_production.running()


def digest_recordings(parts: Parts) -> AbstractAsyncContextManager[None]:
    """The jobs that read thumbnails and speech off finished recordings."""
    return parts.digests.running()


def make_plans(parts: Parts) -> AbstractAsyncContextManager[None]:
    """The jobs that pair demands with lead series."""
    return parts.planning.running()


def conduct_lessons(parts: Parts) -> AbstractAsyncContextManager[None]:
    """The live part: relays' events, and the clock's part in the course of lessons."""
    return parts.live.running()


def watch_standing(parts: Parts) -> AbstractAsyncContextManager[None]:
    """Whether those who are connected still may be."""
    return parts.standing.running()
