"""UDP addresses as the packet core keeps them: 16 bytes of IPv6 (v4-mapped for IPv4, RFC 4291 2.5.5.2) and the port."""

import socket
from functools import lru_cache

from media.forwarder.api import Address, CommandError

_V4_MAPPED = bytes(10) + b"\xff\xff"


@lru_cache(maxsize=4096)
def pack(address: Address) -> bytes:
    """18 bytes in network order. Raises CommandError for what is no IP address."""
    host, port = address[0].partition("%")[0], address[1]
    if not 0 <= port <= 65535:
        raise CommandError(f"{port} is no UDP port")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        ip = socket.inet_pton(family, host)
    except OSError:
        raise CommandError(f"{host!r} is no IP address") from None
    return (ip if family == socket.AF_INET6 else _V4_MAPPED + ip) + port.to_bytes(2)


@lru_cache(maxsize=4096)
def unpack(packed: bytes) -> Address:
    """The address of 18 packed bytes; v4-mapped ones as IPv4."""
    ip, port = packed[:16], int.from_bytes(packed[16:])
    if ip.startswith(_V4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, ip[12:]), port
    return socket.inet_ntop(socket.AF_INET6, ip), port
