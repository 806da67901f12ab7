"""Brings the demonstration up: the county once, its timetable and its live lesson on every start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from service.accounts.people import is_set_up
from service.configuration import ConfigurationError
from service.demo.county import Builder
from service.demo.credentials import DemoCredentials, load_credentials, make_credentials
from service.demo.demands import fill_demands
from service.demo.live_lesson import api_client, begin_lesson, find_cast, keep_a_lesson_live
from service.demo.names import LIVE_PICTURE_NAMES, LIVE_RECEIVERS
from service.demo.public_lessons import fill_public_lessons
from service.demo.publishers import watching_publishers
from service.demo.room_process import RoomOrder, RoomsOrder, running_rooms
from service.demo.timetable import fill_timetable
from service.parts import Parts
from service.security.passwords import hash_password


@asynccontextmanager
async def running_demonstration(parts: Parts, url: str) -> AsyncIterator[dict[str, Any]]:
    """The demonstration beside the running server at `url`; yields what READY tells of it."""
    credentials = await asyncio.to_thread(prepare_county, parts)
    await asyncio.to_thread(fill_timetable, parts)
    await asyncio.to_thread(fill_demands, parts)
    await asyncio.to_thread(fill_public_lessons, parts)
    cast = await asyncio.to_thread(find_cast, parts)
    async with api_client(parts, url) as client:
        order = RoomsOrder(
            url=url,
            rooms=[
                RoomOrder(token=token, picture_name=name)
                for token, name in zip(credentials.device_tokens, LIVE_PICTURE_NAMES, strict=True)
            ],
        )
        async with AsyncExitStack() as stack:
            # Starting a process takes a second; meanwhile the lesson is booked.
            await stack.enter_async_context(running_rooms(order))
            publishing = await stack.enter_async_context(watching_publishers(parts))
            try:
                lesson_id = await begin_lesson(parts, client, cast)
            except httpx.HTTPError as error:
                raise ConfigurationError(f"the demonstration lesson cannot be started: {error}") from error
            renewal = asyncio.create_task(keep_a_lesson_live(parts, client, cast, lesson_id), name="demonstration")
            stack.callback(renewal.cancel)
            await publishing.wait_for(lesson_id, cast.room_ids)
            yield {
                "accounts": [account.model_dump(mode="json") for account in credentials.accounts],
                "lesson": {"id": lesson_id, "url": f"{url}/lessons/{lesson_id}"},
            }


def prepare_county(parts: Parts) -> DemoCredentials:
    """Build the county unless it is there. Raises ConfigurationError over somebody else's database."""
    folder = parts.configuration.data_folder
    credentials = load_credentials(folder)
    with parts.database.reading() as session:
        is_built = is_set_up(session)
    if is_built and credentials is None:
        raise ConfigurationError(
            f"{folder} holds an installation that is not the demonstration; "
            "start with --no-demo, or choose another --data-folder"
        )
    if credentials is None:
        credentials = make_credentials(folder, rooms=1 + len(LIVE_RECEIVERS))
    if not is_built:
        hashes = {account.role: hash_password(account.password) for account in credentials.accounts}
        with parts.database.unit_of_work() as session:
            Builder(session, parts.clock.now(), hashes, parts.configuration.default_locale).build(credentials)
    return credentials
