"""A school's network as a network namespace (root): with a firewall that lets only some ports of one address through
(TCP 443 at first), or open; its line can be cut or unplugged and its address changed while somebody uses it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RULES = """
table inet school
delete table inet school
table inet school {{
    chain out {{
        type filter hook output priority 0; policy drop;
        oifname lo accept
        {ways}
    }}
}}
"""
HTTPS = ("tcp", 443)

CUT = """
table inet outage {
    chain out { type filter hook output priority -10; policy drop; oifname lo accept; }
    chain in { type filter hook input priority -10; policy drop; iifname lo accept; }
}
"""

PARTITION = """
table inet partition {{
    chain out {{ type filter hook output priority -10; policy accept; tcp dport {port} drop; }}
    chain in {{ type filter hook input priority -10; policy accept; tcp sport {port} drop; }}
}}
"""


class NetworkError(Exception):
    """The namespace could not be made; the text says what the tool said."""


@dataclass(frozen=True)
class SchoolNetwork:
    """The namespace's name, and the one address outside that can be reached from it."""

    namespace: str
    outside: str
    device: str
    subnet: str
    """The first three numbers of its addresses."""

    def wrapper(self, folder: Path, program: Path) -> Path:
        """A script that runs `program` inside the school."""
        script = folder / f"{program.name}-in-{self.namespace}"
        script.write_text(f'#!/bin/sh\nexec {_tool("ip")} netns exec {self.namespace} {program} "$@"\n')
        script.chmod(0o755)
        return script

    def let_through(self, *ways: tuple[str, int]) -> None:
        """From now on only these ports (each with its protocol, `tcp` or `udp`) of the address outside are reached."""
        accepted = "\n        ".join(
            f"ip daddr {self.outside} {protocol} dport {port} accept" for protocol, port in ways
        )
        self._inside("nft", "-f", "-", feed=RULES.format(ways=accepted))

    def cut(self) -> None:
        """From now on nothing gets in or out, and nobody is told."""
        self._inside("nft", "-f", "-", feed=CUT)

    def mend(self) -> None:
        """The line is back."""
        self._inside("nft", "delete", "table", "inet", "outage")

    def part(self, tcp_port: int) -> None:
        """From now on nothing passes between it and that port outside, and nobody is told; all else does."""
        self._inside("nft", "-f", "-", feed=PARTITION.format(port=tcp_port))

    def join(self) -> None:
        """What was parted is together again."""
        self._inside("nft", "delete", "table", "inet", "partition")

    def unplug(self) -> None:
        """The cable is out: its computers see that they have no network."""
        _run("ip", "-n", self.namespace, "link", "set", self.device, "down")

    def plug_in(self) -> None:
        """The cable is in again."""
        _run("ip", "-n", self.namespace, "link", "set", self.device, "up")

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a program inside."""
        return _tool("ip"), "netns", "exec", self.namespace

    @property
    def inside(self) -> str:
        """Its own address, as made."""
        return f"{self.subnet}.2"

    def move(self, host: int) -> None:
        """Give the school's computer another address (and no longer the old), as another Wi-Fi does."""
        _run("ip", "-n", self.namespace, "address", "flush", "dev", self.device, "scope", "global")
        _run("ip", "-n", self.namespace, "address", "add", f"{self.subnet}.{host}/24", "dev", self.device)

    def processes(self) -> list[int]:
        """Everything that runs in the school."""
        return [int(pid) for pid in _run("ip", "netns", "pids", self.namespace).split()]

    def _inside(self, program: str, *arguments: str, feed: str | None = None) -> None:
        _run("ip", "netns", "exec", self.namespace, _tool(program), *arguments, feed=feed)

    def passes(self, *command: str) -> bool:
        """Whether a command inside the school ends well."""
        return subprocess.run([_tool("ip"), "netns", "exec", self.namespace, *command], check=False).returncode == 0


@contextmanager
def school_network(*, only_443: bool = True) -> Iterator[SchoolNetwork]:
    """Make the school; it is gone after the block. Raises NetworkError, for example when this is not run by root."""
    number = os.getpid() % 4000
    subnet = f"10.{208 + number // 250}.{number % 250}"
    outside, inside = (f"{subnet}.{end}" for end in (1, 2))
    near, far = f"edge{os.getpid()}", f"home{os.getpid()}"
    school = SchoolNetwork(f"school-{os.getpid()}", outside, far, subnet)
    _run("ip", "netns", "add", school.namespace)
    try:
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", school.namespace)
        try:
            _run("ip", "address", "add", f"{outside}/24", "dev", near)
            _run("ip", "link", "set", near, "up")
            within = ("ip", "-n", school.namespace)
            _run(*within, "address", "add", f"{inside}/24", "dev", far)
            _run(*within, "link", "set", far, "up")
            _run(*within, "link", "set", "lo", "up")
            if only_443:
                school.let_through(HTTPS)
            yield school
        finally:
            # It would go with the namespace, but later: the next school of this process has devices of the same name.
            _run("ip", "link", "delete", near)
    finally:
        _run("ip", "netns", "delete", school.namespace)


def _run(program: str, *arguments: str, feed: str | None = None) -> str:
    command = [_tool(program), *arguments]
    done = subprocess.run(command, input=feed, text=True, capture_output=True, check=False)
    if done.returncode:
        raise NetworkError(f"{' '.join(command)}: {done.stderr.strip()} (it must be run by root)")
    return done.stdout


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise NetworkError(f"{name} is missing; `make test` installs it")
    return found
