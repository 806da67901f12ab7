"""A school whose network lets only TCP port 443 of one address through: a network namespace with a firewall (root)."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RULES = """
table inet school {{
    chain out {{
        type filter hook output priority 0; policy drop;
        oifname lo accept
        ip daddr {outside} tcp dport 443 accept
    }}
}}
"""


class NetworkError(Exception):
    """The namespace could not be made; the text says what the tool said."""


@dataclass(frozen=True)
class SchoolNetwork:
    """The namespace's name, and the one address outside that can be reached from it."""

    namespace: str
    outside: str

    def wrapper(self, folder: Path, program: Path) -> Path:
        """A script that runs `program` inside the school."""
        script = folder / f"{program.name}-in-{self.namespace}"
        script.write_text(f'#!/bin/sh\nexec {_tool("ip")} netns exec {self.namespace} {program} "$@"\n')
        script.chmod(0o755)
        return script

    def passes(self, *command: str) -> bool:
        """Whether a command inside the school ends well."""
        return subprocess.run([_tool("ip"), "netns", "exec", self.namespace, *command], check=False).returncode == 0


@contextmanager
def school_network() -> Iterator[SchoolNetwork]:
    """Make the school; it is gone after the block. Raises NetworkError, for example when this is not run by root."""
    number = os.getpid() % 4000
    outside, inside = (f"10.{208 + number // 250}.{number % 250}.{end}" for end in (1, 2))
    school = SchoolNetwork(f"school-{os.getpid()}", outside)
    near, far = f"edge{os.getpid()}", f"home{os.getpid()}"
    _run("ip", "netns", "add", school.namespace)
    try:
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", school.namespace)
        _run("ip", "address", "add", f"{outside}/30", "dev", near)
        _run("ip", "link", "set", near, "up")
        within = ("ip", "-n", school.namespace)
        _run(*within, "address", "add", f"{inside}/30", "dev", far)
        _run(*within, "link", "set", far, "up")
        _run(*within, "link", "set", "lo", "up")
        rules = RULES.format(outside=outside)
        _run("ip", "netns", "exec", school.namespace, _tool("nft"), "-f", "-", feed=rules)
        yield school
    finally:
        _run("ip", "netns", "delete", school.namespace)  # the pair of devices goes with it


def _run(program: str, *arguments: str, feed: str | None = None) -> None:
    command = [_tool(program), *arguments]
    done = subprocess.run(command, input=feed, text=True, capture_output=True, check=False)
    if done.returncode:
        raise NetworkError(f"{' '.join(command)}: {done.stderr.strip()} (it must be run by root)")


def _tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise NetworkError(f"{name} is missing; `make test` installs it")
    return found
