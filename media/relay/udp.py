"""The relay's one UDP port: non-blocking sockets for IPv4 and IPv6, which the packet thread reads."""

import errno
import socket
from collections.abc import Sequence

Address = tuple[str, int]

BUFFER_BYTES = 16 << 20
"""The bell starts all lessons in one minute: what arrives while the packet thread does not run must wait somewhere. For
250 lessons it is enough for a tenth of a second; a full core's real-time thread is stopped for half of that."""
_MAPPED = "::ffff:"
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
"From asm-generic/socket.h; they take CAP_NET_ADMIN."
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTUDISC_DO = 10, 23, 2
"From linux/in.h and in6.h; Python's socket module does not name them."


class UdpPort:
    """Sockets that share one port number."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.port = 0
        self.unsent = 0
        "Datagrams that `send` gave up: the kernel's buffer full or the peer unreachable."

    def open(self, addresses: Sequence[str], port: int) -> None:
        """Bind the port at each address; raises OSError when it cannot be had."""
        self.port = port
        try:
            for address in addresses:
                self._bind(address)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the sockets."""
        for bound in self.sockets:
            bound.close()
        self.sockets.clear()

    def send(self, data: bytes, address: Address) -> None:
        """Send now or not at all: what the kernel does not take is lost like any datagram."""
        host, port = address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sender = self._socket_of(family)
        if sender is None and family is socket.AF_INET:
            sender, host = self._socket_of(socket.AF_INET6), _MAPPED + host
        if sender is None:
            self.unsent += 1
            return
        try:
            sender.sendto(data, (host, port))
        except OSError:
            self.unsent += 1

    def _socket_of(self, family: socket.AddressFamily) -> socket.socket | None:
        return next((bound for bound in self.sockets if bound.family is family), None)

    def _bind(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            bound = _bound_socket(family, address, self.port)
        except OSError as error:
            if address != "::" or error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                raise
            bound = _bound_socket(socket.AF_INET, "0.0.0.0", self.port)  # noqa: S104 - the operator asked for all
        self.sockets.append(bound)
        self.port = bound.getsockname()[1]


def _bound_socket(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if family is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address == "::" else 1)
            made.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_DO)
        # Packets that may not be fragmented need no IP id, whose choice costs the kernel more than the rest of IP.
        made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DO)
        _widen(made, socket.SO_RCVBUF, _SO_RCVBUFFORCE)
        _widen(made, socket.SO_SNDBUF, _SO_SNDBUFFORCE)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def _widen(made: socket.socket, option: int, forced_option: int) -> None:
    """Ask for BUFFER_BYTES beyond the machine's limit (net.core.[rw]mem_max), else for as much as that allows."""
    try:
        made.setsockopt(socket.SOL_SOCKET, forced_option, BUFFER_BYTES)
    except PermissionError:
        made.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
