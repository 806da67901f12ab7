"""The benchmark's own little network: a namespace for the servers and one for each place with browsers, each with a TUN
device whose other end the carrying process holds. Needs root; nothing outside of it is reached.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_ADDRESS = "198.18.0.1"
"RFC 2544: reserved for benchmarks."
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
DEVICE = Path("/dev/net/tun")


class NetworkError(Exception):
    """The network could not be made; the text says what the tool said."""


@dataclass(frozen=True)
class Place:
    """A namespace, its address, and the end of its device that the carrying process reads and writes."""

    namespace: str
    address: str
    device: int

    def command(self, *command: str) -> list[str]:
        """The command, run in this place."""
        return [_tool("ip"), "netns", "exec", self.namespace, *command]

    def wrapper(self, folder: Path, program: Path) -> Path:
        """A script that runs `program` in this place."""
        script = folder / f"{program.name}-in-{self.namespace}"
        script.write_text(f'#!/bin/sh\nexec {" ".join(self.command(str(program)))} "$@"\n')
        script.chmod(0o755)
        return script


@contextmanager
def places(*names: str) -> Iterator[dict[str, Place]]:
    """Make a place of each name, the first with the server's address; they are gone after the block."""
    made: dict[str, Place] = {}
    try:
        for number, name in enumerate(names):
            made[name] = _make(f"bench-{name}-{os.getpid()}", f"198.18.0.{number + 1}", f"bn{number}-{os.getpid()}")
        yield made
    finally:
        for place in made.values():
            os.close(place.device)
            subprocess.run([_tool("ip"), "netns", "delete", place.namespace], check=False, capture_output=True)


def _make(namespace: str, address: str, device_name: str) -> Place:
    try:
        device = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", device_name.encode(), IFF_TUN_NO_PI))
    except OSError as error:
        raise NetworkError(f"{DEVICE}: {error.strerror} (bench-network must be run by root)") from error
    _ip("netns", "add", namespace)
    _ip("link", "set", device_name, "netns", namespace)
    for arguments in (
        ("address", "add", f"{address}/24", "dev", device_name),
        ("link", "set", device_name, "up", "txqueuelen", "1000"),
        ("link", "set", "lo", "up"),
        ("route", "add", "default", "dev", device_name),
    ):
        _ip("-n", namespace, *arguments)
    return Place(namespace, address, device)


def _ip(*arguments: str) -> None:
    done = subprocess.run([_tool("ip"), *arguments], text=True, capture_output=True, check=False)
    if done.returncode:
        raise NetworkError(f"ip {' '.join(arguments)}: {done.stderr.strip()} (bench-network must be run by root)")


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise NetworkError(f"{name} is missing: apt-get install iproute2")
    return found
