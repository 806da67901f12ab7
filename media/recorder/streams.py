"""Container streams for packets that are already encoded, made without opening any encoder."""

import io
import struct
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from media.recorder.opus import SAMPLE_RATE_HZ, SILENCE

PICTURE_TIME_BASE = Fraction(1, 90_000)
SOUND_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)
OGG_CRC_POLYNOMIAL = 0x04C11DB7


def add_sound_stream(output: OutputContainer) -> AudioStream:
    """An Opus stream; its codec header comes from a three-page Ogg file, as PyAV cannot set one directly."""
    with av.open(io.BytesIO(_ogg_opus()), format="ogg") as template:
        stream = output.add_stream_from_template(template.streams.audio[0], opaque=True)
        stream.time_base = SOUND_TIME_BASE
        return stream


def add_picture_stream(output: OutputContainer, codec: str, key_frame: bytes) -> Stream:
    """A VP8 or H.264 stream of the size that `key_frame` has; raises ValueError if that cannot be told."""
    width, height = picture_size(codec, key_frame)
    if codec == "vp8":
        return output.add_mux_stream("vp8", width=width, height=height, time_base=PICTURE_TIME_BASE)
    with _open_h264(key_frame) as template:
        stream = output.add_stream_from_template(template.streams.video[0], opaque=True)
        stream.time_base = PICTURE_TIME_BASE
        return stream


def picture_size(codec: str, key_frame: bytes) -> tuple[int, int]:
    """Width and height of a key frame in pixels; raises ValueError."""
    if codec == "vp8":
        # RFC 6386 9.1: two 14-bit sizes after the start code.
        width, height = struct.unpack_from("<HH", key_frame, 6)
        width, height = width & 0x3FFF, height & 0x3FFF
    else:
        with _open_h264(key_frame) as template:
            stream: VideoStream = template.streams.video[0]
            width, height = stream.width, stream.height
    if not width or not height:
        raise ValueError("a key frame of no size")
    return width, height


def _open_h264(key_frame: bytes) -> InputContainer:
    try:
        return av.open(io.BytesIO(key_frame), "r", format="h264")
    except av.FFmpegError as error:
        raise ValueError("an H.264 key frame that cannot be read") from error


def _ogg_opus() -> bytes:
    # RFC 7845 5.1: version 1, 2 channels, no pre-skip (a live stream has none to skip), 48 kHz, no gain, family 0.
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, SAMPLE_RATE_HZ, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    return _ogg_page(head, 2, 0, 0) + _ogg_page(tags, 0, 0, 1) + _ogg_page(SILENCE, 4, 960, 2)


def _ogg_page(packet: bytes, flags: int, granule: int, number: int) -> bytes:
    # RFC 3533 6: one packet of less than 255 bytes makes one segment.
    def page(checksum: int) -> bytes:
        head = struct.pack("<4sBBqIIIBB", b"OggS", 0, flags, granule, 1, number, checksum, 1, len(packet))
        return head + packet

    return page(_ogg_crc(page(0)))


def _ogg_crc(data: bytes) -> int:
    # Ogg's CRC-32 is neither reflected nor inverted, so zlib's cannot be used.
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (OGG_CRC_POLYNOMIAL if register & 0x80000000 else 0)
        register &= 0xFFFFFFFF
    return register
