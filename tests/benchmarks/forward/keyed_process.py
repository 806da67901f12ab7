"""What the keyed servers share at the other end of the pipe: the one line they are told, and their socket."""

import json
import socket
import sys
from typing import Any

_SO_RCVBUFFORCE = 33
_IP_PMTUDISC_DO = 2
_IP_MTU_DISCOVER = 10
BUFFER_BYTES = 4 << 20


def read_task() -> dict[str, Any]:
    """The load and its keys."""
    return dict(json.loads(sys.stdin.readline()))


def announce(**fields: Any) -> None:
    """Tell the benchmark something."""
    print(json.dumps(fields), flush=True)


def open_socket(address: str) -> socket.socket:
    """A non-blocking UDP socket with a buffer for bursts and the DF bit set."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DO)
    made.bind((address, 0))
    return made
