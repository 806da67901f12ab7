"""A flood costs less for each packet than the lesson's own packets do, and leaves no memory behind."""

import resource
import struct
import time
from collections.abc import Callable

import pylibsrtp
import pytest

from media.forwarder import api
from media.forwarder.native.address import pack
from media.forwarder.native.commands import Commands
from media.forwarder.native.core import Core

KEYS = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
PUBLISHER, RECEIVER = ("192.0.2.1", 1), ("192.0.2.1", 2)
BATCH, BATCHES = 64, 40
Batch = list[tuple[bytes, bytes]]


@pytest.fixture
def core() -> Core:
    """A core with one picture that goes to one receiver: the cheapest lesson there is."""
    core = Core(0.0, seed=1)
    commands = Commands(core)
    codec = api.StreamCodec(96, "vp8", 90000)
    for peer, address in ((1, PUBLISHER), (2, RECEIVER)):
        commands.obey(api.AddPeer(peer, api.SrtpProfile.AEAD_AES_128_GCM, *KEYS, cname="c"), 0)
        commands.obey(api.SetPeerAddress(peer, address), 0)
    commands.obey(api.AddStream(1, 1, "video", "0", (codec,), api.ExtensionIds(mid=1), (1,)), 0)
    commands.obey(api.AddSink(1, 1, 2, 10, None, {"vp8": (96, None)}, api.ExtensionIds(), "0"), 0)
    return core


def sealed(count: int, ssrc: int = 1, payload_type: int = 96) -> list[bytes]:
    """Packets of the publisher, each of 1,000 bytes."""
    profile = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    session = pylibsrtp.Session(
        pylibsrtp.Policy(KEYS[2] + KEYS[3], pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
    )
    headers = (struct.pack("!BBHII", 0x80, payload_type, seq & 0xFFFF, 0, ssrc) for seq in range(count))
    return [session.protect(header + b"\x10" + bytes(999)) for header in headers]


def batches_of(datagrams: list[bytes], address: Callable[[int], api.Address]) -> list[Batch]:
    """Batches as they would come from the socket."""
    pairs = [(datagram, pack(address(number))) for number, datagram in enumerate(datagrams)]
    return [pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH)]


def microseconds(core: Core, batches: list[Batch], begin_us: int = 1) -> float:
    """Processor time of the cheaper half of the batches, for each packet."""
    spent = []
    for number, batch in enumerate(batches):
        began = time.process_time_ns()
        core.receive(batch, begin_us + number)
        spent.append((time.process_time_ns() - began) / 1000 / len(batch))
        core.take_outgoing()
    return sorted(spent)[len(spent) // 4]


def stranger(number: int) -> api.Address:
    return (f"198.51.{number // 250 % 250}.{number % 250 + 1}", 1 + number % 60000)


def test_every_flood_costs_less_than_what_it_floods(core):
    genuine = sealed(BATCH * BATCHES)
    valid_us = microseconds(core, batches_of(genuine, lambda _: PUBLISHER))
    assert not any(core.read_drops().values())
    forged = [
        datagram[:2] + struct.pack("!H", (seq + 5000) & 0xFFFF) + datagram[4:] for seq, datagram in enumerate(genuine)
    ]
    floods = {
        "unknown_peer": batches_of(genuine, stranger),
        "replayed": batches_of(genuine[-960:] * 2, lambda _: PUBLISHER),
        "auth_failed": batches_of(forged, lambda _: PUBLISHER),
        "unknown_ssrc": batches_of(sealed(BATCH * BATCHES, 99, payload_type=127), lambda _: PUBLISHER),
        "malformed": batches_of([b"\x9f\x60" + bytes(40)] * BATCH * BATCHES, lambda _: PUBLISHER),
        "oversized": batches_of([b"\x80\x60" + bytes(3000)] * BATCH * BATCHES, lambda _: PUBLISHER),
    }
    for cause, batches in floods.items():
        assert microseconds(core, batches) < valid_us, cause
        assert core.read_drops()[cause] == sum(map(len, batches)), cause


def test_a_flood_leaves_no_memory_behind(core):
    core.receive(batches_of(sealed(20), lambda _: PUBLISHER)[0], 1)
    core.take_outgoing()
    genuine = sealed(400, 7, payload_type=127)
    before_kib = 0
    for turn in range(40):
        for batch in batches_of(genuine, lambda number, turn=turn: stranger(turn * 400 + number)):
            core.receive(batch, 2)
        for batch in batches_of(genuine, lambda _: PUBLISHER):
            core.receive(batch, 2)
        if turn == 5:
            before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 1024
    assert core.take_outgoing() == []
