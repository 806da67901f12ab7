"""Just enough of RTP to read journals: the fixed header, its padding and extensions stepped over, numbers unwrapped."""

from typing import NamedTuple

FIXED_HEADER_BYTES = 12


class RtpPacket(NamedTuple):
    """An RTP packet (RFC 3550 5.1) without its CSRCs, extensions and padding; `seq` has 16 bits, `timestamp` 32."""

    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse_rtp(data: bytes) -> RtpPacket | None:
    """The packet in `data`, None if it is not a whole RTP packet."""
    if len(data) < FIXED_HEADER_BYTES or data[0] >> 6 != 2:
        return None
    start = FIXED_HEADER_BYTES + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data)
    if data[0] & 0x20:
        end -= data[-1]
    if start > end:
        return None
    return RtpPacket(
        data[1] & 0x7F,
        bool(data[1] & 0x80),
        int.from_bytes(data[2:4], "big"),
        int.from_bytes(data[4:8], "big"),
        int.from_bytes(data[8:12], "big"),
        data[start:end],
    )


class Unwrapper:
    """Turns wrapping numbers of `bits` bits into ever-growing ones: each is taken nearest to the last."""

    def __init__(self, bits: int) -> None:
        self._size = 1 << bits
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The extended number; the first one counts from one full turn, so that earlier ones stay positive."""
        if self._last is None:
            self._last = value + self._size
        else:
            difference = (value - self._last) % self._size
            self._last += difference - self._size if difference >= self._size // 2 else difference
        return self._last
