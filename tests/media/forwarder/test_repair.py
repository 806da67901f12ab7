"""Loss on both legs: what is asked for again, what is sent again, and where the repairs stop."""

import itertools

import pytest
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket, RtpPacket, wrap_rtx

from media.forwarder import api
from media.forwarder.native.forwarder import NativeForwarder


def test_loss_on_both_legs_of_a_video_is_repaired_by_retransmission(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    for link in (publisher.up, publisher.down, subscriber.up, subscriber.down):
        link.loss, link.jitter_s, link.duplicate = 0.05, 0.01, 0.02
    track = publisher.publish("video", vp8, 1, seq=65000, timestamp=0, rtx_ssrc=2, frame_packets=4)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(6.0)
    track.on = False
    world.run(1.5)
    received = subscriber.received[10]
    assert len(received.gaps()) <= 0.002 * len(received.packets)
    assert len(received.packets) >= 0.99 * 6 * 120
    by_payload = {packet.payload for packet in track.sent.values()}
    assert all(packet.payload in by_payload for packet in received.packets.values())
    stream, out = world.stream(track.stream), world.sink(sink)
    assert stream.lost > 20
    assert stream.recovered >= 0.95 * stream.lost
    assert out.resent > 20
    assert out.nacks_received > out.resent
    numbers = subscriber.rtx_seqs[11]
    assert len(set(numbers)) == len(numbers)


def test_retransmissions_bind_by_mid_when_no_ssrc_was_declared(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.up.loss = 0.1
    other = publisher.publish("video", vp8, 5, seq=1, timestamp=0, rtx_ssrc=6, declared=False)
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0, rtx_ssrc=2, declared=False, frame_packets=2)
    subscriber.subscribe(track.stream, 10, 11)
    world.run(2.0)
    for stream in (track, other):
        stream.on = False
    world.run(1.5)
    assert subscriber.received[10].gaps() == []
    assert world.stream(track.stream).recovered > 3
    assert world.stream(other.stream).recovered > 1


def test_lost_sound_is_sent_again_byte_for_byte(world, opus):
    publisher, subscriber = world.publisher(), world.subscriber()
    for link in (publisher.up, subscriber.down):
        link.loss = 0.08
    seen: dict[bytes, bytes] = {}

    def remember(datagram: bytes) -> bool:
        # One nonce (SSRC and number), one ciphertext: anything else would break GCM.
        if datagram[1] & 0x7F == 109:
            assert seen.setdefault(datagram[2:12], datagram) == datagram
        return False

    subscriber.down.drop_if = remember
    track = publisher.publish("audio", opus, 1, seq=100, timestamp=0)
    sink = subscriber.subscribe(track.stream, 10, None)
    world.run(5.0)
    track.on = False
    world.run(1.0)
    received = subscriber.received[10]
    assert len(received.gaps()) <= 2
    assert world.sink(sink).resent > 5
    assert len(seen) >= 240


def test_repeated_sound_survives_what_is_lost_without_being_asked_for(world, opus):
    if not isinstance(world.forwarder, NativeForwarder):
        pytest.skip("the plain twin does not repeat")
    publisher, subscriber = world.publisher(), world.subscriber()
    subscriber.nack = False
    subscriber.down.loss = 0.15
    track = publisher.publish("audio", opus, 1, seq=100, timestamp=0)
    sink = subscriber.subscribe(track.stream, 10, None)
    world.run(4.0)
    alone = len(subscriber.received[10].gaps())
    assert alone > 15
    world.command(api.SetSinkRepeat(sink, True))
    world.run(4.0)
    assert len(subscriber.received[10].gaps()) - alone < 15
    repeats = subscriber.received[10].repeats
    assert repeats > 100
    world.command(api.SetSinkRepeat(sink, False))
    world.run(1.0)
    assert subscriber.received[10].repeats - repeats <= 2


def test_a_very_late_packet_does_not_change_as_what_a_newer_one_is_sent_again(world, opus):
    publisher, subscriber = world.publisher(), world.subscriber()
    subscriber.nack = False
    seen: dict[bytes, set[bytes]] = {}
    subscriber.down.drop_if = lambda datagram: bool(
        datagram[1] & 0x7F == 109 and seen.setdefault(datagram[2:4], set()).add(datagram)
    )
    track = publisher.publish("audio", opus, 1, seq=100, timestamp=0)
    subscriber.subscribe(track.stream, 10, None)
    world.run(0.2)
    publisher.down.loss, held, late = 1.0, [], track.seq
    publisher.up.drop_if = lambda datagram: (
        datagram[2:4] == late.to_bytes(2, "big") and not held and not held.append(datagram)
    )
    first_out = min(subscriber.received[10].packets) - 100
    while track.seq <= late + 70:
        world.run(0.02)
    publisher.up.drop_if = None
    world.forwarder.receive(held[0], publisher.address, world.now)
    world.drain()
    newer = [first_out + late + ahead for ahead in range(58, 69)]
    subscriber.send_rtcp(RtcpRtpfbPacket(1, 1, 10, lost=newer))
    world.run(0.1)
    assert {len(datagrams) for datagrams in seen.values()} == {1}
    assert subscriber.received[10].repeats >= 5


def test_missing_packets_are_asked_for_again_with_patience_and_then_given_up(world, vp8):
    publisher = world.publisher()
    track = publisher.publish("video", vp8, 1, seq=65533, timestamp=0, rtx_ssrc=2, frame_packets=3)
    world.run(0.5)
    lost = track.seq
    publisher.up.drop_if = lambda datagram: (
        ((int.from_bytes(datagram[2:4], "big") == lost or datagram[1] & 0x7F == 97) and datagram[1] < 192)
        or (datagram[1] >= 224 and datagram[1] & 0x7F == 97)
    )
    world.run(3.0)
    asked = [
        (at, seq)
        for at, compound in publisher.rtcp
        if compound[1] == 205 and compound[0] & 31 == 1
        for packet in RtcpPacket.parse(compound)
        if isinstance(packet, RtcpRtpfbPacket)
        for seq in packet.lost
    ]
    assert {seq for _, seq in asked} == {lost}
    times = [at for at, _ in asked]
    assert len(times) == 10
    assert all(0.05 <= later - earlier <= 0.25 for earlier, later in itertools.pairwise(times))
    assert publisher.plis == 1  # given up: only a key frame helps now
    assert world.stream(track.stream).nacks_sent == 10


def test_a_receiver_is_not_sent_again_what_is_still_missing_here(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0, rtx_ssrc=2)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(0.5)
    publisher.up.drop_if = lambda datagram, lost=track.seq: int.from_bytes(datagram[2:4], "big") == lost
    publisher.down.loss = 1.0
    world.run(0.5)
    assert world.sink(sink).nacks_received >= 5
    assert world.sink(sink).resent == 0
    publisher.down.loss = 0.0
    world.run(0.5)
    assert subscriber.received[10].gaps() == []


def test_a_nack_storm_is_answered_at_most_eight_times_a_packet_and_within_the_budget(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0, frame_packets=8)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(2.0)
    track.on = False
    world.run(0.2)
    sent_bytes = world.sink(sink).bytes
    wanted = sorted(subscriber.received[10].packets)[-200:]
    for _ in range(100):
        subscriber.send_rtcp(RtcpRtpfbPacket(1, 1, 10, lost=wanted))
        world.run(0.01)
    resent = world.sink(sink).resent
    assert 200 <= resent <= 8 * len(wanted)
    assert resent * 40 <= 60_000 + 0.25 * sent_bytes


def test_padding_probes_by_retransmission_are_dropped_but_reported_for_bandwidth(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=100, timestamp=0, rtx_ssrc=2)
    subscriber.subscribe(track.stream, 10, 11)
    world.run(0.5)
    for seq in sorted(track.sent)[-5:]:  # Chromium probes by sending old packets again
        rtx = wrap_rtx(track.sent[seq], 97, track.rtx_seq, 2)
        track.rtx_seq += 1
        publisher.transmit(rtx)
    empty = RtpPacket(97, 0, track.rtx_seq, 0, 2, b"")
    empty.padding_size = 255
    publisher.transmit(empty)
    probes = publisher.transport_seq
    world.run(0.5)
    assert subscriber.received[10].repeats == 0
    assert world.dropped()["redundant_rtx"] == 5
    assert world.dropped()["rtx_padding"] == 1
    feedback = publisher.rtcp_of_type(205, 15)
    bases = [int.from_bytes(packet[12:14], "big") for packet in feedback]
    counts = [int.from_bytes(packet[14:16], "big") for packet in feedback]
    assert any((probes - base) & 0xFFFF < count for base, count in zip(bases, counts, strict=True))


def test_wishes_for_a_key_frame_are_merged_and_limited(world, vp8):
    publisher = world.publisher()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    world.run(0.5)
    subscribers = [world.subscriber() for _ in range(5)]
    sinks = [subscriber.subscribe(track.stream, 10, 11) for subscriber in subscribers]
    world.run(0.2)
    assert (publisher.plis, track.keyframes) == (1, 2)
    publisher.down.loss = 1.0
    before = world.stream(track.stream).plis_sent
    for _ in range(60):
        for subscriber in subscribers:
            subscriber.send_rtcp(RtcpPsfbPacket(1, 1, 10))
        world.run(0.05)
    assert 8 <= world.stream(track.stream).plis_sent - before <= 11
    assert world.sink(sinks[0]).plis_received > 50


def test_a_lost_request_for_a_key_frame_is_repeated_until_one_comes(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    world.run(0.5)
    publisher.down.loss = 1.0
    subscriber.subscribe(track.stream, 10, 11)
    world.run(0.5)
    publisher.down.loss = 0.0
    world.run(1.0)
    assert (publisher.plis, track.keyframes) == (1, 2)
    world.run(3.0)
    assert publisher.plis == 1


def test_a_full_intra_request_counts_like_a_picture_loss(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(1.0)
    plis = publisher.plis
    fir = bytes.fromhex("84ce0004 00000001 00000000 0000000a 01000000")
    subscriber.send_rtcp(fir)
    world.run(0.3)
    assert publisher.plis == plis + 1
    assert world.sink(sink).plis_received == 1


def test_the_recorders_tap_asks_for_a_key_frame(world, vp8):
    publisher = world.publisher()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    world.run(0.5)
    world.command(api.SetTap(track.stream, True))
    world.run(0.2)
    assert publisher.plis == 1
    assert track.keyframes == 2


def test_what_was_not_sent_to_a_receiver_is_not_resent_to_it(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(0.5)
    world.command(api.SetSinkActive(sink, False))
    world.run(0.5)
    world.command(api.SetSinkActive(sink, True))
    last = max(subscriber.received[10].packets)
    subscriber.send_rtcp(RtcpRtpfbPacket(1, 1, 10, lost=[last + 3, last + 9]))
    track.on = False
    world.run(0.1)
    assert world.sink(sink).nacks_received == 2
    assert world.sink(sink).resent == 0


def test_a_paused_receiver_gets_no_key_frame(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    sink = subscriber.subscribe(track.stream, 10, 11, active=False)
    world.run(0.5)
    subscriber.send_rtcp(RtcpPsfbPacket(1, 1, 10))
    world.run(0.5)
    assert publisher.plis == 0
    assert world.sink(sink).plis_received == 1
    world.command(api.SetSinkActive(sink, True))
    world.run(0.2)
    assert publisher.plis == 1


def test_a_key_frame_from_before_the_wish_does_not_fulfil_it(world, vp8):
    publisher = world.publisher()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0, rtx_ssrc=2, frame_packets=2)
    publisher.up.drop_if = lambda datagram: datagram[2:4] == b"\x00\x03" and datagram[1] & 0x7F == 96
    world.run(0.02)
    track.keyframe_wanted = True  # its first packet, number 3, is lost and comes by retransmission
    publisher.up.delay_s = publisher.down.delay_s = 0.06
    world.run(0.13)
    world.command(api.RequestKeyframe(track.stream))
    before = world.stream(track.stream).recovered
    publisher.down.drop_if = lambda datagram: True  # our request is lost
    world.run(0.3)
    assert world.stream(track.stream).recovered == before + 1
    publisher.down.drop_if = None
    world.run(1.2)
    assert publisher.plis == 1


def test_a_packet_repaired_hundreds_of_packets_late_still_reaches_the_receiver(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0, frame_packets=20)
    subscriber.subscribe(track.stream, 10, 11)
    world.run(0.5)
    subscriber.nack = False
    held = []
    lost = (track.seq + 5).to_bytes(2, "big")
    publisher.up.drop_if = lambda datagram: datagram[2:4] == lost and not held and not held.append(datagram)
    publisher.down.loss = 1.0
    world.run(1.0)
    world.forwarder.receive(held[0], publisher.address, world.now)
    world.drain()
    track.on = False
    world.run(0.2)
    assert world.stream(track.stream).recovered == 1
    assert subscriber.received[10].gaps() == []
