"""The meeting point of all datagrams: one UDP port, ICE-lite, the DTLS legs and the packet core behind it.

Every datagram is told apart by its first byte (RFC 7983): STUN goes to ICE-lite, DTLS to the leg whose authenticated
address it came from, RTP and RTCP to the packet core under that leg's present address.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable
from typing import Protocol

from media.forwarder.api import AddPeer, Command, CommandError, Event, Forwarder, RemovePeer, SetPeerAddress, Statistics
from media.relay.configuration import RelayConfiguration
from media.relay.dtls import CertificateSource, DtlsLeg, SrtpKeys
from media.relay.ice_lite import IceLite, IceSession
from media.relay.local_sdp import LocalTransport
from media.relay.udp import Datagrams, UdpPort

logger = logging.getLogger(__name__)

TICK_S = 0.01
IDLE_TICK_S = 0.1
CONSENT_CHECK_S = 1.0


class LegOwner(Protocol):
    """Who is told what becomes of a leg."""

    def leg_ready(self, leg: "Leg") -> None:
        """Its media may flow: the peer is known to the packet core."""

    def leg_closed(self, leg: "Leg", outcome: str) -> None:
        """It is over: `closed` by the peer, `failed` handshake, or `consent` lost. The leg is dropped already."""


class Leg:
    """One peer connection of a client with the relay."""

    def __init__(self, number: int, owner: LegOwner, ice: IceSession, cname: str) -> None:
        self.number = number
        self.owner = owner
        self.ice = ice
        self.cname = cname
        self.dtls: DtlsLeg
        self.ready = False
        self.closed = False
        self.session_id = secrets.randbits(62)
        self.version = itertools.count(1)
        self.remote_session_id: str | None = None
        self.remote_ufrag: str | None = None
        self.remote_fingerprints: tuple[tuple[str, str], ...] = ()


class MediaPort:
    """Owns the port and the packet core; lessons open and drop legs here and give the core their commands."""

    def __init__(
        self,
        configuration: RelayConfiguration,
        forwarder: Forwarder,
        clock: Callable[[], float],
        on_event: Callable[[Event], None],
    ) -> None:
        self._configuration = configuration
        self._forwarder = forwarder
        self._clock = clock
        self._on_event = on_event
        self._udp = UdpPort(self._receive)
        self._ice = IceLite()
        self._certificates = CertificateSource()
        self._legs: dict[int, Leg] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._flushing = False
        self._core_now = 0.0

    @property
    def port(self) -> int:
        """The UDP port number, once open."""
        return self._udp.port

    @property
    def legs(self) -> int:
        """How many peer connections there are."""
        return len(self._legs)

    def open(self) -> None:
        """Bind and start; raises OSError when the port cannot be had."""
        self._udp.open(self._configuration.bind_addresses, self._configuration.udp_port)
        self._ticker = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """Drop all legs, wait until their goodbyes are out, close the sockets."""
        for leg in list(self._legs.values()):
            self.drop(leg)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
            self._ticker = None
        self._udp.close()

    def number(self) -> int:
        """A fresh number for a stream or a sink."""
        return next(self._numbers)

    def open_leg(self, owner: LegOwner, cname: str) -> Leg:
        """Make a leg whose ICE credentials can be told to the client; `start` follows with its fingerprints."""
        number = self.number()
        leg = Leg(number, owner, self._ice.open(number), cname)
        leg.dtls = DtlsLeg(
            self._certificates.current(),
            send=lambda data: self._send_dtls(leg, data),
            on_ready=lambda keys: self._leg_ready(leg, keys),
            on_closed=lambda outcome: self._leg_over(leg, outcome),
        )
        self._legs[number] = leg
        return leg

    def start(self, leg: Leg, fingerprints: tuple[tuple[str, str], ...]) -> None:
        """Let the handshake begin, once."""
        if not leg.dtls.started:
            leg.remote_fingerprints = fingerprints
            leg.dtls.start(list(fingerprints), self._configuration.handshake_deadline_s)

    def restart_ice(self, leg: Leg) -> None:
        """Give the leg new ICE credentials."""
        self._ice.restart(leg.ice)

    def drop(self, leg: Leg) -> None:
        """Forget a leg and, in the background, say goodbye to its client."""
        if leg.closed:
            return
        leg.closed = True
        self._legs.pop(leg.number, None)
        if leg.ready:
            self.command(RemovePeer(leg.number))
        task = asyncio.create_task(leg.dtls.close())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._ice.close(leg.ice)

    def local_transport(self, leg: Leg) -> LocalTransport:
        """What SDP tells of our side of the leg."""
        return LocalTransport(
            session_id=leg.session_id,
            ufrag=leg.ice.credentials.ufrag,
            password=leg.ice.credentials.password,
            fingerprint=leg.dtls.fingerprint,
            addresses=self._configuration.announced_addresses,
            port=self.port,
        )

    def command(self, command: Command) -> None:
        """Give the packet core a command; one it refuses is our own fault, logged and survived."""
        try:
            self._forwarder.command(command, self._core_time())
        except CommandError:
            logger.exception("the packet core refused %s", type(command).__name__)
        self._flush()

    def statistics(self) -> Statistics:
        """The packet core's counters."""
        return self._forwarder.statistics()

    def _receive(self, datagrams: Datagrams) -> None:
        for data, address, arrival in datagrams:
            # The packet core's time never goes back, not even by what a datagram waited in the socket.
            now = self._core_now = max(self._core_now, arrival)
            first = data[0] if data else 255
            if 128 <= first <= 191:
                session = self._ice.session_at(address)
                known = session.address if session is not None else None
                # Before it nominates, a client may send from any address that passed a check.
                self._forwarder.receive(data, known or address, now)
            elif first <= 3:
                self._receive_check(data, address, now)
            elif 20 <= first <= 63 and (session := self._ice.session_at(address)) is not None:
                leg = self._legs.get(session.leg)
                if leg is not None:
                    leg.dtls.feed(data)
        self._flush()

    def _receive_check(self, data: bytes, address: tuple[str, int], now: float) -> None:
        outcome = self._ice.receive(data, address, now)
        if outcome.reply is not None:
            self._udp.send(outcome.reply, address)
        if outcome.moved and outcome.session is not None:
            leg = self._legs.get(outcome.session.leg)
            if leg is not None and leg.ready:
                self.command(SetPeerAddress(leg.number, address))

    def _send_dtls(self, leg: Leg, data: bytes) -> None:
        if leg.ice.address is not None:
            self._udp.send(data, leg.ice.address)

    def _leg_ready(self, leg: Leg, keys: SrtpKeys) -> None:
        if leg.closed or leg.ice.address is None:
            return
        leg.ready = True
        self.command(
            AddPeer(
                leg.number,
                keys.profile,
                keys.send_key,
                keys.send_salt,
                keys.receive_key,
                keys.receive_salt,
                leg.cname,
            )
        )
        self.command(SetPeerAddress(leg.number, leg.ice.address))
        leg.owner.leg_ready(leg)

    def _leg_over(self, leg: Leg, outcome: str) -> None:
        if not leg.closed:
            self.drop(leg)
            leg.owner.leg_closed(leg, outcome)

    async def _tick(self) -> None:
        consent_due = 0.0
        while True:
            await asyncio.sleep(TICK_S if self._legs else IDLE_TICK_S)
            try:
                # First what waits in the socket, so that it is not taken for later than it is.
                self._udp.read_now()
                now = self._core_time()
                self._forwarder.tick(now)
                self._flush()
                if now >= consent_due:
                    consent_due = now + CONSENT_CHECK_S
                    self._watch_consent(now)
            except Exception:
                # One lesson's fault must not stop the port for all others.
                logger.exception("a tick of the media port failed")

    def _watch_consent(self, now: float) -> None:
        for session in self._ice.expired(now, self._configuration.consent_s):
            leg = self._legs.get(session.leg)
            if leg is not None:
                self._leg_over(leg, "consent")

    def _core_time(self) -> float:
        self._core_now = max(self._core_now, self._clock())
        return self._core_now

    def _flush(self) -> None:
        if self._flushing:
            # A command given while events are handled: the loop below picks up what it causes, in order.
            return
        self._flushing = True
        try:
            while True:
                for data, address in self._forwarder.outgoing():
                    self._udp.send(data, address)
                events = self._forwarder.events()
                if not events:
                    break
                for event in events:
                    self._on_event(event)
        finally:
            self._flushing = False
