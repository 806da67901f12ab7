"""Headless classrooms run from the command line: one for testing a deployment, several for the demonstration."""

import asyncio
import os
import select
import signal
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from media.room_client import RoomError, RoomOptions, run_room
from service.command_line.terminal import say
from service.configuration import ConfigurationError
from service.demo.room_process import RoomsOrder

LEAVE_WITHIN_S = 3.0
"""For so long rooms may take their leave of a server that may be gone."""


def attend_lessons(url: str, token_file: Path | None, name: str | None) -> None:
    """One room, until Ctrl-C. Raises ConfigurationError with what the room was refused for."""
    if not url.startswith(("http://", "https://")) or not urlsplit(url).hostname:
        raise ConfigurationError(f"{url} is no address of a service; expected one such as http://127.0.0.1:8000")
    try:
        asyncio.run(_until_signalled(run_room(RoomOptions(url=url, token_file=token_file, name=name, report=say))))
    except RoomError as error:
        raise ConfigurationError(str(error)) from error


def attend_as_described(order_input: TextIO) -> None:
    """All rooms of a RoomsOrder, read as one line of JSON; ends with the input, so that no room outlives its server."""
    order = RoomsOrder.model_validate_json(order_input.readline())
    threading.Thread(target=_end_with, args=(order_input,), name="order", daemon=True).start()
    asyncio.run(_until_signalled(_attend_all(order, order_input)))


def _end_with(order_input: TextIO) -> None:
    """End the process some time after the input ended, however busy or stuck the rooms are."""
    select.select([order_input], [], [])
    time.sleep(LEAVE_WITHIN_S)
    os._exit(0)


async def _attend_all(order: RoomsOrder, order_input: TextIO) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(order_input, ended.set)
    options = [
        RoomOptions(url=order.url, token=room.token, name=room.picture_name, report=_stay_silent, lesson_poll_s=1.0)
        for room in order.rooms
    ]
    async with asyncio.TaskGroup() as group:
        rooms = [group.create_task(run_room(option)) for option in options]
        await ended.wait()
        for room in rooms:
            room.cancel()


async def _until_signalled(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def _stay_silent(_line: str) -> None:
    return
