"""Reports both ways: lips stay in sync, publishers learn their loss and their bandwidth, names stay."""

import struct

from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSrPacket

from media.forwarder import api

WALL_MINUS_MONOTONIC = 1_750_000_000.25
NTP_MINUS_UNIX_S = 2_208_988_800


def ntp_seconds(ntp: int) -> float:
    return ntp / (1 << 32)


def decode_feedback(packet: bytes) -> tuple[int, dict[int, float | None]]:
    """Read a feedback packet as draft-holmer-01 3.1 says: (its number, arrival in seconds or None by number)."""
    padding = packet[-1] if packet[0] & 0x20 else 0
    base, count, reference = struct.unpack_from("!HHI", packet, 12)
    position, statuses = 20, []
    while len(statuses) < count:
        (chunk,) = struct.unpack_from("!H", packet, position)
        position += 2
        if not chunk & 0x8000:
            statuses += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    at = (reference >> 8) * 0.064
    arrivals: dict[int, float | None] = {}
    for index, status in enumerate(statuses[:count]):
        if status:
            delta, size = (packet[position], 1) if status == 1 else (struct.unpack_from("!h", packet, position)[0], 2)
            position += size
            at += delta * 0.00025
        arrivals[(base + index) & 0xFFFF] = at if status else None
    assert position + padding == len(packet)
    return reference & 0xFF, arrivals


def test_sender_reports_keep_the_lips_in_sync(world, vp8, opus):
    publisher, subscriber = world.publisher(), world.subscriber()
    publisher.up.delay_s, publisher.up.jitter_s = 0.08, 0.15
    video = publisher.publish("video", vp8, 1, seq=1, timestamp=0xFFFF0000)
    audio = publisher.publish("audio", opus, 2, seq=1, timestamp=123)
    subscriber.subscribe(video.stream, 10, 11)
    subscriber.subscribe(audio.stream, 12, None)
    world.run(3.5)
    captured = {}
    for ssrc, track in ((10, video), (12, audio)):
        ntp, rtp, received_at = subscriber.reports[ssrc]
        wall = world.now + WALL_MINUS_MONOTONIC + NTP_MINUS_UNIX_S
        assert 0 <= wall - ntp_seconds(ntp) - (world.now - received_at) <= 0.03  # our clock at the time of sending
        packet = max(subscriber.received[ssrc].packets.items())[1]
        behind = ((packet.timestamp - rtp + (1 << 31)) % (1 << 32)) - (1 << 31)
        sent = next(number for number, p in track.sent.items() if p.timestamp == packet.timestamp)
        captured[ssrc] = ntp_seconds(ntp) + behind / track.codec.clock_rate - track.sent_at[sent]
    # Both tracks place the same instant of the publisher at the same NTP time, to 5 ms (the step of the simulation).
    assert abs(captured[10] - captured[12]) < 0.006


def test_sender_reports_count_what_was_sent_and_carry_the_publishers_name(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0, frame_packets=3)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(4.0)
    reports = [
        packet.sender_info
        for _, compound in subscriber.rtcp
        for packet in RtcpPacket.parse(compound)
        if isinstance(packet, RtcpSrPacket)
    ]
    assert 3 <= len(reports) <= 5
    counts = [report.packet_count for report in reports]
    assert counts == sorted(counts)
    assert counts[-1] <= world.sink(sink).packets <= counts[-1] + 100
    assert subscriber.cnames == {10: f"client-{publisher.number}"}


