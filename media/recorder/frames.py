"""Encoded pictures and sounds put together from the packets of one track. Nothing is decoded; after a loss the picture
is left out until the next key frame, because what lies between would show garbage.
"""

from collections.abc import Iterator
from typing import NamedTuple

from aiortc.codecs.h264 import H264PayloadDescriptor
from aiortc.codecs.vpx import VpxPayloadDescriptor

from media.recorder.arrivals import Arrived
from media.recorder.h264 import begins_whole, is_key_frame, parameter_sets

FRAME_LIMIT_BYTES = 4 << 20


class EncodedFrame(NamedTuple):
    """One picture or one packet of sound. `after_loss`: pictures right before it were left out."""

    codec: str
    run: int
    clock_rate: int
    ext_timestamp: int
    arrival_us: int
    data: bytes
    is_key: bool
    after_loss: bool


class Happening(NamedTuple):
    """A frame at Unix microseconds `time_us` on the relay's clock."""

    time_us: int
    frame: EncodedFrame


def sound_frame(packet: Arrived, broken: bool) -> Iterator[EncodedFrame]:
    """The frame of one packet of sound, if it is one."""
    if packet.codec.name == "opus" and packet.payload:
        yield EncodedFrame(
            "opus",
            packet.run,
            packet.codec.clock_rate,
            packet.ext_timestamp,
            packet.arrival_us,
            packet.payload,
            True,
            broken,
        )


class PictureAssembler:
    """Collects the packets of one picture at a time."""

    def __init__(self) -> None:
        self._first: Arrived | None = None
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self._damaged = False
        self._waiting_for_key = True
        self._left_out = False
        self._parameter_sets = b""
        self._codec_name = ""

    def add(self, packet: Arrived, broken: bool) -> Iterator[EncodedFrame]:
        """Pictures that are whole with this packet."""
        first = self._first
        if first is not None and self._begins_another(first, packet):
            # Without a marker the end of a picture followed by a hole is in doubt.
            self._damaged = self._damaged or broken
            yield from self.finish()
            first = None
        if broken:
            self._waiting_for_key = self._left_out = True
        if packet.codec.name != self._codec_name:
            self._waiting_for_key = True
            self._codec_name = packet.codec.name
        if not packet.payload:
            return
        self._take(packet, is_first=first is None, broken=broken)
        if packet.marker:
            yield from self.finish()

    @staticmethod
    def _begins_another(first: Arrived, packet: Arrived) -> bool:
        return (packet.run, packet.ext_timestamp, packet.codec) != (first.run, first.ext_timestamp, first.codec)

    def _take(self, packet: Arrived, *, is_first: bool, broken: bool) -> None:
        if is_first:
            self._first = packet
            self._damaged = False
        elif broken:
            self._damaged = True
        try:
            part, is_start = _depacketize(packet)
        except (ValueError, IndexError):
            self._damaged = True
            return
        if is_first and not is_start:
            self._damaged = True
        self._parts.append(part)
        self._size_bytes += len(part)
        if self._size_bytes > FRAME_LIMIT_BYTES:
            self._damaged = True
            self._parts.clear()

    def finish(self) -> Iterator[EncodedFrame]:
        """The picture collected so far, if it is whole and decodable."""
        first, data = self._first, b"".join(self._parts)
        self._first = None
        self._parts.clear()
        self._size_bytes = 0
        if first is None:
            return
        if self._damaged or not data:
            self._waiting_for_key = self._left_out = True
            return
        if first.codec.name == "h264":
            if not begins_whole(data):
                self._waiting_for_key = self._left_out = True
                return
            is_key, data = self._with_parameter_sets(data)
        else:
            # RFC 6386 9.1: the lowest bit of the first byte is 0 in key frames, whose header has 10 bytes.
            is_key = len(data) >= 10 and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"
        if self._waiting_for_key and not is_key:
            self._left_out = True
            return
        after_loss, self._left_out, self._waiting_for_key = self._left_out, False, False
        yield EncodedFrame(
            first.codec.name,
            first.run,
            first.codec.clock_rate,
            first.ext_timestamp,
            first.arrival_us,
            data,
            is_key,
            after_loss,
        )

    def _with_parameter_sets(self, data: bytes) -> tuple[bool, bytes]:
        """Whether `data` is a key frame with SPS and PPS, and the data with them: a player may start at any key."""
        found = parameter_sets(data)
        if found:
            self._parameter_sets = found
        if not is_key_frame(data):
            return False, data
        if found:
            return True, data
        return bool(self._parameter_sets), self._parameter_sets + data


def _depacketize(packet: Arrived) -> tuple[bytes, bool]:
    """The packet's share of the picture and whether a picture may start with it; raises ValueError."""
    if packet.codec.name == "h264":
        h264, part = H264PayloadDescriptor.parse(packet.payload)
        return part, bool(h264.first_fragment)
    vp8, part = VpxPayloadDescriptor.parse(packet.payload)
    return part, bool(vp8.partition_start) and vp8.partition_id == 0
