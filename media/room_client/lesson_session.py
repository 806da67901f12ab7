"""One connection to a lesson: the WebSocket, what is said on it, and the two peer connections it sets up."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

from media.room_client.encoding import VideoCodec
from media.room_client.errors import ConnectionLostError, RefusedError
from media.room_client.peers import Publisher, Subscriber
from media.room_client.picture import RoomPicture
from media.room_client.reception import Decoding, OnFrame
from media.room_client.tracks import PictureTrack, SoundTrack

PING_INTERVAL_S = 10
SILENCE_LIMIT_S = 25
MESSAGE_LIMIT_BYTES = 256 << 10
OPEN_TIMEOUT_S = 10
LEAVE_TIMEOUT_S = 2
LAST_WORD_S = 0.7
# With these the server means the lesson, not one message; joining again does not help.
FINAL_ERRORS = {"not_allowed", "not_found", "lesson_over", "bad_message"}


@dataclass(slots=True)
class Classroom:
    """What a room sends and how; the same through all its connections."""

    name: str
    picture: RoomPicture
    melody: list[bytes]
    preferred_codec: VideoCodec = "h264"
    decoding: Decoding = "none"
    on_frame: OnFrame | None = None


@dataclass(slots=True)
class Standing:
    """What the server told last."""

    party_id: str = ""
    role: str = ""
    may_publish: bool = False
    recording: bool = False
    parties: list[dict[str, Any]] = field(default_factory=list)


class LessonSession:
    """One try at being in the lesson. `run` returns why the lesson is over for this room, or raises."""

    def __init__(self, url: str, token: str, lesson_id: str, classroom: Classroom) -> None:
        self.standing = Standing()
        self.joined = asyncio.Event()
        self.asked_to_move = asyncio.Event()
        self._url = live_url(url)
        self._token = token
        self._lesson_id = lesson_id
        self._classroom = classroom
        self._socket: ClientConnection | None = None
        self._publisher: Publisher | None = None
        self.picture: PictureTrack | None = None
        self.subscriber: Subscriber | None = None
        self._publish_id = 0
        self._heard_s = time.monotonic()
        self._lost = asyncio.Event()
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[str | None]]] = {
            "welcome": self._on_welcome,
            "published": self._on_published,
            "subscribe": self._on_subscribe,
            "roster": self._on_roster,
            "recording": self._on_recording,
            "republish": self._on_republish,
            "move": self._on_move,
            "lesson_ended": self._on_over,
            "replaced": self._on_over,
            "error": self._on_error,
        }

    async def run(self) -> str:
        """Join and stay: "lesson_ended" or "replaced"; raises RefusedError, or ConnectionLostError to connect again."""
        try:
            async with connect(
                self._url,
                additional_headers={"Authorization": f"Bearer {self._token}"},
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=LEAVE_TIMEOUT_S,
                max_size=MESSAGE_LIMIT_BYTES,
                ping_interval=None,
                proxy=None,
            ) as socket:
                self._socket = socket
                await self.send("join", lesson_id=self._lesson_id)
                return await self._stay(socket)
        except InvalidStatus as error:
            raise _refusal(error.response.status_code) from error
        except InvalidURI as error:
            raise RefusedError("bad_address", f"{self._url} is no address: {error}") from error
        except (InvalidHandshake, WebSocketException, OSError, TimeoutError) as error:
            raise ConnectionLostError(f"the connection to {self._url} is gone: {error}") from error
        finally:
            await self._close_peers()

    async def leave(self) -> None:
        """Say goodbye and close; `run` then raises ConnectionLostError or is cancelled by its caller."""
        if self._socket is not None:
            try:
                await self.send("leave")
                await self._socket.close()
            except (WebSocketException, OSError):
                return

    async def send(self, kind: str, **fields: Any) -> None:
        """Send one message of the protocol."""
        if self._socket is not None:
            await self._socket.send(json.dumps({"v": 1, "type": kind, **fields}))

    async def _stay(self, socket: ClientConnection) -> str:
        tasks = [
            asyncio.ensure_future(self._listen(socket)),
            asyncio.ensure_future(self._keep_alive()),
            asyncio.ensure_future(self._until_lost()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # What the server said last counts more than what went silent meanwhile.
            return next(task for task in tasks if task.done()).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, socket: ClientConnection) -> str:
        async for data in socket:
            self._heard_s = time.monotonic()
            message = _parse(data)
            handler = self._handlers.get(str(message.get("type")))
            if handler is not None and (outcome := await handler(message)) is not None:
                return outcome
        raise ConnectionLostError("the server closed the connection")

    async def _keep_alive(self) -> str:
        while True:
            await asyncio.sleep(PING_INTERVAL_S)
            if time.monotonic() - self._heard_s > SILENCE_LIMIT_S:
                raise ConnectionLostError("the server has gone silent")
            await self.send("ping")

    async def _until_lost(self) -> str:
        await self._lost.wait()
        # The media of a lesson that ends is closed before the word of it arrives: listen for that word.
        await asyncio.sleep(LAST_WORD_S)
        raise ConnectionLostError("the relay cannot be reached any more")

    async def _on_welcome(self, message: dict[str, Any]) -> None:
        self.standing.party_id = str(message.get("party_id", ""))
        self.standing.role = str(message.get("role", ""))
        self.standing.recording = bool(message.get("recording"))
        self.joined.set()
        await self._may_publish(bool(message.get("may_publish")))

    async def _on_roster(self, message: dict[str, Any]) -> None:
        parties = message.get("parties")
        self.standing.parties = parties if isinstance(parties, list) else []
        if "may_publish" in message:
            await self._may_publish(bool(message["may_publish"]))

    async def _on_recording(self, message: dict[str, Any]) -> None:
        self.standing.recording = bool(message.get("active"))

    async def _on_republish(self, _message: dict[str, Any]) -> None:
        """Somebody cannot decode what is sent: a new offer is answered with another codec."""
        await self._may_publish(False)
        await self._may_publish(True)

    async def _on_move(self, _message: dict[str, Any]) -> None:
        self.asked_to_move.set()

    async def _on_over(self, message: dict[str, Any]) -> str:
        return str(message["type"])

    async def _on_error(self, message: dict[str, Any]) -> None:
        code, about = str(message.get("code", "")), str(message.get("about", ""))
        text = str(message.get("message") or code)
        if code == "media_lost":
            raise ConnectionLostError(text)  # says only: join again
        if about == "join" or code == "lesson_over":
            raise RefusedError(code, text)
        if about in {"publish", "subscribed"}:
            raise RefusedError(code, text) if code in FINAL_ERRORS else ConnectionLostError(text)

    async def _may_publish(self, allowed: bool) -> None:
        self.standing.may_publish = allowed
        if allowed and self._publisher is None:
            self.picture = PictureTrack(self._classroom.picture)
            sound = SoundTrack(self._classroom.melody)
            self._publisher = Publisher(self.picture, sound, self._classroom.preferred_codec, self._lost.set)
            sdp, tracks = await self._publisher.offer()
            self._publish_id += 1
            await self.send("publish", id=self._publish_id, sdp=sdp, tracks=tracks)
        elif not allowed and self._publisher is not None:
            publisher, self._publisher = self._publisher, None
            await publisher.close_quietly()

    async def _on_published(self, message: dict[str, Any]) -> None:
        if self._publisher is not None and message.get("id") == self._publish_id:
            await self._publisher.accept(str(message.get("sdp", "")))

    async def _on_subscribe(self, message: dict[str, Any]) -> None:
        if self.subscriber is None:
            self.subscriber = Subscriber(self._classroom.decoding, self._classroom.on_frame, self._lost.set)
        tracks = message.get("tracks")
        described = [track for track in tracks if isinstance(track, dict)] if isinstance(tracks, list) else []
        answer = await self.subscriber.answer(str(message.get("sdp", "")), described)
        # aiortc cannot take a new track on a line that carried another.
        await self.send("subscribed", id=message.get("id"), sdp=answer, reuse=False)

    async def _close_peers(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.close_quietly()
        if self.subscriber is not None:
            await self.subscriber.close_quietly()


def live_url(url: str) -> str:
    """The WebSocket address of the server at `url`; raises RefusedError if that is no http address."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise RefusedError("bad_address", f"{url!r} is no http or https address")
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/api/live", "", ""))


def _refusal(status: int) -> Exception:
    if status in {401, 403}:
        return RefusedError("not_allowed", "the server does not know this room any more")
    if status == 404:
        return RefusedError("not_found", "there is no live service at this address")
    return ConnectionLostError(f"the server answered {status}")


def _parse(data: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(data)
    except ValueError as error:
        raise ConnectionLostError("the server sent something that is not JSON") from error
    return message if isinstance(message, dict) else {}
