"""DTLS-SRTP (RFC 5764) for one peer connection: aiortc's transport over our ICE-lite port, always as DTLS server.

The server chooses the protection profile, so AES-GCM wins on every leg whose client has it; the keys go to the packet
core and no media passes through here. Touches the private names `_create_ssl_context`, `_setup_srtp`, `_srtp_profiles`,
`_ssl`, `_set_role`, `_task` and `_state` of aiortc 1.16, which is pinned.
"""

import asyncio
import datetime
from collections.abc import Callable
from dataclasses import dataclass, field

from aiortc import rtcdtlstransport as aiortc_dtls
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from OpenSSL import SSL

from media.forwarder.api import SrtpProfile

QUEUED_DATAGRAMS = 32
RENEW_CERTIFICATE_AFTER = datetime.timedelta(days=1)
CERTIFICATE_VALIDITY = datetime.timedelta(days=30)
"Fixed by aiortc."

_PROFILES = [
    aiortc_dtls.SRTP_AEAD_AES_128_GCM,
    aiortc_dtls.SRTP_AEAD_AES_256_GCM,
    aiortc_dtls.SRTP_AES128_CM_SHA1_80,
]


@dataclass(frozen=True)
class SrtpKeys:
    """What the handshake yields (RFC 5764 section 4.2), seen from our side."""

    profile: SrtpProfile
    send_key: bytes = field(repr=False)
    send_salt: bytes = field(repr=False)
    receive_key: bytes = field(repr=False)
    receive_salt: bytes = field(repr=False)


class SharedCertificate(RTCCertificate):
    """A certificate whose handshakes share one TLS context: each of its own would hold on to itself when it ends."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[aiortc_dtls.SRTPProtectionProfile]) -> SSL.Context:
        """The context, made for the profiles that are asked for first: ours are always the same."""
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            # Nobody takes up an earlier DTLS session; kept ones would be a growing heap of dead keys.
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        return self._context


class CertificateSource:
    """One P-256 certificate for all peer connections of the process, renewed daily: it is valid for 30 days."""

    def __init__(self) -> None:
        self._certificate: SharedCertificate | None = None

    def current(self) -> SharedCertificate:
        """The certificate for a new peer connection."""
        held = self._certificate
        if held is None or _age(held) > RENEW_CERTIFICATE_AFTER:
            held = self._certificate = SharedCertificate.generateCertificate()
        return held


def _age(certificate: RTCCertificate) -> datetime.timedelta:
    return CERTIFICATE_VALIDITY - (certificate.expires - datetime.datetime.now(tz=datetime.UTC))


class DatagramPath:
    """What aiortc's DTLS transport needs of an ICE transport: a way in and a way out."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._transmit = send
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUED_DATAGRAMS)

    def close(self) -> None:
        """Send nothing any more."""
        self._transmit = lambda _data: None

    def feed(self, data: bytes) -> None:
        """Hand in a datagram; when the queue is full it is lost and DTLS retransmits."""
        if not self._queue.full():
            self._queue.put_nowait(data)

    async def _recv(self) -> bytes:
        return await self._queue.get()

    async def _send(self, data: bytes) -> None:
        self._transmit(data)


class DtlsTransport(RTCDtlsTransport):
    """Server side of one handshake; `keys` is set once it is done."""

    def __init__(self, path: DatagramPath, certificate: RTCCertificate) -> None:
        super().__init__(path, [certificate])  # type: ignore[arg-type]
        self._srtp_profiles = list(_PROFILES)
        self._set_role("server")
        self.keys: SrtpKeys | None = None

    def _setup_srtp(self) -> None:
        chosen = self._ssl.get_selected_srtp_profile() if self._ssl else b""
        profile = next((known for known in _PROFILES if known.openssl_profile == chosen), None)
        if profile is None or self._ssl is None:
            self._set_state(aiortc_dtls.State.FAILED)
            return
        length = 2 * (profile.key_length + profile.salt_length)
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        # RFC 5764 section 4.2: client key, server key, client salt, server salt.
        received = profile.get_key_and_salt(material, 0)
        sent = profile.get_key_and_salt(material, 1)
        cut = profile.key_length
        self.keys = SrtpKeys(
            SrtpProfile(profile.openssl_profile.decode()), sent[:cut], sent[cut:], received[:cut], received[cut:]
        )


class DtlsLeg:
    """Runs one DTLS transport: handshake with a deadline, then until either side closes.

    `on_ready` gets the keys; `on_closed` gets `failed` or `closed` and is not called for our own `close`.
    """

    def __init__(
        self,
        certificate: RTCCertificate,
        send: Callable[[bytes], None],
        on_ready: Callable[[SrtpKeys], None],
        on_closed: Callable[[str], None],
    ) -> None:
        self._path = DatagramPath(send)
        self._transport = DtlsTransport(self._path, certificate)
        self._on_ready = on_ready
        self._on_closed = on_closed
        self._handshake: asyncio.Task[None] | None = None
        self._closing = False
        self.started = False
        "Whether the peer's fingerprints are known."
        self.fingerprint = next(f for f in certificate.getFingerprints() if f.algorithm == "sha-256").value

    def feed(self, data: bytes) -> None:
        """Hand in a datagram of the peer; before `start` it waits."""
        self._path.feed(data)

    def start(self, fingerprints: list[tuple[str, str]], deadline_s: float) -> None:
        """Begin the handshake with a peer whose certificate has these (algorithm, value) fingerprints."""
        self.started = True
        expected = [RTCDtlsFingerprint(algorithm=name, value=value) for name, value in fingerprints]
        self._handshake = asyncio.create_task(self._run(expected, deadline_s))

    async def close(self) -> None:
        """Say close_notify and end; returns when no task of the leg is left, nor anything it held."""
        self._closing = True
        if self._handshake is not None:
            self._handshake.cancel()
            await asyncio.gather(self._handshake, return_exceptions=True)
        await self._stop_transport()
        self._let_go()

    def _let_go(self) -> None:
        """Break the cycles: what OpenSSL holds is large and unknown to the collector of cycles, which comes seldom."""
        self._transport._ssl = None
        self._path.close()
        self._handshake = None
        self._on_ready = lambda _keys: None
        self._on_closed = lambda _outcome: None

    async def _run(self, fingerprints: list[RTCDtlsFingerprint], deadline_s: float) -> None:
        try:
            parameters = RTCDtlsParameters(fingerprints=fingerprints)
            await asyncio.wait_for(self._transport.start(parameters), deadline_s)
        except TimeoutError:
            await self._stop_transport()
        keys = self._transport.keys
        if self._transport._state is not aiortc_dtls.State.CONNECTED or keys is None:
            self._report("failed")
            return
        self._on_ready(keys)
        pump = self._transport._task
        if pump is not None:
            await asyncio.wait([pump])
        self._report("closed")

    def _report(self, outcome: str) -> None:
        if not self._closing:
            self._closing = True
            self._on_closed(outcome)

    async def _stop_transport(self) -> None:
        pump = self._transport._task
        await self._transport.stop()
        if pump is not None:
            await asyncio.gather(pump, return_exceptions=True)
