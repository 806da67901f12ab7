"""Encoding a classroom's pictures cheaply: fast presets, a modest bitrate, key frames when somebody asks."""

from fractions import Fraction
from typing import Literal

from av import CodecContext, Packet, VideoFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.stream import VideoStream

VideoCodec = Literal["h264", "vp8"]
BITRATE_BPS = 400_000
FRAME_RATE = 15
# A newcomer asks for a key frame; this many pictures later there is one anyway.
KEY_FRAME_INTERVAL = 60

_OPTIONS: dict[VideoCodec, tuple[str, dict[str, str]]] = {
    # RFC 6184 8.1: profile-level-id 42e01f is constrained baseline at level 3.1.
    "h264": ("libx264", {"preset": "superfast", "tune": "zerolatency", "level": "31", "profile": "baseline"}),
    "vp8": ("libvpx", {"deadline": "realtime", "cpu-used": "-10", "lag-in-frames": "0", "error-resilient": "1"}),
}


class PictureEncoder:
    """Encodes pictures of one size, one packet for each."""

    def __init__(self, codec: VideoCodec, width: int, height: int) -> None:
        name, options = _OPTIONS[codec]
        context = CodecContext.create(name, "w")
        if not isinstance(context, VideoCodecContext):
            raise TypeError(f"{name} is no video codec")
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.bit_rate = BITRATE_BPS
        context.framerate = Fraction(FRAME_RATE)
        context.time_base = Fraction(1, 90_000)
        context.gop_size = KEY_FRAME_INTERVAL
        context.thread_count = 1
        context.options = options | {"maxrate": str(BITRATE_BPS), "bufsize": str(BITRATE_BPS)}
        self._context = context

    def encode(self, frame: VideoFrame, *, key_frame: bool) -> "list[Packet[VideoStream]]":
        """The packets of a picture whose pts counts 90 kHz ticks."""
        frame.pict_type = PictureType.I if key_frame else PictureType.NONE
        return list(self._context.encode(frame))
