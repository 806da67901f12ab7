"""A lesson that goes to another relay: the session that follows, made while the one before still carries the lesson."""

import asyncio
import time
from collections.abc import Callable

from media.room_client.errors import ConnectionLostError, RefusedError
from media.room_client.lesson_session import LessonSession

LOOK_EVERY_S = 0.1
TRY_AGAIN_S = 0.3
FOLLOWED_WITHIN_S = 12.0
Run = asyncio.Task[str]


def start(session: LessonSession) -> Run:
    """Run the session; whoever stops waiting for it need not ask how it ended."""
    running = asyncio.create_task(session.run())
    running.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return running


async def follow(session: LessonSession, make: Callable[[], LessonSession]) -> tuple[LessonSession, Run]:
    """Wait until `session` is asked to move, and give the one to which everything has moved, already running.

    Raises ConnectionLostError when that takes too long.
    """
    await session.asked_to_move.wait()
    deadline = time.monotonic() + FOLLOWED_WITHIN_S
    while time.monotonic() < deadline:
        following = make()
        running = start(following)
        try:
            while not running.done() and time.monotonic() < deadline:
                if following.joined.is_set() and received(following) >= received(session):
                    await session.send("moved")
                    return following, running
                await asyncio.sleep(LOOK_EVERY_S)
        except BaseException:
            running.cancel()
            raise
        if not running.done():
            running.cancel()
        elif isinstance(error := running.exception(), RefusedError):
            raise error
        await asyncio.sleep(TRY_AGAIN_S)
    raise ConnectionLostError("the lesson could not be followed to its next relay")


def received(session: LessonSession) -> set[tuple[str, str]]:
    """Parties' sources of which something arrived."""
    receptions = session.subscriber.receptions.values() if session.subscriber else ()
    return {(one.party_id, one.source) for one in receptions if one.frames}
