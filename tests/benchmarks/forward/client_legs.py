"""The clients' ICE and DTLS: real connectivity checks and real handshakes in Python, whose keys go to the C loop.

Uses the private names `_set_role`, `_srtp_profiles`, `_ssl`, `_setup_srtp`, `_state`, `_task` of the pinned aiortc.
"""

import asyncio
import secrets
import time
from collections.abc import Callable

from aioice import stun
from aiortc import rtcdtlstransport as aiortc_dtls
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from benchmarks.forward.generator import Generator
from benchmarks.forward.keys import session_keys
from benchmarks.forward.session_description import Transport

CHECK_EVERY_S = 0.1
CONNECT_TIMEOUT_S = 60.0
CONSENT_EVERY_S = 5.0
HANDSHAKES_AT_ONCE = 24
PROFILE = aiortc_dtls.SRTP_AEAD_AES_128_GCM
_PRIORITY = 1853817087
"Of a peer-reflexive candidate (RFC 8445 7.1.1)."


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
    """The client's side of a handshake; `session` gets the keys of what is sent and what is received."""

    def __init__(self, path: _Path, certificate: RTCCertificate) -> None:
        super().__init__(path, [certificate])
        self._srtp_profiles = [PROFILE]
        self._set_role("client")
        self.session: tuple[bytes, bytes] | None = None

    def _setup_srtp(self) -> None:
        if self._ssl.get_selected_srtp_profile() != PROFILE.openssl_profile:
            self._set_state(aiortc_dtls.State.FAILED)
            return
        length = 2 * (PROFILE.key_length + PROFILE.salt_length)
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        cut = PROFILE.key_length
        # RFC 5764 4.2: client key, server key, client salt, server salt.
        sent, received = (PROFILE.get_key_and_salt(material, which) for which in (0, 1))
        self.session = tuple(session_keys(one[:cut], one[cut:]) for one in (sent, received))


class ClientLeg:
    """One peer connection of one client."""

    def __init__(self, number: int, generator: Generator, certificate: RTCCertificate) -> None:
        self.number = number
        self._generator = generator
        self._remote: Transport | None = None
        self._controlling = True
        self._transactions: set[bytes] = set()
        self._connected = asyncio.Event()
        self._path = _Path(self._send)
        self._dtls = _Dtls(self._path, certificate)
        self.local = Transport(
            generator.network.client_ip(number),
            generator.port,
            secrets.token_hex(4),
            secrets.token_hex(12),
            next(one for one in certificate.getFingerprints() if one.algorithm == "sha-256").value,
        )

    def meet(self, remote: Transport, *, controlling: bool) -> None:
        """Learn where the server is and answer its checks from now on."""
        self._remote, self._controlling = remote, controlling

    async def connect(self) -> None:
        """Check, shake hands, hand the keys to the C loop. Raises RuntimeError or TimeoutError."""
        remote = self._remote
        if remote is None:
            raise RuntimeError("meet the server first")
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            while not self._connected.is_set():
                self.check()
                try:
                    await asyncio.wait_for(self._connected.wait(), CHECK_EVERY_S)
                except TimeoutError:
                    continue
            fingerprint = RTCDtlsFingerprint(algorithm="sha-256", value=remote.fingerprint)
            await self._dtls.start(RTCDtlsParameters(fingerprints=[fingerprint]))
        if self._dtls.session is None:
            raise RuntimeError(f"the DTLS handshake of leg {self.number} failed")
        self._generator.set_leg(self.number, (remote.ip, remote.port), *self._dtls.session)
        self._generator.set_check(self.number, bytes(self._request(remote)))

    def check(self) -> None:
        """Send a connectivity check, which renews consent as well (RFC 7675)."""
        if self._remote is None:
            return
        request = self._request(self._remote)
        self._transactions.add(request.transaction_id)
        self._send(bytes(request))

    def _request(self, remote: Transport) -> stun.Message:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{remote.ufrag}:{self.local.ufrag}"
        request.attributes["PRIORITY"] = _PRIORITY
        if self._controlling:
            request.attributes["ICE-CONTROLLING"] = (1 << 64) - 1
            request.attributes["USE-CANDIDATE"] = None
        else:
            request.attributes["ICE-CONTROLLED"] = 0
        request.add_message_integrity(remote.password.encode())
        return request

    def receive(self, data: bytes) -> None:
        """Take a STUN or DTLS datagram of the server."""
        if data[0] < 4:
            self._receive_stun(data)
        elif 20 <= data[0] < 64:
            self._path.queue.put_nowait(data)

    async def close(self) -> None:
        """End the pump of the DTLS transport without a word: the servers end with the run."""
        if (pump := self._dtls._task) is not None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    def _receive_stun(self, data: bytes) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        if message.message_class is stun.Class.RESPONSE and message.transaction_id in self._transactions:
            self._transactions.clear()
            self._connected.set()
        elif message.message_class is stun.Class.REQUEST and self._remote is not None:
            address = (self._remote.ip, self._remote.port)
            reply = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
            reply.attributes["XOR-MAPPED-ADDRESS"] = address
            reply.add_message_integrity(self.local.password.encode())
            self._send(bytes(reply))

    def _send(self, data: bytes) -> None:
        if self._remote is not None:
            self._generator.send(self.number, data, (self._remote.ip, self._remote.port))


class ClientLegs:
    """All peer connections of a load; keeps their consent fresh until closed."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._certificate = RTCCertificate.generateCertificate()
        self._legs: dict[int, ClientLeg] = {}
        self._handshakes = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        generator.on_control = self._receive
        self._keeper = asyncio.create_task(self._keep_consent())

    def open(self, number: int) -> ClientLeg:
        """The leg of this number."""
        if number not in self._legs:
            self._legs[number] = ClientLeg(number, self._generator, self._certificate)
        return self._legs[number]

    async def connect(self, leg: ClientLeg) -> None:
        """Connect a leg; a limited number at a time, so that no handshake waits for long."""
        async with self._handshakes:
            await leg.connect()

    async def close(self) -> None:
        """Stop all."""
        self._keeper.cancel()
        await asyncio.gather(self._keeper, *(leg.close() for leg in self._legs.values()), return_exceptions=True)

    def _receive(self, number: int, data: bytes) -> None:
        if number in self._legs:
            self._legs[number].receive(data)

    async def _keep_consent(self) -> None:
        """Each leg every five seconds, evenly spread; during a run the C loop does it."""
        begun, done = time.monotonic(), 0.0
        while True:
            await asyncio.sleep(0.05)
            legs = list(self._legs.values())
            due = (time.monotonic() - begun) * len(legs) / CONSENT_EVERY_S
            if due - done > len(legs):
                done = due - len(legs)
            if self._generator.running:
                done = due
            while legs and done < due:
                legs[int(done) % len(legs)].check()
                done += 1
