"""One peer connection of a light client: real connectivity checks, a real DTLS handshake, real SRTP, no codecs.

Uses the private names `_set_role`, `_srtp_profiles`, `_tx_srtp`, `_rx_srtp` and `_task` of the pinned aiortc.
"""

import asyncio
import secrets
import struct
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from aioice import stun
from aiortc import rtcdtlstransport as aiortc_dtls
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket
from benchmarks.forward.session_description import Transport

CHECK_EVERY_S = 0.1
CONSENT_EVERY_S = 5.0
CONNECT_WITHIN_S = 20.0
PRIORITY = 1853817087
"""Of a peer-reflexive candidate (RFC 8445 7.1.1)."""


class _Path:
    """What aiortc's DTLS transport needs of an ICE transport."""

    role = "controlling"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.transmit = send
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def _recv(self) -> bytes:
        return await self.queue.get()

    async def _send(self, data: bytes) -> None:
        self.transmit(data)


class _Dtls(RTCDtlsTransport):
    def __init__(self, path: _Path, certificate: RTCCertificate) -> None:
        super().__init__(path, [certificate])  # type: ignore[arg-type]
        self._srtp_profiles = [aiortc_dtls.SRTP_AEAD_AES_128_GCM]
        self._set_role("client")


class LightLeg(asyncio.DatagramProtocol):
    """Open it, tell it the server's transport, connect; then send RTP and see what arrives."""

    def __init__(self, certificate: RTCCertificate) -> None:
        self._certificate = certificate
        self._socket: asyncio.DatagramTransport | None = None
        self._remote: Transport | None = None
        self._transactions: set[bytes] = set()
        self._checked = asyncio.Event()
        self._path = _Path(self._send)
        self._dtls = _Dtls(self._path, certificate)
        self._keeper: asyncio.Task[None] | None = None
        self._highest: dict[int, int] = {}
        self.received: Counter[int] = Counter()
        """RTP packets by SSRC."""
        self.received_at: dict[int, float] = {}
        """Monotonic time of each SSRC's newest packet."""
        self.local: Transport

    async def open(self) -> None:
        """Take a UDP port of its own."""
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("0.0.0.0", 0))
        fingerprint = next(one for one in self._certificate.getFingerprints() if one.algorithm == "sha-256").value
        port = self._socket.get_extra_info("sockname")[1]
        self.local = Transport("127.0.0.1", port, secrets.token_hex(4), secrets.token_hex(12), fingerprint)

    async def connect(self, remote: Transport) -> None:
        """Check and shake hands. Raises TimeoutError or RuntimeError."""
        self._remote = remote
        async with asyncio.timeout(CONNECT_WITHIN_S):
            while not self._checked.is_set():
                self._check()
                try:
                    await asyncio.wait_for(self._checked.wait(), CHECK_EVERY_S)
                except TimeoutError:
                    continue
            fingerprint = RTCDtlsFingerprint(algorithm="sha-256", value=remote.fingerprint)
            await self._dtls.start(RTCDtlsParameters(fingerprints=[fingerprint]))
        if self._dtls._tx_srtp is None:
            raise RuntimeError("the DTLS handshake failed")
        self._keeper = asyncio.create_task(self._keep())

    def send_rtp(self, packet: bytes) -> None:
        """Seal and send."""
        if (session := self._dtls._tx_srtp) is not None:
            self._send(session.protect(packet))

    def report(self) -> None:
        """Send a receiver report about all that was received: without one nothing counts as delivered."""
        session = self._dtls._tx_srtp
        if session is None or not self._highest:
            return
        about = [
            RtcpReceiverInfo(ssrc=ssrc, fraction_lost=0, packets_lost=0, highest_sequence=seq, jitter=0, lsr=0, dlsr=0)
            for ssrc, seq in list(self._highest.items())[:20]
        ]
        self._send(session.protect_rtcp(bytes(RtcpRrPacket(ssrc=1, reports=about))))

    async def close(self) -> None:
        """Vanish without a word."""
        tasks = [task for task in (self._keeper, self._dtls._task) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take a datagram of the server."""
        first = data[0] if data else 255
        if first < 4:
            self._receive_stun(data)
        elif 20 <= first < 64:
            self._path.queue.put_nowait(data)
        elif 128 <= first < 192 and len(data) > 12 and not 64 <= (data[1] & 0x7F) < 96:
            seq, ssrc = struct.unpack_from("!H4xI", data, 2)
            self.received[ssrc] += 1
            self.received_at[ssrc] = time.monotonic()
            self._highest[ssrc] = seq

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(CONSENT_EVERY_S)
            self._check()
            self.report()

    def _check(self) -> None:
        assert self._remote is not None
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._remote.ufrag}:{self.local.ufrag}"
        request.attributes["PRIORITY"] = PRIORITY
        request.attributes["ICE-CONTROLLING"] = (1 << 64) - 1
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._remote.password.encode())
        self._transactions.add(request.transaction_id)
        self._send(bytes(request))

    def _receive_stun(self, data: bytes) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class is stun.Class.RESPONSE and message.transaction_id in self._transactions:
            self._transactions.clear()
            self._checked.set()

    def _send(self, data: bytes) -> None:
        if self._socket is not None and self._remote is not None and not self._socket.is_closing():
            self._socket.sendto(data, (self._remote.ip, self._remote.port))
