"""The UDP port on real loopback sockets."""

import asyncio
import socket
import time

import pytest

from media.relay.udp import UdpPort


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def exchange(addresses, families):
    got = asyncio.Queue()
    port = UdpPort(lambda batch: [got.put_nowait(one) for one in batch])
    port.open(addresses, 0)
    found = []
    try:
        for family, host in families:
            with socket.socket(family, socket.SOCK_DGRAM) as peer:
                peer.bind((host, 0))
                peer.settimeout(2)
                peer.sendto(b"question", (host, port.port))
                data, address, arrival = await asyncio.wait_for(got.get(), 2)
                assert address == peer.getsockname()[:2]
                assert 0 <= time.monotonic() - arrival < 1
                port.send(b"answer to " + data, address)
                found.append(peer.recv(100))
    finally:
        port.close()
    return found


def test_it_answers_where_it_was_asked_from():
    families = [(socket.AF_INET, "127.0.0.1")]
    assert asyncio.run(exchange(["127.0.0.1"], families)) == [b"answer to question"]


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_one_port_serves_both_families():
    families = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    assert asyncio.run(exchange(["::"], families)) == [b"answer to question"] * 2


def test_what_cannot_be_sent_is_counted_and_not_raised():
    async def scenario():
        port = UdpPort(lambda _: None)
        port.open(["127.0.0.1"], 0)
        port.send(b"x", ("2001:db8::1", 9))
        port.send(b"x" * 70000, ("127.0.0.1", 9))
        assert port.unsent == 2
        port.close()

    asyncio.run(scenario())


def test_arrival_times_are_those_of_the_kernel_not_of_the_reading():
    async def scenario():
        got = []
        port = UdpPort(got.extend)
        port.open(["127.0.0.1"], 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"1", ("127.0.0.1", port.port))
            time.sleep(0.05)  # noqa: ASYNC251 - the loop is kept from reading on purpose
            peer.sendto(b"2", ("127.0.0.1", port.port))
        port.read_now()
        port.close()
        assert [one[0] for one in got] == [b"1", b"2"]
        assert 0.045 <= got[1][2] - got[0][2] < 0.5

    asyncio.run(scenario())
