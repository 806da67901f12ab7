"""Addresses for a server and thousands of clients on one machine.

Janus offers no loopback candidates and libnice ties its sockets to an interface (IP_UNICAST_IF), so the bench makes a
veth pair whose addresses are all local: the kernel carries everything over `lo`. Without the right to make it, plain
loopback addresses serve all servers but Janus.
"""

import contextlib
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

INTERFACE = "bench-forward"
SERVER_ADDRESS = "198.19.255.1"
CLIENT_NETWORK = "198.18.0.0/16"
"RFC 2544: reserved for benchmarks."


@dataclass(frozen=True)
class Network:
    """Where the server and its clients are."""

    server_address: str
    first_client: str
    hides_loopback: bool
    "Whether servers that ignore loopback can be reached."

    @property
    def first_client_number(self) -> int:
        """The first client's address as a number; the others follow."""
        return int(struct.unpack("!I", socket.inet_aton(self.first_client))[0])

    def client_ip(self, leg: int) -> str:
        """The address of a client's leg."""
        return socket.inet_ntoa(struct.pack("!I", self.first_client_number + leg))


LOOPBACK = Network("127.0.0.1", "127.1.0.0", hides_loopback=False)


@contextlib.contextmanager
def bench_network() -> Iterator[Network]:
    """Make the veth pair, and remove it in the end; loopback where that is not allowed."""
    if not _make():
        yield LOOPBACK
        return
    try:
        yield Network(SERVER_ADDRESS, CLIENT_NETWORK.partition("/")[0], hides_loopback=True)
    finally:
        _ip("link", "del", INTERFACE)


def _make() -> bool:
    if shutil.which("ip") is None:
        return False
    _ip("link", "del", INTERFACE)
    return (
        _ip("link", "add", INTERFACE, "type", "veth", "peer", "name", "bench-peer")
        and _ip("link", "set", "bench-peer", "up")
        and _ip("link", "set", INTERFACE, "up")
        and _ip("addr", "add", f"{SERVER_ADDRESS}/32", "dev", INTERFACE)
        and _ip("route", "add", "local", CLIENT_NETWORK, "dev", INTERFACE)
    )


def _ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0
