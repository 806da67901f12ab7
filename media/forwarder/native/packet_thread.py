"""The packet core on real UDP sockets: a thread of its own forwards, this side gives it commands and hears events."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media.forwarder import api
from media.forwarder.native.address import unpack
from media.forwarder.native.commands import Commands
from media.forwarder.native.core import SocketCore
from media.forwarder.native.records import decode_events, decode_statistics, microseconds

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Traffic:
    """What went through the sockets since the start."""

    datagrams_in: int
    "Datagrams received."
    datagrams_out: int
    "Datagrams sent."
    sends: int
    "System calls that sent them."
    unsent: int
    "Datagrams the kernel did not take."
    control_dropped: int
    "STUN and DTLS datagrams dropped because Python did not keep up."
    gso: bool
    "Whether UDP segmentation offload is in use; False once the kernel or a route refused it."
    window_us: int
    "How long datagrams may gather at present before they are taken; 0: not at all."


class PacketThread:
    """Forwards from construction to `stop`. All methods are for one thread, the event loop's."""

    def __init__(self, sockets: Sequence[socket.socket], wall_minus_monotonic: float) -> None:
        """`sockets`: bound and non-blocking; they stay the caller's and outlive this. `now` is `time.monotonic`."""
        self._core = SocketCore(
            wall_minus_monotonic, sockets=[(bound.fileno(), bound.family is socket.AF_INET6) for bound in sockets]
        )
        self._commands = Commands(self._core)
        self._gso = True
        self._thread = threading.Thread(target=self._run, name="packets", daemon=True)
        self._thread.start()

    @property
    def wake_fd(self) -> int:
        """Readable when `take` has something to give."""
        return self._core.wake_fd

    def command(self, command: api.Command) -> None:
        """Obey a command. Raises CommandError if it makes no sense; the state is then unchanged."""
        with self._held():
            self._commands.obey(command, microseconds(time.monotonic()))
            self._core.flush()

    def take(self) -> tuple[list[tuple[bytes, api.Address]], list[api.Event]]:
        """Take the datagrams that are no RTP or RTCP, with their senders, and the events, each in order."""
        with self._held():
            self._core.clear_wake()
            control = self._core.take_control()
            events = self._core.take_events()
        return [(data, unpack(address)) for data, address in control], decode_events(events)

    def statistics(self) -> api.Statistics:
        """Read all counters while packets are forwarded: those of one stream may be a packet apart."""
        streams, sinks = self._core.places()
        self._note_gso()
        return decode_statistics(
            self._core.read_streams(0, streams), self._core.read_sinks(0, sinks), self._core.read_drops()
        )

    def last_check(self, peer: int) -> float | None:
        """Monotonic seconds of the last ICE check of a peer that was answered here; None if there was none."""
        at_us = self._core.read_checked(peer)
        return None if at_us < 0 else at_us / 1e6

    def traffic(self) -> Traffic:
        """Read the sockets' counters."""
        return Traffic(*self._core.read_traffic())

    def stop(self) -> None:
        """End the thread; returns when it is gone."""
        self._core.stop()
        self._thread.join()

    def _run(self) -> None:
        if not self._core.prefer_thread():
            logger.info("packets go before no other work: that takes CAP_SYS_NICE, LimitRTPRIO=1 or LimitNICE=-10")
        self._core.run()

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        self._core.lock()
        try:
            yield
        finally:
            self._core.unlock()

    def _note_gso(self) -> None:
        if self._gso and not self.traffic().gso:
            self._gso = False
            logger.warning("the kernel or a route refuses UDP segmentation offload: each packet is sent on its own")
