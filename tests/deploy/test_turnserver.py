"""The deployment's coturn as `deploy/edge` configures it, for real: who may use it, over what, and whom it reaches."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aioice.stun import TransactionFailed
from aioice.turn import TurnTransport, create_turn_endpoint
from edge import TURN_NAME, filled, make_certificates
from school_network import SchoolNetwork, school_network

from service.live.turn import VALID_FOR, TurnServer

SECRET = "the secret of service and coturn"
UNAUTHORISED, FORBIDDEN = 401, 403
TLS_PORT = 5349
RELAY = """
import socket, sys
relay = socket.socket(type=socket.SOCK_DGRAM)
relay.bind((sys.argv[1], 0))
print(relay.getsockname()[1], flush=True)
while True:
    data, sender = relay.recvfrom(2000)
    relay.sendto(data.upper(), sender)
"""


@dataclass(frozen=True)
class Server:
    """A machine with coturn and, at the same address, something that answers like a relay."""

    address: str
    neighbour: str
    relay_port: int
    authority: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """In a network namespace, where its ports collide with nobody's."""
    folder = tmp_path_factory.mktemp("turnserver")
    authority, certificate, key = make_certificates(folder)
    with school_network(only_443=False) as network:
        address = f"{network.subnet}.2"
        values = {
            "TURN_ADDRESS": address, "RELAY_ADDRESS": address, "TURN_NAME": TURN_NAME, "TURN_SECRET": SECRET,
            "TURN_TLS_PORT": str(TLS_PORT), "CERTIFICATE_FILE": str(certificate), "KEY_FILE": str(key),
        }  # fmt: skip
        configuration = filled(folder, "turnserver.conf", values)
        program = shutil.which("turnserver", path=f"{os.environ['PATH']}:/usr/sbin") or "turnserver"
        files = (f"--pidfile={folder}/turn.pid", f"--userdb={folder}/turn.db")
        log = folder / "turn.log"
        with log.open("wb") as out:
            coturn = subprocess.Popen(_inside(network, program, "-c", str(configuration), *files), stdout=out)
        relay = subprocess.Popen(_inside(network, sys.executable, "-c", RELAY, address), stdout=subprocess.PIPE)
        try:
            assert relay.stdout is not None
            relay_port = int(relay.stdout.readline())
            _await_listener(address, TLS_PORT, log)
            yield Server(address, network.outside, relay_port, authority)
        finally:
            for process in (coturn, relay):
                process.terminate()
                process.wait(10)
            if relay.stdout is not None:
                relay.stdout.close()


def _inside(network: SchoolNetwork, *command: str) -> list[str]:
    return [str(shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin")), "netns", "exec", network.namespace, *command]


def _await_listener(address: str, port: int, log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
            time.sleep(0.05)


class Answers(asyncio.DatagramProtocol):
    """What came back through the allocation: data of the peer, or the server's refusal to reach it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | int] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Keep it."""
        self.queue.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """Keep the error's code (RFC 8656 section 19)."""
        assert isinstance(exc, TransactionFailed), exc
        self.queue.put_nowait(code_of(exc))


def code_of(refusal: TransactionFailed) -> int:
    """Its STUN error code."""
    return int(refusal.response.attributes["ERROR-CODE"][0])


async def allocate(
    server: Server, over: str = "udp", *, secret: str = SECRET, at: datetime | None = None
) -> tuple[TurnTransport, Answers]:
    """Use the credentials that a classroom is welcomed with at that time."""
    url = f"turn:{server.address}:3478?transport={over}"
    [ice] = TurnServer((url,), secret).ice_for("connection", at or datetime.now(UTC))["ice_servers"]
    trusting = ssl.create_default_context(cafile=server.authority)
    trusting.check_hostname = False  # it has a name, and is asked here by number
    transport, answers = await create_turn_endpoint(
        Answers,
        (server.address, TLS_PORT if over == "tls" else 3478),
        username=ice["username"],
        password=ice["credential"],
        ssl=trusting if over == "tls" else None,
        transport="udp" if over == "udp" else "tcp",
    )
    return transport, answers


async def answer_of(server: Server, peers: list[tuple[str, int]], over: str = "udp") -> list[bytes | int]:
    """What each of the peers answers through one allocation."""
    transport, answers = await allocate(server, over)
    found = []
    for peer in peers:
        transport.sendto(b"media", peer)
        found.append(await asyncio.wait_for(answers.queue.get(), 5))
    transport.close()
    await asyncio.sleep(0.05)  # lets it say goodbye
    return found


@pytest.mark.parametrize("over", ["udp", "tcp", "tls"])
def test_a_classroom_reaches_the_relay_over_udp_tcp_and_tls(server: Server, over: str) -> None:
    assert asyncio.run(answer_of(server, [(server.address, server.relay_port)], over)) == [b"MEDIA"]


def refusal_of(server: Server, *, secret: str = SECRET, at: datetime | None = None) -> int:
    """The code with which an allocation is refused."""
    with pytest.raises(TransactionFailed) as refused:
        asyncio.run(allocate(server, secret=secret, at=at))
    return code_of(refused.value)


def test_credentials_that_have_expired_are_refused(server: Server) -> None:
    assert refusal_of(server, at=datetime.now(UTC) - VALID_FOR - timedelta(seconds=2)) == UNAUTHORISED


def test_credentials_of_another_secret_are_refused(server: Server) -> None:
    assert refusal_of(server, secret="a guess at the shared secret") == UNAUTHORISED


def test_nobody_else_is_reached_through_it(server: Server) -> None:
    """Not the machine's own loopback, not the county's network, not a cloud's metadata, nothing on the Internet."""
    others = [
        "127.0.0.1", "0.0.0.0", server.neighbour, "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "198.51.100.7", "224.0.0.1", "255.255.255.255",
    ]  # fmt: skip
    found = asyncio.run(answer_of(server, [(other, 53) for other in others]))
    assert dict(zip(others, found, strict=True)) == dict.fromkeys(others, FORBIDDEN)
