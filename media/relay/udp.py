"""The relay's one UDP port: non-blocking sockets read in batches by the event loop, for IPv4 and IPv6.

Arrival times are the kernel's, because a busy event loop would smear its own delays over them, and senders would take
those for congestion.
"""

import asyncio
import errno
import socket
import struct
import time
from collections.abc import Callable, Sequence

Address = tuple[str, int]
Datagrams = list[tuple[bytes, Address, float]]
"""Data, sender, and arrival in seconds of the monotonic clock."""

BATCH_DATAGRAMS = 128
MAX_DATAGRAM_BYTES = 2048
"Nothing we negotiate sends more than an Ethernet frame."
BUFFER_BYTES = 4 << 20
_MAPPED = "::ffff:"
_SO_TIMESTAMPNS = 35
"From asm-generic/socket.h; Python's socket module does not name it."
_TIMESPEC = struct.Struct("@ll")
_CONTROL_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_MAX_AGE_S = 1.0
"A stamp older than this, or from the future, is a jump of the wall clock and not believed."


class UdpPort:
    """Sockets that share one port number; `receive` gets whatever arrived, in batches."""

    def __init__(self, receive: Callable[[Datagrams], None]) -> None:
        self._receive = receive
        self._sockets: list[socket.socket] = []
        self._by_family: dict[int, socket.socket] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.port = 0
        self.unsent = 0
        "Datagrams the kernel did not take, its buffer full or the peer unreachable."

    def open(self, addresses: Sequence[str], port: int) -> None:
        """Bind the port at each address; raises OSError when it cannot be had."""
        self._loop = asyncio.get_running_loop()
        self.port = port
        try:
            for address in addresses:
                self._bind(address)
        except OSError:
            self.close()
            raise
        for bound in self._sockets:
            self._loop.add_reader(bound, self._read, bound)

    def close(self) -> None:
        """Stop reading and close the sockets."""
        for bound in self._sockets:
            if self._loop is not None:
                self._loop.remove_reader(bound)
            bound.close()
        self._sockets.clear()
        self._by_family.clear()

    def send(self, data: bytes, address: Address) -> None:
        """Send now or not at all: what the kernel does not take is lost like any datagram."""
        host, port = address
        if ":" in host:
            sender = self._by_family.get(socket.AF_INET6)
        else:
            sender = self._by_family.get(socket.AF_INET)
            if sender is None:
                sender, host = self._by_family.get(socket.AF_INET6), _MAPPED + host
        if sender is None:
            self.unsent += 1
            return
        try:
            sender.sendto(data, (host, port))
        except OSError:
            self.unsent += 1

    def _bind(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            bound = _bound_socket(family, address, self.port)
        except OSError as error:
            if address != "::" or error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                raise
            family = socket.AF_INET
            bound = _bound_socket(family, "0.0.0.0", self.port)  # noqa: S104 - the operator asked for all addresses
        self._sockets.append(bound)
        self._by_family.setdefault(family, bound)
        self.port = bound.getsockname()[1]

    def read_now(self) -> None:
        """Read what has arrived without waiting for the event loop's next turn."""
        for bound in self._sockets:
            self._read(bound)

    def _read(self, bound: socket.socket) -> None:
        batch: Datagrams = []
        now, wall = time.monotonic(), time.time()
        for _ in range(BATCH_DATAGRAMS):
            try:
                data, control, _flags, sender = bound.recvmsg(MAX_DATAGRAM_BYTES, _CONTROL_BYTES)
            except BlockingIOError:
                break
            except OSError:
                # An ICMP error about something sent earlier; the next read is free of it.
                continue
            batch.append((data, (sender[0].removeprefix(_MAPPED), sender[1]), now - _age_s(control, wall)))
        if batch:
            self._receive(batch)


def _age_s(control: list[tuple[int, int, bytes]], wall: float) -> float:
    """How long ago the kernel received the datagram, by its SCM_TIMESTAMPNS."""
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            age = wall - seconds - nanoseconds / 1e9
            return age if 0.0 <= age <= _MAX_AGE_S else 0.0
    return 0.0


def _bound_socket(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if family is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address == "::" else 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made
