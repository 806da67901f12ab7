"""What light clients send: a few real Opus packets and VP8 pictures, encoded once, as RTP at a low rate."""

import secrets
import struct
from fractions import Fraction
from functools import cache

from av import CodecContext, VideoFrame

from media.room_client.sound import encoded_melody

MID_EXTENSION = 1
SOUND_EVERY_S = 0.1
SOUNDS_FOR_A_PICTURE = 5
SOUND_HZ, PICTURE_HZ = 48_000, 90_000


@cache
def sounds() -> list[bytes]:
    """Opus packets."""
    return encoded_melody("light")


@cache
def picture() -> bytes:
    """One VP8 key frame of a grey picture, small enough for one packet."""
    codec = CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = 160, 120, "yuv420p"  # type: ignore[attr-defined]
    codec.time_base = Fraction(1, 90_000)
    codec.options = {"deadline": "realtime", "lag-in-frames": "0"}
    frame = VideoFrame(160, 120, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    frame.pts = 0
    packets = [*codec.encode(frame), *codec.encode(None)]  # type: ignore[attr-defined]
    return bytes(packets[0])


class Stream:
    """One RTP stream: numbers its packets and writes the mid into each."""

    def __init__(self, mid: str, payload_type: int, ticks: int, *, mid_extension: int = MID_EXTENSION) -> None:
        self.ssrc = secrets.randbits(31)
        self._header = bytes([0xBE, 0xDE, 0, 1, mid_extension << 4, mid.encode()[0], 0, 0])
        self._payload_type, self._ticks = payload_type, ticks
        self._seq, self._time = secrets.randbits(15), secrets.randbits(30)

    def packet(self, payload: bytes, *, marker: bool) -> bytes:
        """The next packet (RFC 3550 5.1, RFC 8285 4.2)."""
        self._seq, self._time = (self._seq + 1) & 0xFFFF, (self._time + self._ticks) & 0xFFFFFFFF
        second = self._payload_type | (0x80 if marker else 0)
        return struct.pack("!BBHII", 0x90, second, self._seq, self._time, self.ssrc) + self._header + payload

    def vp8(self) -> bytes:
        """A whole picture in one packet: the descriptor says start of partition 0 (RFC 7741 4.2)."""
        return self.packet(b"\x10" + picture(), marker=True)