def test_the_round_trip_and_the_loss_are_read_from_receiver_reports(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    subscriber.up.delay_s = subscriber.down.delay_s = 0.06
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(2.5)
    subscriber.send_rtcp(RtcpRrPacket(1, [RtcpReceiverInfo(10, 64, -3, 0, 0, 0, 0)]))
    world.run(0.1)
    statistics = world.sink(sink)
    assert abs(statistics.rtt - 0.12) < 0.02
    assert (statistics.fraction_lost, statistics.packets_lost) == (0.25, -3)
    assert world.now - statistics.last_rr < 0.1


def test_publishers_learn_their_real_loss_jitter_and_round_trip(world, vp8):
    publisher = world.publisher()
    publisher.up.loss = 0.2
    track = publisher.publish("video", vp8, 1, seq=65400, timestamp=0, rtx_ssrc=2, frame_packets=10)
    world.run(4.0)
    blocks = [
        block
        for _, compound in publisher.rtcp
        if compound[1] == 201
        for packet in RtcpPacket.parse(compound)
        if isinstance(packet, RtcpRrPacket)
        for block in packet.reports
    ]
    assert {block.ssrc for block in blocks} == {1}
    assert 3 <= len(blocks) <= 5
    last = blocks[-1]
    assert 0.12 < last.fraction_lost / 256 < 0.28
    assert 0.12 * track.packets * 0.7 < last.packets_lost < 0.28 * track.packets
    assert 0x10000 < last.highest_sequence <= 0x10000 + track.seq  # the number wrapped once
    assert last.jitter < 2000
    assert last.lsr > 0
    assert 0 < last.dlsr < 3 * 65536
    assert world.stream(track.stream).recovered > 0.9 * world.stream(track.stream).lost - 20


def test_transport_feedback_tells_when_each_packet_came_and_which_did_not(world, vp8, opus):
    publisher = world.publisher()
    publisher.up.loss, publisher.up.jitter_s = 0.1, 0.03
    publisher.publish("video", vp8, 1, seq=1, timestamp=0, rtx_ssrc=2, frame_packets=5)
    publisher.publish("audio", opus, 3, seq=1, timestamp=0)
    world.run(3.0)
    feedback = [decode_feedback(packet) for packet in publisher.rtcp_of_type(205, 15)]
    assert 30 <= len(feedback) <= 40
    assert [number for number, _ in feedback] == list(range(len(feedback)))
    arrivals: dict[int, float | None] = {}
    for _, part in feedback:
        for seq, at in part.items():
            arrivals[seq] = at if at is not None else arrivals.get(seq)
    received = {seq: at for seq, at in arrivals.items() if at is not None}
    assert 0.84 < len(received) / len(arrivals) < 0.96
    assert len(arrivals) >= 0.95 * len(publisher.transport_sent)
    assert any(seq > 65000 for seq in received)
    assert any(seq < 1000 for seq in received)
    delays = [at - publisher.transport_sent[seq] for seq, at in received.items()]
    # Within the simulation's delays, up to the constant that the 64 ms reference cuts off (24 bits of it).
    assert max(delays) - min(delays) < 0.04


def test_no_transport_feedback_for_a_publisher_that_did_not_negotiate_it(world):
    publisher = world.publisher()
    publisher.publish("video", api.StreamCodec(96, "vp8", 90000), 1, seq=1, timestamp=0)
    publisher.up.loss = 0.1
    world.run(1.0)
    assert publisher.rtcp_of_type(205) == []
    assert publisher.plis == 0


def test_bye_stalls_a_stream_and_bye_for_all_is_the_end_of_the_peer(world, vp8, opus):
    publisher = world.publisher()
    video = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    audio = publisher.publish("audio", opus, 2, seq=1, timestamp=0)
    world.run(0.3)
    for track in (video, audio):
        track.on = False
    publisher.send_rtcp(RtcpByePacket([1]))
    world.run(0.1)
    assert world.events_of(api.StreamStalled) == [api.StreamStalled(video.stream)]
    assert world.events_of(api.PeerGone) == []
    publisher.send_rtcp(RtcpByePacket([2, 999]))
    world.run(0.1)
    assert world.events_of(api.PeerGone) == [api.PeerGone(publisher.number)]


def test_an_odd_packet_in_a_compound_costs_only_itself(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(0.5)
    extended_report = bytes.fromhex("80cf0004 00000001 04000002 0000000000000000")
    padded_feedback = bytes.fromhex("afcd0005 00000001 0000000a 0001000100000100 20010001")
    unknown = bytes.fromhex("8bd30001 00000000")
    plis = publisher.plis
    subscriber.send_rtcp(extended_report, padded_feedback, unknown, bytes.fromhex("81ce0002 00000001 0000000a"))
    subscriber.send_rtcp(bytes.fromhex("81ce0002 00000001 0000000a"), bytes.fromhex("80c90020 00000001"))
    world.run(0.2)
    assert world.sink(sink).plis_received == 2
    assert publisher.plis == plis + 1
    assert world.dropped()["malformed_rtcp"] == 1
