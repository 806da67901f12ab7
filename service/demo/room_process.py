"""The demonstration's headless classrooms: one process of their own, because encoding would stall the server's loop."""

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel

log = logging.getLogger(__name__)

STOP_WITHIN_S = 2.0
RESTART_AFTER_S = 2.0


class RoomOrder(BaseModel):
    """One classroom: its device token, and what is burnt into its picture."""

    token: str
    picture_name: str


class RoomsOrder(BaseModel):
    """What the process is told on its standard input, where no list of processes shows the tokens."""

    url: str
    rooms: list[RoomOrder]


@asynccontextmanager
async def running_rooms(order: RoomsOrder) -> AsyncIterator[None]:
    """The rooms beside the server; started again if their process dies, stopped at the end."""
    keeping = asyncio.create_task(_keep_running(order), name="demonstration rooms")
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


async def _keep_running(order: RoomsOrder) -> None:
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "service.command_line", "demonstration-rooms"),
            stdin=PIPE,
            stdout=DEVNULL,
            # Ctrl-C in a terminal goes to the whole group; the rooms shall leave in their turn.
            start_new_session=True,
        )
        try:
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            process.stdin.write(order.model_dump_json().encode() + b"\n")
            await process.stdin.drain()
            code = await process.wait()
            log.warning("the demonstration rooms ended with %d; starting them again", code)
        except (BrokenPipeError, ConnectionResetError):
            log.warning("the demonstration rooms could not be started; trying again")
        finally:
            await _stop(process)
        await asyncio.sleep(RESTART_AFTER_S)


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
    except (TimeoutError, asyncio.CancelledError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
