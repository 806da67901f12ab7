"""A classroom that speaks the whole signalling protocol and real DTLS-SRTP at a low media rate, many in one process.

It joins, publishes, answers every offer, comes back by itself when its socket or its lesson's relay is lost, and
remembers when what arrived: how long it was without the lead's picture is what drills measure.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate
from benchmarks.forward import session_description as sdp
from fleet.light_leg import LightLeg
from fleet.light_media import PICTURE_HZ, SOUND_EVERY_S, SOUND_HZ, SOUNDS_FOR_A_PICTURE, Stream, sounds
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.3, 5.0
PING_EVERY_S, SILENCE_S = 10.0, 25.0
LOOK_EVERY_S = 0.1
MEDIA_SILENCE_S = 4.0
"""Without any packet for so long, a room that had some joins again, as browsers do when their media path dies."""


@dataclass
class Story:
    """What happened to one room."""

    opened_at: list[float] = field(default_factory=list)
    """When each socket was opened, in monotonic time."""
    complete_at: list[float] = field(default_factory=list)
    """When each time the first packet of every track of everyone expected had arrived."""
    welcomes_ms: list[float] = field(default_factory=list)
    """From opening the socket until `welcome`."""
    gaps: list[tuple[float, float]] = field(default_factory=list)
    """Stretches of more than a second without a packet of the lead, in monotonic time."""
    errors: list[str] = field(default_factory=list)
    connections: int = 0


class LightRoom:
    """One party of one lesson; `url` may change from connection to connection, as behind a load balancer."""

    def __init__(
        self,
        url: Callable[[], str],
        token: str,
        lesson_id: str,
        *,
        certificate: RTCCertificate,
        others: int,
        sound_every_s: float = SOUND_EVERY_S,
        make_leg: Callable[[RTCCertificate], LightLeg] = LightLeg,
    ) -> None:
        self._url, self._token, self._lesson_id = url, token, lesson_id
        self._certificate = certificate
        self._others = others
        self._sound_every_s = sound_every_s
        self._make_leg = make_leg
        self._socket: ClientConnection | None = None
        self._publishing: LightLeg | None = None
        self._receiving: LightLeg | None = None
        self._published: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._tracks: dict[str, Any] = {}
        self._opened_at = 0.0
        self._heard_at = 0.0
        self.story = Story()
        self.lead_at: float | None = None
        """When something of the lead (or, for the lead, of anybody) came last."""
        self.complete = asyncio.Event()
        """It publishes and receives everyone."""
        self.ended = ""
        self.address = ""
        """Of the replica it is connected to."""

    @property
    def hears(self) -> bool:
        """Whether media arrived within the last second."""
        return self.lead_at is not None and time.monotonic() - self.lead_at < 1.0

    @property
    def legs(self) -> list[LightLeg]:
        """Its peer connections of this moment."""
        return [leg for leg in (self._publishing, self._receiving) if leg is not None]

    async def drop_socket(self) -> None:
        """Lose the signalling connection without a word, as an unplugged network does."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def run(self) -> None:
        """Be in the lesson until it ends or this is cancelled."""
        wait_s = FIRST_WAIT_S
        while not self.ended:
            self.story.connections += 1
            welcomes = len(self.story.welcomes_ms)
            try:
                await self._connect()
            except (WebSocketException, OSError, TimeoutError, RuntimeError) as error:
                log.debug("%s: %s", self._lesson_id, error)
            finally:
                await self._close_legs()
            if len(self.story.welcomes_ms) > welcomes:
                wait_s = FIRST_WAIT_S
            if not self.ended:
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    async def _connect(self) -> None:
        self._opened_at = self._heard_at = time.monotonic()
        self.story.opened_at.append(self._opened_at)
        self.complete.clear()
        self.address = self._url()
        address = self.address.replace("http", "ws", 1) + "/api/live"
        headers = {"Authorization": f"Bearer {self._token}"}
        async with connect(
            address, additional_headers=headers, ping_interval=None, proxy=None, open_timeout=10, close_timeout=0.5
        ) as socket:
            self._socket = socket
            await self._say("join", lesson_id=self._lesson_id)
            tasks = [asyncio.create_task(one) for one in (self._listen(socket), self._ping(), self._watch_media())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, socket: ClientConnection) -> None:
        sending: asyncio.Task[None] | None = None
        try:
            async for text in socket:
                self._heard_at = time.monotonic()
                message = json.loads(text)
                kind = message["type"]
                if kind == "welcome":
                    self.story.welcomes_ms.append((time.monotonic() - self._opened_at) * 1000)
                    if message["may_publish"]:
                        sending = asyncio.create_task(self._publish())
                elif kind == "published":
                    self._published.put_nowait(message)
                elif kind == "subscribe":
                    await self._answer(message)
                elif kind in {"lesson_ended", "replaced"}:
                    self.ended = kind
                elif kind == "error":
                    self._note_error(message)
                if sending is not None and sending.done():
                    sending.result()
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    def _note_error(self, message: dict[str, Any]) -> None:
        if message["code"] != "media_lost":  # that one only says: join again
            self.story.errors.append(f"{message['code']}: {message['message']}")
            if message["code"] in {"not_allowed", "not_found", "lesson_over"}:
                self.ended = message["code"]

    async def _publish(self) -> None:
        leg = self._publishing = self._make_leg(self._certificate)
        await leg.open()
        sound_ticks = int(SOUND_HZ * self._sound_every_s)
        picture_ticks = int(PICTURE_HZ * self._sound_every_s * SOUNDS_FOR_A_PICTURE)
        video, audio = Stream("0", 96, picture_ticks), Stream("1", 111, sound_ticks)
        offer = sdp.write(leg.local, 1, sdp.publishing(video.ssrc, audio.ssrc))
        tracks = [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "microphone"}]
        await self._say("publish", id=1, sdp=offer, tracks=tracks)
        answer = sdp.read((await self._published.get())["sdp"])
        await leg.connect(answer.transport)
        payloads = {line.mid: line for line in answer.lines}
        video = self._like(payloads["0"], video, picture_ticks)
        audio = self._like(payloads["1"], audio, sound_ticks)
        due = time.monotonic()
        for number in count():
            leg.send_rtp(audio.packet(sounds()[number % len(sounds())], marker=False))
            if number % SOUNDS_FOR_A_PICTURE == 0:
                leg.send_rtp(video.vp8())
            due += self._sound_every_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    @staticmethod
    def _like(line: sdp.Line, stream: Stream, ticks: int) -> Stream:
        agreed = Stream(line.mid, line.payload_type, ticks, mid_extension=line.mid_extension or 1)
        agreed.ssrc = stream.ssrc
        return agreed

    async def _answer(self, offer: dict[str, Any]) -> None:
        described = sdp.read(offer["sdp"])
        first = self._receiving is None
        if first:
            self._receiving = self._make_leg(self._certificate)
            await self._receiving.open()
        leg = self._receiving
        assert leg is not None
        answer = sdp.write(leg.local, 2, sdp.answering(described.lines))
        self._tracks = {track["track_id"]: track for track in offer["tracks"]}
        await self._say("subscribed", id=offer["id"], sdp=answer)
        if first:
            await leg.connect(described.transport)

    async def _watch_media(self) -> None:
        """Note when media arrives; end a connection whose media has died."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            newest = max(self._receiving.received_at.values(), default=None) if self._receiving else None
            if newest is None:
                continue
            now = time.monotonic()
            self._note_arrival(newest)
            if not self.complete.is_set() and self._receiving and len(self._receiving.received) >= 2 * self._others:
                self.complete.set()
                self.story.complete_at.append(now)
            if now - newest > MEDIA_SILENCE_S:
                raise TimeoutError("no media arrives any more")

    def _note_arrival(self, at: float) -> None:
        if self.lead_at is not None and at - self.lead_at > 1.0:
            self.story.gaps.append((self.lead_at, at))
        self.lead_at = max(at, self.lead_at or at)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            if time.monotonic() - self._heard_at > SILENCE_S:
                raise TimeoutError("the server has gone silent")
            await self._say("ping")

    async def _say(self, kind: str, **fields: Any) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps({"v": 1, "type": kind, **fields}))

    async def _close_legs(self) -> None:
        legs = self.legs
        self._publishing = self._receiving = None
        self._published = asyncio.Queue()
        for leg in legs:
            await leg.close()
