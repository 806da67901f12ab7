"""What a headless classroom publishes, as tracks aiortc can send: packets already encoded, paced by the clock."""

import asyncio
import time
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import Packet

from media.room_client.encoding import FRAME_RATE, PictureEncoder, VideoCodec
from media.room_client.picture import VIDEO_TIME_BASE, RoomPicture, unix_ms_now
from media.room_client.sound import FRAME_SAMPLES, SAMPLE_RATE_HZ, SOUND_TIME_BASE

# After falling behind (a suspended machine) by more than this, what was missed is left out instead of hurried.
LATENESS_LIMIT_S = 0.5


class Pace:
    """Says when the next of evenly spaced things is due."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._started_s = time.monotonic()
        self._count = 0

    async def next(self) -> int:
        """Wait until the next one is due and tell its number; numbers are left out after falling far behind."""
        self._count += 1
        wait_s = self._started_s + self._count * self._interval_s - time.monotonic()
        if wait_s < -LATENESS_LIMIT_S:
            self._count += int(-wait_s / self._interval_s)
        elif wait_s > 0:
            await asyncio.sleep(wait_s)
        return self._count


class PictureTrack(MediaStreamTrack):
    """The room's moving picture, encoded in `codec` once that is negotiated."""

    kind = "video"

    def __init__(self, picture: RoomPicture) -> None:
        super().__init__()
        self._picture = picture
        self._encoder: PictureEncoder | None = None
        self._key_frame_wanted = True
        self._pace = Pace(1 / FRAME_RATE)
        self._started_ns = time.monotonic_ns()
        self.sent_frames = 0

    def use_codec(self, codec: VideoCodec) -> None:
        """Encode in this codec from now on."""
        self._encoder = PictureEncoder(codec, self._picture.width, self._picture.height)
        self._key_frame_wanted = True

    def request_key_frame(self) -> None:
        """Make the next picture a key frame."""
        self._key_frame_wanted = True

    async def recv(self) -> "Packet[Any]":
        """The next picture's packet."""
        while True:
            if self.readyState != "live":
                raise MediaStreamError
            await self._pace.next()
            if self._encoder is not None and (packet := await asyncio.to_thread(self._next_packet, self._encoder)):
                self.sent_frames += 1
                return packet

    def _next_packet(self, encoder: PictureEncoder) -> "Packet[Any] | None":
        ticks = (time.monotonic_ns() - self._started_ns) * 9 // 100_000
        frame = self._picture.draw(unix_ms_now())
        frame.pts, frame.time_base = ticks, VIDEO_TIME_BASE
        key_frame, self._key_frame_wanted = self._key_frame_wanted, False
        packets = encoder.encode(frame, key_frame=key_frame)
        return _packet(bytes(packets[0]), ticks, VIDEO_TIME_BASE) if packets else None


class SoundTrack(MediaStreamTrack):
    """The room's melody, 20 ms a packet, round and round."""

    kind = "audio"

    def __init__(self, packets: list[bytes]) -> None:
        super().__init__()
        self._packets = packets
        self._pace = Pace(FRAME_SAMPLES / SAMPLE_RATE_HZ)
        self.sent_frames = 0

    async def recv(self) -> "Packet[Any]":
        """The next packet of sound."""
        if self.readyState != "live":
            raise MediaStreamError
        number = await self._pace.next()
        self.sent_frames += 1
        return _packet(self._packets[number % len(self._packets)], number * FRAME_SAMPLES, SOUND_TIME_BASE)


def _packet(data: bytes, ticks: int, time_base: Fraction) -> "Packet[Any]":
    packet: Packet[Any] = Packet(data)
    packet.pts = packet.dts = ticks
    packet.time_base = time_base
    return packet
