"""Key frames: where one begins in a stream, and when to ask the publisher for the next."""

from media.forwarder.api import CodecName

_MIN_INTERVAL_S = 0.35
# A request or its key frame may be lost on the way: ask again after this long, a few times.
_RETRY_S = 1.0
_MAX_TRIES = 5
_H264_IDR, _H264_SPS, _H264_STAP_A, _H264_FU_A = 5, 7, 24, 28


def starts_keyframe(codec: CodecName, payload: bytes) -> bool:
    """Tell whether an RTP payload begins a key frame (VP8: RFC 7741 4.2, 4.3; H.264: RFC 6184 5.6-5.8)."""
    if codec == "vp8":
        return _vp8_starts_keyframe(payload)
    return codec == "h264" and _h264_starts_keyframe(payload)


def _vp8_starts_keyframe(payload: bytes) -> bool:
    if not payload or payload[0] & 0x17 != 0x10:  # S set, partition 0
        return False
    position = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return False
        flags = payload[1]
        position = 2
        if flags & 0x80:
            if len(payload) <= position:
                return False
            position += 2 if payload[position] & 0x80 else 1
        position += bool(flags & 0x40) + bool(flags & 0x30)
    return len(payload) > position and payload[position] & 0x01 == 0


def _h264_starts_keyframe(payload: bytes) -> bool:
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _H264_FU_A:
        return len(payload) > 1 and payload[1] & 0x80 != 0 and payload[1] & 0x1F == _H264_IDR
    if kind != _H264_STAP_A:
        return kind in {_H264_IDR, _H264_SPS}
    position = 1
    while position + 2 < len(payload):
        if payload[position + 2] & 0x1F in {_H264_IDR, _H264_SPS}:
            return True
        position += 2 + int.from_bytes(payload[position : position + 2], "big")
    return False


class KeyframeWish:
    """Merges the wishes of all receivers of a stream into few requests."""

    def __init__(self) -> None:
        self._wanted = False
        self._fresh = False
        self._tries = 0
        self._last_request = float("-inf")

    def wish(self) -> None:
        """Someone cannot decode until the next key frame."""
        if not self._wanted:
            self._tries = 0
        self._wanted = self._fresh = True

    def fulfilled(self) -> None:
        """A key frame begins: whoever wished before has it."""
        self._wanted = self._fresh = False

    def take_due(self, now: float, detectable: bool) -> bool:
        """Tell whether to send a request now. Without detectable key frames each wish makes one request."""
        if not self._wanted or now - self._last_request < (_MIN_INTERVAL_S if self._fresh else _RETRY_S):
            return False
        self._last_request = now
        self._fresh = False
        self._tries += 1
        if not detectable or self._tries >= _MAX_TRIES:
            self._wanted = False
        return True
