"""A peer connection whose packets carry the time they were sent, and whose line can be changed while it runs."""

import asyncio
import random
import struct
import time
from collections.abc import Callable
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate
from fleet.light_leg import LightLeg

STAMP = struct.Struct("!4sd")
MARK = b"soak"


class StampedLeg(LightLeg):
    """Appends a stamp to each packet it sends, and tells `delayed` how long stamped ones took to arrive (seconds).

    Sender and receiver must be in one process: the stamps are of its monotonic clock.
    """

    def __init__(self, certificate: RTCCertificate, chance: random.Random, delayed: Callable[[float], None]) -> None:
        super().__init__(certificate)
        self._chance = chance
        self._delayed = delayed
        self.loss = 0.0
        """Share of datagrams lost, both ways; 1.0 is an unplugged cable."""

    def send_rtp(self, packet: bytes) -> None:
        """Stamp, seal and send."""
        super().send_rtp(packet + STAMP.pack(MARK, time.monotonic()))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take a datagram of the server, unless the line loses it."""
        if self._chance.random() < self.loss:
            return
        super().datagram_received(data, addr)
        session = self._dtls._rx_srtp
        if session is None or len(data) < 12 or not 128 <= data[0] < 192 or 64 <= (data[1] & 0x7F) < 96:
            return
        packet = session.unprotect(data)
        if packet[0] & 0x20:  # padding (RFC 3550 5.1), which the relay may add
            packet = packet[: -packet[-1]]
        mark, at = STAMP.unpack(packet[-STAMP.size :])
        if mark == MARK:
            self._delayed(time.monotonic() - at)

    async def move(self) -> None:
        """Go on from another port, as after a change of network; the relay hears of it by an authenticated check."""
        former = self._socket
        if former is None or self._remote is None:
            return
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        former.close()
        self._check()

    def _send(self, data: bytes) -> None:
        if self._chance.random() >= self.loss:
            super()._send(data)
