"""One connection of a light classroom to a lesson: its socket and the two peer connections made for it."""

import asyncio
import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate
from benchmarks.forward import session_description as sdp
from fleet.hearing_leg import HearingLeg, captured
from fleet.light_leg import LightLeg
from fleet.light_media import PICTURE_HZ, SOUND_HZ, SOUNDS_FOR_A_PICTURE, Stream, sounds
from websockets.asyncio.client import ClientConnection, connect

OPEN_WITHIN_S = 10.0
PING_EVERY_S, SILENCE_S = 10.0, 25.0
LOOK_EVERY_S = 0.1
MEDIA_SILENCE_S = 4.0
"""Without any packet for so long, a room that had some joins again, as browsers do when their media path dies."""
MakeLeg = Callable[[RTCCertificate], LightLeg]


class LightConnection:
    """Joins, publishes, answers every offer; `run` ends with the socket, or raises what went wrong."""

    def __init__(
        self,
        address: str,
        token: str,
        lesson_id: str,
        *,
        certificate: RTCCertificate,
        sound_every_s: float,
        look_every_s: float = LOOK_EVERY_S,
        make_leg: MakeLeg,
        told: Callable[["LightConnection", dict[str, Any]], None],
        heard: Callable[["LightConnection", str, float], None],
        open_within_s: float = OPEN_WITHIN_S,
    ) -> None:
        """`told` gets what concerns the room as a whole.

        With legs that hear (`HearingLeg`), `heard` gets "<party>|<source>" and the moment of capture of all sound.
        """
        self.address = address
        self._token, self._lesson_id = token, lesson_id
        self._certificate, self._make_leg = certificate, make_leg
        self._sound_every_s, self._look_every_s = sound_every_s, look_every_s
        self._told, self._heard = told, heard
        self._open_within_s = open_within_s
        self.is_answered = False
        """Its socket was opened."""
        self._socket: ClientConnection | None = None
        self._publishing: LightLeg | None = None
        self._receiving: LightLeg | None = None
        self._published: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sources: dict[int, str] = {}
        self._told_at = self.opened_at = time.monotonic()
        self.is_left = False
        """It receives nothing any more on purpose."""

    @property
    def legs(self) -> list[LightLeg]:
        """Its peer connections of this moment."""
        return [leg for leg in (self._publishing, self._receiving) if leg is not None]

    @property
    def streams(self) -> int:
        """How many streams have arrived."""
        return len(self._receiving.received) if self._receiving else 0

    @property
    def heard_sources(self) -> set[str]:
        """Whose what has arrived, as "<party>|<source>"."""
        received = self._receiving.received if self._receiving else ()
        return {self._sources[ssrc] for ssrc in received if ssrc in self._sources}

    @property
    def newest(self) -> float | None:
        """When the newest packet arrived, in monotonic time."""
        return max(self._receiving.received_at.values(), default=None) if self._receiving else None

    async def run(self) -> None:
        """Connect, join, and stay."""
        address = self.address.replace("http", "ws", 1) + "/api/live"
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with connect(
                address,
                additional_headers=headers,
                ping_interval=None,
                proxy=None,
                open_timeout=self._open_within_s,
                close_timeout=0.5,
            ) as socket:
                self.is_answered = True
                self._socket = socket
                await self.say("join", lesson_id=self._lesson_id)
                await self._stay(socket)
        finally:
            for leg in self.legs:
                await leg.close()

    async def say(self, kind: str, **fields: Any) -> None:
        """Send one message of the protocol."""
        if self._socket is not None:
            await self._socket.send(json.dumps({"v": 1, "type": kind, **fields}))

    def drop(self) -> None:
        """Lose the socket without a word, as an unplugged network does."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _stay(self, socket: ClientConnection) -> None:
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
                self._told_at = time.monotonic()
                message = json.loads(text)
                kind = message["type"]
                if kind == "published":
                    self._published.put_nowait(message)
                elif kind == "subscribe":
                    await self._answer(message)
                else:
                    self._told(self, message)
                if kind in {"welcome", "roster"} and message["may_publish"] and sending is None:
                    sending = asyncio.create_task(self._publish())
                if sending is not None and sending.done():
                    sending.result()
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    async def _publish(self) -> None:
        leg = self._publishing = self._make_leg(self._certificate)
        await leg.open()
        sound_ticks = int(SOUND_HZ * self._sound_every_s)
        picture_ticks = int(PICTURE_HZ * self._sound_every_s * SOUNDS_FOR_A_PICTURE)
        video, audio = Stream("0", 96, picture_ticks), Stream("1", 111, sound_ticks)
        offer = sdp.write(leg.local, 1, sdp.publishing(video.ssrc, audio.ssrc))
        tracks = [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "microphone"}]
        await self.say("publish", id=1, sdp=offer, tracks=tracks)
        answer = sdp.read((await self._published.get())["sdp"])
        await leg.connect(answer.transport)
        payloads = {line.mid: line for line in answer.lines}
        video = self._like(payloads["0"], video, picture_ticks)
        audio = self._like(payloads["1"], audio, sound_ticks)
        due = time.monotonic()
        for number in count():
            sound = sounds()[number % len(sounds())]
            if isinstance(leg, HearingLeg):
                sound = captured(sound, due)
            leg.send_rtp(audio.packet(sound, marker=False))
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
        if self._receiving is None:
            self._receiving = self._make_leg(self._certificate)
            if isinstance(self._receiving, HearingLeg):
                self._receiving.on_sound = self._on_sound
            await self._receiving.open()
        answer = sdp.write(self._receiving.local, 2, sdp.answering(described.lines))
        by_mid = {track["mid"]: f"{track['party_id']}|{track['source']}" for track in offer["tracks"]}
        for line in described.lines:
            if line.ssrc is not None and line.mid in by_mid:
                self._sources[line.ssrc] = by_mid[line.mid]
        await self.say("subscribed", id=offer["id"], sdp=answer)
        if first:
            await self._receiving.connect(described.transport)

    def _on_sound(self, ssrc: int, captured_at_s: float) -> None:
        source = self._sources.get(ssrc)
        if source is not None:
            self._heard(self, source, captured_at_s)

    async def _watch_media(self) -> None:
        """End a connection whose media has died."""
        while True:
            await asyncio.sleep(self._look_every_s)
            newest = self.newest
            if newest is not None and not self.is_left and time.monotonic() - newest > MEDIA_SILENCE_S:
                raise TimeoutError("no media arrives any more")

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            if time.monotonic() - self._told_at > SILENCE_S:
                raise TimeoutError("the server has gone silent")
            await self.say("ping")
