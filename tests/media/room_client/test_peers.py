"""A room's peer connections let go of everything they opened."""

import asyncio
import contextlib
from pathlib import Path

from media.room_client.peers import describe_locally, new_peer_connection


def open_descriptors() -> int:
    return sum(1 for _one in Path("/proc/self/fd").iterdir())


def test_a_description_that_is_cancelled_while_addresses_are_gathered_leaves_no_socket() -> None:
    async def story() -> tuple[int, int]:
        connection = new_peer_connection(lambda: None)
        connection.addTransceiver("audio")
        offer = await connection.createOffer()
        before = open_descriptors()
        describing = asyncio.create_task(describe_locally(connection, offer))
        while open_descriptors() == before:  # noqa: ASYNC110 - nobody tells when a socket is opened
            await asyncio.sleep(0)
        describing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await describing
        await connection.close()
        await asyncio.sleep(0)
        return before, open_descriptors()

    before, after = asyncio.run(story())
    assert after == before
