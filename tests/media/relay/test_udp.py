"""The UDP port on real loopback sockets."""

import socket

import pytest

from media.relay.udp import BUFFER_BYTES, UdpPort


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def exchange(addresses, families):
    port = UdpPort()
    port.open(addresses, 0)
    found = []
    try:
        for family, host in families:
            with socket.socket(family, socket.SOCK_DGRAM) as peer:
                peer.bind((host, 0))
                peer.settimeout(2)
                port.send(b"hello", peer.getsockname()[:2])
                data, sender = peer.recvfrom(100)
                assert sender[:2] == (host, port.port)
                found.append(data)
    finally:
        port.close()
    return found


def test_it_sends_from_its_port():
    assert exchange(["127.0.0.1"], [(socket.AF_INET, "127.0.0.1")]) == [b"hello"]


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_one_port_serves_both_families():
    families = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    assert exchange(["::"], families) == [b"hello"] * 2


def test_what_cannot_be_sent_is_counted_and_not_raised():
    port = UdpPort()
    port.open(["127.0.0.1"], 0)
    port.send(b"x", ("2001:db8::1", 9))
    port.send(b"x" * 70000, ("127.0.0.1", 9))
    assert port.unsent == 2
    port.close()


def test_a_port_that_is_taken_is_refused_and_leaves_nothing_open():
    first, second = UdpPort(), UdpPort()
    first.open(["127.0.0.1"], 0)
    with pytest.raises(OSError, match="in use"):
        second.open(["127.0.0.2", "127.0.0.1"], first.port)
    assert second.sockets == []
    first.close()


def test_its_buffers_are_as_wide_as_the_machine_allows():
    port = UdpPort()
    port.open(["127.0.0.1"], 0)
    [bound] = port.sockets
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            plain.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
            assert bound.getsockopt(socket.SOL_SOCKET, option) >= plain.getsockopt(socket.SOL_SOCKET, option)
    port.close()
