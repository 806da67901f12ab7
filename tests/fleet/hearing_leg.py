"""A peer connection that opens what it receives and tells when each piece of sound was captured."""

import struct
from collections.abc import Callable
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate
from fleet.light_leg import LightLeg

CAPTURED = struct.Struct("!4sd")
MARK = b"when"


def captured(sound: bytes, at_s: float) -> bytes:
    """A piece of sound with the moment of its capture behind it, in the monotonic time of this machine."""
    return sound + CAPTURED.pack(MARK, at_s)


class HearingLeg(LightLeg):
    """`on_sound` is called with the SSRC and the moment of capture of each piece of sound that arrives."""

    def __init__(self, certificate: RTCCertificate) -> None:
        super().__init__(certificate)
        self.on_sound: Callable[[int, float], None] = lambda _ssrc, _at_s: None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take a datagram of the server."""
        super().datagram_received(data, addr)
        session = self._dtls._rx_srtp
        if session is None or len(data) < 12 or not 128 <= data[0] < 192 or 64 <= (data[1] & 0x7F) < 96:
            return
        packet = session.unprotect(data)
        if packet[0] & 0x20:  # padding (RFC 3550 5.1), which the relay may add
            packet = packet[: -packet[-1]]
        if len(packet) > CAPTURED.size:
            mark, at_s = CAPTURED.unpack(packet[-CAPTURED.size :])
            if mark == MARK:
                self.on_sound(int.from_bytes(packet[8:12]), at_s)
