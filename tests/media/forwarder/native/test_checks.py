"""ICE checks that the packet thread answers itself; aioice writes the checks and reads the answers."""

import contextlib
import select
import socket
import time

import pytest
from aioice import stun

from media.forwarder import api
from media.forwarder.native.packet_thread import PacketThread

UFRAG, PASSWORD = "ourUfrag", "ourPasswordOf24Characters"
KEYS = (bytes(16), bytes(12), bytes(16), bytes(12))
DEADLINE_S = 5.0
PEER = 3


def bound(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.settimeout(DEADLINE_S)
    return made


class Meeting:
    """A packet thread and a client's socket that it knows as a peer."""

    def __init__(self, server: socket.socket, client: socket.socket) -> None:
        self.thread = PacketThread([server], 0.0)
        self.to = server.getsockname()
        self.client = client
        self.thread.command(api.AddPeer(PEER, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname="c"))
        self.thread.command(api.SetPeerAddress(PEER, client.getsockname()[:2]))
        self.thread.command(api.AnswerChecks(PEER, UFRAG, PASSWORD))

    def left_to_python(self) -> list[bytes]:
        assert select.select([self.thread.wake_fd], [], [], DEADLINE_S)[0], "nothing came to Python"
        return [data for data, _ in self.thread.take()[0]]


@contextlib.contextmanager
def meeting(host: str = "127.0.0.1"):
    with bound(host) as server, bound(host) as client:
        server.setblocking(False)
        made = Meeting(server, client)
        try:
            yield made
        finally:
            made.thread.stop()


def check(*, ufrag: str = UFRAG, password: str = PASSWORD, **attributes: object) -> bytes:
    said = {"USERNAME": f"{ufrag}:theirs", "PRIORITY": 1, "ICE-CONTROLLING": 5}
    said |= {name.replace("_", "-"): value for name, value in attributes.items()}
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=said)
    request.add_message_integrity(password.encode())
    return bytes(request)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_check_is_answered_with_the_address_it_came_from(host: str):
    with meeting(host) as met:
        before = time.monotonic()
        sent = check(USE_CANDIDATE=None)
        met.client.sendto(sent, met.to)
        answer = stun.parse_message(met.client.recv(2048))
        assert answer.message_class is stun.Class.RESPONSE
        assert answer.transaction_id == stun.parse_message(sent).transaction_id
        assert answer.check_message_integrity(PASSWORD.encode())
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == met.client.getsockname()[:2]
        assert "FINGERPRINT" in answer.attributes
        last_check = met.thread.last_check(PEER)
        assert last_check is not None
        assert before <= last_check <= time.monotonic()


def test_every_answer_goes_where_its_check_came_from():
    with meeting() as met, bound("127.0.0.1") as other:
        met.thread.command(api.AddPeerAddress(PEER, other.getsockname()[:2]))
        for _ in range(20):
            for one in (met.client, other):
                one.sendto(check(), met.to)
        for one in (met.client, other):
            for _ in range(20):
                answer = stun.parse_message(one.recv(2048))
                assert answer.attributes["XOR-MAPPED-ADDRESS"] == one.getsockname()[:2]


def test_a_forged_check_is_dropped_and_counted():
    with meeting() as met:
        met.client.sendto(check(password="guessed"), met.to)
        met.client.sendto(check(), met.to)
        assert stun.parse_message(met.client.recv(2048)).message_class is stun.Class.RESPONSE
        assert met.thread.statistics().dropped == {"auth_failed": 1}


@pytest.mark.parametrize(
    "sent",
    [
        check(ufrag="former"),
        check(ufrag=UFRAG[:-1]),
        check(ICE_CONTROLLED=5),
        check(REALM="asks for more than we know"),
        check()[:-4],
        check() + bytes(4),
        bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)),
        bytes(stun.Message(stun.Method.BINDING, stun.Class.INDICATION)),
        bytes(20),
        b"\0",
    ],
    ids=["former", "shorter", "role", "unknown", "cut", "longer", "bare", "indication", "zeros", "one byte"],
)
def test_what_is_not_plain_is_left_to_python(sent: bytes):
    with meeting() as met:
        met.client.sendto(sent, met.to)
        assert met.left_to_python() == [sent]
        assert met.thread.last_check(PEER) is None


def test_a_nomination_of_another_address_is_left_to_python():
    with meeting() as met, bound("127.0.0.1") as other:
        met.thread.command(api.AddPeerAddress(PEER, other.getsockname()[:2]))
        other.sendto(check(), met.to)
        assert stun.parse_message(other.recv(2048)).message_class is stun.Class.RESPONSE
        nomination = check(USE_CANDIDATE=None)
        other.sendto(nomination, met.to)
        assert met.left_to_python() == [nomination]


def test_checks_of_strangers_are_left_to_python():
    with meeting() as met, bound("127.0.0.1") as stranger:
        sent = check()
        stranger.sendto(sent, met.to)
        assert met.left_to_python() == [sent]


@pytest.mark.parametrize("credentials", [("", PASSWORD), (UFRAG, ""), ("u" * 257, PASSWORD), (UFRAG, "p" * 257)])
def test_credentials_that_cannot_be_are_refused(credentials: tuple[str, str]):
    with meeting() as met, pytest.raises(api.CommandError):
        met.thread.command(api.AnswerChecks(PEER, *credentials))


def test_the_last_check_of_a_peer_that_is_gone_is_unknown():
    with meeting() as met:
        met.thread.command(api.RemovePeer(PEER))
        assert met.thread.last_check(PEER) is None
