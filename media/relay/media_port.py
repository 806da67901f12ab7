"""The meeting point of all datagrams: one UDP port, the packet thread that reads it, ICE-lite and the DTLS legs.

RTP and RTCP never come here: the packet thread knows each leg by its authenticated addresses. The rest is told apart
by its first byte (RFC 7983): STUN goes to ICE-lite, DTLS to the leg whose authenticated address it came from.
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable
from typing import Protocol

from media.forwarder.api import (
    AddPeer,
    AddPeerAddress,
    AnswerChecks,
    Command,
    CommandError,
    Event,
    ProbeResult,
    ReceiverWindow,
    RemovePeer,
    SetPeerAddress,
    Statistics,
)
from media.forwarder.native.packet_thread import PacketThread
from media.relay.configuration import RelayConfiguration
from media.relay.dtls import CertificateSource, DtlsLeg, SrtpKeys
from media.relay.ice_lite import IceLite, IceSession
from media.relay.local_sdp import LocalTransport
from media.relay.udp import Address, UdpPort

logger = logging.getLogger(__name__)

CONSENT_CHECK_S = 1.0


class LegOwner(Protocol):
    """Who is told what becomes of a leg."""

    def leg_ready(self, leg: "Leg") -> None:
        """Its media may flow: the peer is known to the packet core."""

    def leg_moved(self, leg: "Leg") -> None:
        """Its client goes on at another address."""

    def leg_closed(self, leg: "Leg", outcome: str) -> None:
        """It is over: `closed` by the peer, `failed` handshake, or `consent` lost. The leg is dropped already."""

    def line_heard(self, leg: "Leg", event: ReceiverWindow | ProbeResult) -> None:
        """The packet core reports on what it sends over the leg."""


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
        self.told_addresses: set[Address] = set()
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
        wall_minus_monotonic: float,
        clock: Callable[[], float],
        on_event: Callable[[Event], None],
    ) -> None:
        self._configuration = configuration
        self._wall_minus_monotonic = wall_minus_monotonic
        self._clock = clock
        self._on_event = on_event
        self._udp = UdpPort()
        self._packets: PacketThread
        self._ice = IceLite()
        self._certificates = CertificateSource()
        self._legs: dict[int, Leg] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._watcher: asyncio.Task[None] | None = None

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
        self._packets = PacketThread(self._udp.sockets, self._wall_minus_monotonic)
        asyncio.get_running_loop().add_reader(self._packets.wake_fd, self._take)
        self._watcher = asyncio.create_task(self._watch_consent())

    async def close(self) -> None:
        """Drop all legs, wait until their goodbyes are out, end the packet thread, close the sockets."""
        for leg in list(self._legs.values()):
            self.drop(leg)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
            asyncio.get_running_loop().remove_reader(self._packets.wake_fd)
            self._packets.stop()
        self._udp.close()

    def leg(self, number: int) -> Leg | None:
        """The leg that the packet core knows as the peer of this number."""
        return self._legs.get(number)

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
        if leg.ready:
            self._let_core_answer(leg)

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
            self._packets.command(command)
        except CommandError:
            logger.exception("the packet core refused %s", type(command).__name__)

    def statistics(self) -> Statistics:
        """The packet core's counters."""
        return self._packets.statistics()

    def _take(self) -> None:
        datagrams, events = self._packets.take()
        now = self._clock()
        for data, address in datagrams:
            if data[0] <= 3:
                self._receive_check(data, address, now)
            elif 20 <= data[0] <= 63 and (session := self._ice.session_at(address)) is not None:
                leg = self._legs.get(session.leg)
                if leg is not None:
                    leg.dtls.feed(data)
        for event in events:
            try:
                self._on_event(event)
            except Exception:
                # One lesson's fault must not cost the others their events.
                logger.exception("an event of the packet core was not taken: %s", type(event).__name__)

    def _receive_check(self, data: bytes, address: Address, now: float) -> None:
        outcome = self._ice.receive(data, address, now)
        if outcome.reply is not None:
            self._udp.send(outcome.reply, address)
        leg = self._legs.get(outcome.session.leg) if outcome.session is not None else None
        if leg is not None and leg.ready and (outcome.moved or address not in leg.told_addresses):
            self._tell_addresses(leg)
            if outcome.moved:
                leg.owner.leg_moved(leg)

    def _tell_addresses(self, leg: Leg) -> None:
        """Before it nominates, a client may send from any address that passed a check."""
        if leg.ice.address is None:
            return
        self.command(SetPeerAddress(leg.number, leg.ice.address))
        leg.told_addresses = set(leg.ice.addresses)
        for address in leg.told_addresses - {leg.ice.address}:
            self.command(AddPeerAddress(leg.number, address))

    def _has_consented(self, leg: Leg) -> bool:
        """Whether the packet core answered a check lately; the next look is due when that is too old in its turn."""
        at = self._packets.last_check(leg.number)
        if at is None or self._clock() - at > self._configuration.consent_s:
            return False
        leg.ice.last_check_at = at
        return True

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
        self._tell_addresses(leg)
        self._let_core_answer(leg)
        leg.owner.leg_ready(leg)

    def _let_core_answer(self, leg: Leg) -> None:
        credentials = leg.ice.credentials
        self.command(AnswerChecks(leg.number, credentials.ufrag, credentials.password))

    def _leg_over(self, leg: Leg, outcome: str) -> None:
        if not leg.closed:
            self.drop(leg)
            leg.owner.leg_closed(leg, outcome)

    async def _watch_consent(self) -> None:
        while True:
            await asyncio.sleep(CONSENT_CHECK_S)
            for session in self._ice.expired(self._clock(), self._configuration.consent_s):
                leg = self._legs.get(session.leg)
                if leg is None or self._has_consented(leg):
                    continue
                try:
                    self._leg_over(leg, "consent")
                except Exception:
                    logger.exception("a leg without consent could not be ended cleanly")
