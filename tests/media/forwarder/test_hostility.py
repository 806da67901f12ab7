"""Garbage, forgeries, replays and strangers are dropped and counted; nothing raises and nobody else notices."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.forwarder import api

STRANGER = ("203.0.113.66", 666)


def started(world, codec):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", codec, 1, seq=1, timestamp=0, rtx_ssrc=2)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(0.5)
    return publisher, subscriber, track, sink


def test_forged_replayed_truncated_and_unknown_datagrams_are_counted_by_cause(world, vp8):
    publisher, subscriber, track, _ = started(world, vp8)
    before = world.stream(track.stream)
    valid = publisher.sent_rtp[-5]
    fresh = publisher.outbound.protect(bytes.fromhex("8060ffff0000000000000001") + b"never sent")
    flipped = fresh[:-1] + bytes((fresh[-1] ^ 1,))
    cases = [
        (valid, STRANGER, "unknown_peer"),
        (valid, publisher.address, "replayed"),
        (flipped, publisher.address, "auth_failed"),
        (valid[:11], publisher.address, "malformed"),
        (b"", publisher.address, "malformed"),
        (b"\x80", publisher.address, "malformed"),
        (b"\x80\xc8\x00", publisher.address, "malformed"),
        (b"\x16\x60" + bytes(40), publisher.address, "malformed"),
        (b"\x80\x60" + bytes(4000), publisher.address, "oversized"),
        (subscriber.outbound.protect(bytes.fromhex("8060ffff0000000000000001")), publisher.address, "auth_failed"),
    ]
    for datagram, address, cause in cases:
        counted = world.dropped()[cause]
        world.forwarder.receive(datagram, address, world.now)
        assert world.dropped()[cause] == counted + 1, (datagram[:16], cause)
    assert world.stream(track.stream) == before
    world.run(0.3)
    assert world.stream(track.stream).packets > before.packets


def test_a_peer_cannot_make_us_keep_state_for_ever_more_ssrcs(world, vp8):
    publisher, _, track, _ = started(world, vp8)
    for ssrc in range(1000, 1400):
        # A retransmission's payload type binds an SSRC to the only video; one byte is nothing that could be repaired.
        publisher.send_rtp(bytes.fromhex("8061000100000000") + ssrc.to_bytes(4, "big") + b"x")
    world.run(0.2)
    assert world.dropped()["too_many_ssrcs"] > 200
    assert world.dropped()["too_many_ssrcs"] + world.dropped()["rtx_padding"] == 400
    assert world.stream(track.stream).packets > 15


def test_packets_of_ssrcs_that_belong_to_nothing_are_dropped(world, vp8):
    publisher, _, track, _ = started(world, vp8)
    for ssrc in range(1000, 1050):
        publisher.send_rtp(bytes.fromhex("807f000100000000") + ssrc.to_bytes(4, "big") + b"x")
    world.run(0.2)
    assert world.dropped() == {"unknown_ssrc": 50}
    assert world.stream(track.stream).packets > 15


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=80), rtcp=st.booleans())
def test_no_datagram_from_anywhere_raises(world, vp8, data, rtcp):
    if not world.clients:
        started(world, vp8)
    publisher = next(iter(world.clients.values()))
    first = b"\x80\xc9" if rtcp else b"\x90\x60"
    for datagram in (data, first + data):
        for address in (publisher.address, STRANGER):
            world.forwarder.receive(datagram, address, world.now)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60), kind=st.sampled_from([200, 201, 202, 203, 205, 206, 207]), count=st.integers(0, 31))
def test_no_authentic_rtcp_raises(world, vp8, body, kind, count):
    if not world.clients:
        started(world, vp8)
    packet = bytes((0x80 | count, kind)) + ((len(body) + 3) // 4).to_bytes(2, "big") + body
    for client in list(world.clients.values()):
        sealed = client.outbound.protect_rtcp(packet + bytes(8))
        world.forwarder.receive(sealed, client.address, world.now)
        world.forwarder.tick(world.now)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.integers(0x80, 0xBF),
    payload_type=st.sampled_from([96, 97, 111, 96 | 0x80, 97 | 0x80]),
    seq=st.integers(0, 0xFFFF),
    ssrc=st.sampled_from([1, 2, 3]),
    body=st.binary(max_size=60),
)
def test_no_authentic_rtp_raises(world, vp8, first, payload_type, seq, ssrc, body):
    if not world.clients:
        started(world, vp8)
    publisher, subscriber = world.clients.values()
    packet = bytes((first, payload_type)) + seq.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big") + body
    try:
        sealed = publisher.outbound.protect(packet)
    except Exception:
        return  # libsrtp itself refuses to seal a header that is cut off
    world.forwarder.receive(sealed, publisher.address, world.now)
    world.forwarder.tick(world.now)
    for datagram, address in world.forwarder.outgoing():
        if address == subscriber.address:
            subscriber.receive(datagram)


def test_a_flood_of_garbage_leaves_the_lesson_as_it_was(world, vp8):
    publisher, subscriber, track, _ = started(world, vp8)
    noise = random.Random(7)
    for _ in range(50):
        for _ in range(20):
            garbage = bytes((noise.choice((0x80, 0x90, 0xB0)), noise.randrange(256))) + noise.randbytes(
                noise.randrange(200)
            )
            world.forwarder.receive(garbage, noise.choice((publisher.address, subscriber.address, STRANGER)), world.now)
        world.run(0.02)
    track.on = False
    world.run(0.2)
    assert subscriber.received[10].gaps() == []
    assert len(subscriber.received[10].packets) == track.packets
    assert sum(world.dropped().values()) == 1000
    assert world.events_of(api.PeerGone) == []


def test_a_publisher_that_keeps_changing_its_ssrc_cannot_make_us_start_over_each_time(world, vp8):
    publisher, *_ = started(world, vp8)
    world.run(0.5)
    for seq in range(30):
        for ssrc in (3, 4, 5):
            packet = b"\x80\x60" + seq.to_bytes(2, "big") + bytes(4) + ssrc.to_bytes(4, "big") + b"x"
            publisher.send_rtp(packet)
    world.run(0.2)
    assert len(world.events_of(api.StreamStarted)) == 2
    assert world.dropped()["extra_source"] >= 60
