"""The packet core's thread on real loopback sockets."""

import contextlib
import select
import socket
import struct
import time

import pylibsrtp
import pytest

from media.forwarder import api
from media.forwarder.native.packet_thread import PacketThread

KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
DEADLINE_S = 5.0
SOL_UDP, UDP_SEGMENT = 17, 103


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def bound(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    if ":" in host:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    made.bind((host, 0))
    return made


@contextlib.contextmanager
def running(*hosts: str):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(bound(host)) for host in hosts]
        for one in sockets:
            one.setblocking(False)
        thread = PacketThread(sockets, 0.0)
        try:
            yield thread, [one.getsockname()[:2] for one in sockets]
        finally:
            thread.stop()


def taken(thread: PacketThread, enough):
    """Everything taken until `enough` holds for it."""
    control, events, until = [], [], time.monotonic() + DEADLINE_S
    while not enough(control, events):
        assert select.select([thread.wake_fd], [], [], until - time.monotonic())[0], "nothing came in time"
        more_control, more_events = thread.take()
        control += more_control
        events += more_events
    return control, events


class Client:
    def __init__(self, thread: PacketThread, number: int, host: str = "127.0.0.1") -> None:
        self.socket = bound(host)
        self.socket.settimeout(DEADLINE_S)
        self.number = number
        outbound = pylibsrtp.Policy(KEYS[2] + KEYS[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE)
        inbound = pylibsrtp.Policy(KEYS[0] + KEYS[1], pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=PROFILE)
        self.outbound, self.inbound = pylibsrtp.Session(outbound), pylibsrtp.Session(inbound)
        thread.command(api.AddPeer(number, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname="c"))
        thread.command(api.SetPeerAddress(number, self.socket.getsockname()[:2]))

    def send_frame(self, to: api.Address, first_seq: int, packets: int) -> None:
        for seq in range(first_seq, first_seq + packets):
            header = struct.pack("!BBHII", 0x80, 96, seq, 0, 5)
            self.socket.sendto(self.outbound.protect(header + b"\x10" + bytes(900 + seq % 3)), to)

    def send_burst(self, to: api.Address, first_seq: int, packets: int) -> None:
        """Equal packets in one call, which the kernel hands on in one piece (UDP_SEGMENT)."""
        sealed = [
            self.outbound.protect(struct.pack("!BBHII", 0x80, 96, seq, 0, 5) + b"\x10" + bytes(900))
            for seq in range(first_seq, first_seq + packets)
        ]
        size = struct.pack("=H", len(sealed[0]))
        self.socket.sendmsg([b"".join(sealed)], [(SOL_UDP, UDP_SEGMENT, size)], 0, to)

    def receive_nack(self) -> list[int]:
        """The numbers that the next generic NACK without a mask asks for (RFC 4585 6.2.1)."""
        while True:
            data = self.socket.recv(2048)
            if data[1] == 205:
                entries = self.inbound.unprotect_rtcp(data)[12:]
                return [int.from_bytes(entries[at : at + 2]) for at in range(0, len(entries), 4)]

    def receive(self) -> tuple[int, bytes]:
        """The next RTP packet's number and its body without padding."""
        while True:
            data = self.socket.recv(2048)
            if 192 <= data[1] <= 223:
                continue
            plain = self.inbound.unprotect(data)
            padding = plain[-1] if plain[0] & 0x20 else 0
            return int.from_bytes(plain[2:4]), plain[12 : len(plain) - padding]


def lesson(thread: PacketThread, receivers: list[Client], publisher: Client) -> None:
    codec = api.StreamCodec(96, "vp8", 90000)
    thread.command(api.AddStream(1, publisher.number, "video", "", (codec,), api.ExtensionIds()))
    for client in receivers:
        thread.command(
            api.AddSink(client.number, 1, client.number, 7, None, {"vp8": (96, None)}, api.ExtensionIds(), "")
        )


def test_frames_reach_every_receiver():
    with running("127.0.0.1") as (thread, [address]):
        publisher, *receivers = [Client(thread, number) for number in range(1, 5)]
        lesson(thread, receivers, publisher)
        for frame in range(20):
            publisher.send_frame(address, frame * 8, 8)
            for client in receivers:
                got = [client.receive() for _ in range(8)]
                assert [len(body) for _, body in got] == [901 + seq % 3 for seq in range(frame * 8, frame * 8 + 8)]
        traffic = thread.traffic()
        assert traffic.datagrams_in == 160
        assert traffic.datagrams_out >= 480
        assert traffic.gso
        assert traffic.unsent == 0
        assert {s.packets for s in thread.statistics().sinks.values()} == {160}
        for client in (publisher, *receivers):
            client.socket.close()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_each_receiver_is_served_from_the_socket_of_its_family():
    with running("127.0.0.1", "::1") as (thread, [v4, v6]):
        publisher, old, new = Client(thread, 1), Client(thread, 2), Client(thread, 3, "::1")
        lesson(thread, [old, new], publisher)
        publisher.send_frame(v4, 1, 3)
        for client, expected in ((old, v4), (new, v6)):
            data, sender = client.socket.recvfrom(2048)
            assert sender[:2] == expected
            assert data[0] >> 6 == 2
        for client in (publisher, old, new):
            client.socket.close()


def test_a_burst_that_arrives_in_one_piece_reaches_every_receiver_in_few_calls():
    with running("127.0.0.1") as (thread, [address]):
        publisher, *receivers = [Client(thread, number) for number in range(1, 5)]
        lesson(thread, receivers, publisher)
        publisher.send_burst(address, 1, 40)
        for client in receivers:
            assert [client.receive()[1] for _ in range(40)] == [b"\x10" + bytes(900)] * 40
        traffic = thread.traffic()
        assert traffic.datagrams_in == 40
        assert traffic.datagrams_out >= 120
        assert traffic.sends < 10
        for client in (publisher, *receivers):
            client.socket.close()


def test_receivers_that_vanish_or_never_read_cost_the_others_nothing():
    with running("127.0.0.1") as (thread, [address]):
        publisher, gone, deaf, faithful = [Client(thread, number) for number in range(1, 5)]
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lesson(thread, [gone, deaf, faithful], publisher)
        gone.socket.close()
        for frame in range(60):
            publisher.send_frame(address, frame * 8, 8)
            began = time.monotonic()
            assert [faithful.receive()[0] for _ in range(8)][-1] is not None
            assert time.monotonic() - began < 1.0
        sinks = thread.statistics().sinks
        assert {number: sinks[number].packets for number in (2, 3, 4)} == {2: 480, 3: 480, 4: 480}
        for client in (publisher, deaf, faithful):
            client.socket.close()


def test_datagrams_gather_only_when_there_are_many():
    with running("127.0.0.1") as (thread, [address]), bound("127.0.0.1") as stranger:
        assert thread.traffic().window_us == 0
        until = time.monotonic() + DEADLINE_S
        while thread.traffic().window_us < 500:
            assert time.monotonic() < until, "nothing gathers"
            stranger.sendto(b"\x80" + bytes(200), address)
        while thread.traffic().window_us:
            assert time.monotonic() < until, "it gathers for ever"
            time.sleep(0.01)


def test_what_the_socket_had_no_room_for_is_counted_and_not_asked_for_at_once():
    with bound("127.0.0.1") as server, bound("127.0.0.1") as stranger:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.setblocking(False)
        for _ in range(100):
            stranger.sendto(bytes(1000), server.getsockname())
        thread = PacketThread([server], 0.0)
        taken(thread, lambda control, _: control)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        publisher = Client(thread, 1)
        codec = api.StreamCodec(96, "vp8", 90000, nack=True)
        thread.command(api.AddStream(1, 1, "video", "", (codec,), api.ExtensionIds(), (5,)))
        publisher.send_frame(server.getsockname(), 1, 1)
        publisher.send_frame(server.getsockname(), 3, 1)
        sent = time.monotonic()
        assert publisher.receive_nack() == [2]
        assert time.monotonic() - sent > 0.25
        assert thread.statistics().dropped["socket_full"] > 50
        thread.stop()
        publisher.socket.close()


def test_what_is_no_rtp_crosses_to_python_with_its_sender():
    with running("127.0.0.1") as (thread, [address]), bound("127.0.0.1") as client:
        sent = [bytes((first,)) + b"x" * first for first in (0, 1, 20, 63, 64, 127, 192, 255)]
        for datagram in sent:
            client.sendto(datagram, address)
        client.sendto(b"\x80" + bytes(20), address)
        control, _ = taken(thread, lambda control, _: len(control) == len(sent))
        assert control == [(datagram, client.getsockname()) for datagram in sent]
        assert thread.statistics().dropped == {"unknown_peer": 1}


def test_events_cross_to_python():
    with running("127.0.0.1") as (thread, [address]):
        publisher = Client(thread, 1)
        lesson(thread, [], publisher)
        thread.command(api.SetTap(1, True))
        publisher.send_frame(address, 1, 5)
        _, events = taken(thread, lambda _, events: len(events) >= 6)
        assert [type(event) for event in events] == [api.StreamStarted] + [api.Tapped] * 5
        assert all(0 <= time.monotonic() - event.arrival < DEADLINE_S for event in events[1:])
        publisher.socket.close()


def test_python_is_let_in_while_the_thread_is_flooded():
    with running("127.0.0.1") as (thread, [address]), bound("127.0.0.1") as stranger:
        longest = 0.0
        for number in range(1, 200):
            for _ in range(100):
                stranger.sendto(b"\x80" + bytes(200), address)
            began = time.monotonic()
            thread.command(api.AddPeer(number, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname="c"))
            longest = max(longest, time.monotonic() - began)
        assert longest < 1.0
        assert thread.statistics().dropped["unknown_peer"] > 1000


def test_nonsense_is_refused_and_changes_nothing():
    with running("127.0.0.1") as (thread, _):
        with pytest.raises(api.CommandError, match="does not exist"):
            thread.command(api.SetPeerAddress(9, ("127.0.0.1", 1)))
        assert thread.statistics().streams == {}
