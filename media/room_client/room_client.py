"""A room in a lesson through all its connections: joins, publishes, receives, connects again by itself, and leaves."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from media.room_client.encoding import VideoCodec
from media.room_client.errors import ConnectionLostError, RefusedError
from media.room_client.lesson_session import Classroom, LessonSession
from media.room_client.moving import follow, start
from media.room_client.picture import RoomPicture
from media.room_client.reception import Decoding, OnFrame, Reception
from media.room_client.sound import encoded_melody

logger = logging.getLogger(__name__)

FIRST_WAIT_S = 0.3
LONGEST_WAIT_S = 5.0


class RoomClient:
    """A headless classroom for one lesson.

    `url` is the server's http address, `token` the room's device token. `run` may be cancelled; `leave` ends it
    properly. Received tracks are in `receptions` by track id.
    """

    def __init__(
        self,
        url: str,
        token: str,
        lesson_id: str,
        *,
        name: str = "ROOM",
        seed: str = "",
        size: tuple[int, int] = (640, 360),
        preferred_codec: VideoCodec = "h264",
        decoding: Decoding = "none",
        on_frame: OnFrame | None = None,
    ) -> None:
        seed = seed or name
        picture = RoomPicture(name, *size, seed=seed)
        self._classroom = Classroom(name, picture, encoded_melody(seed), preferred_codec, decoding, on_frame)
        self._url, self._token, self._lesson_id = url, token, lesson_id
        self._leaving = asyncio.Event()
        self.session: LessonSession | None = None
        self.connections = 0
        self.moves = 0
        """How often it followed its lesson to another relay."""

    @property
    def receptions(self) -> Mapping[str, Reception]:
        """What is received on the present connection, by track id."""
        session = self.session
        return session.subscriber.receptions if session and session.subscriber else {}

    async def run(self) -> str:
        """Be in the lesson until it is over: returns "lesson_ended", "replaced" or "left"; raises RefusedError."""
        wait_s = FIRST_WAIT_S
        while not self._leaving.is_set():
            self.session = self._new_session()
            self.connections += 1
            try:
                outcome = await self._stay(self.session)
            except ConnectionLostError as error:
                if self._leaving.is_set():
                    break
                if self.session.joined.is_set():
                    wait_s = FIRST_WAIT_S
                logger.warning("%s: %s; connecting again in %.1f s", self._classroom.name, error, wait_s)
                await self._wait(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
            except RefusedError as error:
                if error.code not in {"too_early", "rate_limited"}:
                    raise
                await self._wait(LONGEST_WAIT_S)
            else:
                return outcome
        return "left"

    async def leave(self) -> None:
        """Leave the lesson; `run` then returns."""
        self._leaving.set()

    def _new_session(self) -> LessonSession:
        return LessonSession(self._url, self._token, self._lesson_id, self._classroom)

    async def _stay(self, session: LessonSession) -> str:
        """Be in the lesson by this session, and by those that follow it to other relays."""
        running = start(session)
        leaving = asyncio.create_task(self._leaving.wait())
        tasks: list[asyncio.Task[Any]] = [running, leaving]
        try:
            while True:
                following = asyncio.create_task(follow(session, self._new_session))
                tasks.append(following)
                await asyncio.wait({running, leaving, following}, return_when=asyncio.FIRST_COMPLETED)
                if leaving.done() and not running.done():
                    await session.leave()
                    return "left"
                if running.done():
                    return running.result()
                # The session before goes on sending to those who are not there yet, until the relay ends it.
                session, running = following.result()
                self.session = session
                tasks.append(running)
                self.moves += 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._leaving.wait(), seconds)
        except TimeoutError:
            return
