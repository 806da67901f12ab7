"""Headless classrooms with clocks in their pictures, until killed. Arguments: the address, and a token for each."""

import asyncio
import sys

from media.room_client import room_client, running
from media.room_client.running import RoomOptions, run_room

# They look for the killed service again and again, so that the drill waits for nothing but the service.
room_client.LONGEST_WAIT_S = running.LONGEST_WAIT_S = 0.3


async def main() -> None:
    """Run them all."""
    url, *tokens = sys.argv[1:]
    options = [
        RoomOptions(url=url, token=token, name=f"ROOM {number}", size=(480, 270), lesson_poll_s=0.3)
        for number, token in enumerate(tokens)
    ]
    await asyncio.gather(*(run_room(one) for one in options))


asyncio.run(main())
