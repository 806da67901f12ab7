"""Whole lessons' worth of packets through the forwarder: who gets what, under which numbers, and when."""

import pytest

from media.forwarder import api


def bodies(packets):
    """Return payloads in the order of sequence numbers (no wrap within a test)."""
    return [packets[number].payload for number in sorted(packets)]


@pytest.mark.parametrize("profile", list(api.SrtpProfile))
def test_every_packet_arrives_once_under_the_receivers_own_numbers(world, vp8, profile):
    publisher, subscriber = world.publisher(profile), world.subscriber(profile)
    track = publisher.publish("video", vp8, 0x1111, seq=65530, timestamp=0xFFFFFF00, frame_packets=3)
    sink = subscriber.subscribe(track.stream, 0xAAAA, 0xBBBB)
    world.run(2.0)
    track.on = False
    world.run(0.1)
    received = subscriber.received[0xAAAA]
    sent = list(track.sent.values())
    assert len(received.packets) > 170
    assert bodies(received.packets) == [packet.payload for packet in sent]
    assert received.gaps() == []
    assert {packet.payload_type for packet in received.packets.values()} == {120}
    assert {packet.extensions.mid for packet in received.packets.values()} == {"m"}
    assert [p.timestamp for p in received.packets.values()] == [p.timestamp for p in sent]
    assert [p.marker for p in received.packets.values()] == [p.marker for p in sent]
    assert world.sink(sink).packets == len(received.packets)
    assert world.stream(track.stream).packets == len(received.packets)
    assert world.dropped() == {}


def test_a_codec_change_keeps_the_numbers_going_and_leaves_out_what_a_receiver_cannot_decode(world, vp8, h264):
    publisher = world.publisher()
    track = publisher.publish("video", (vp8, h264), 1, seq=1, timestamp=0)
    both, one = world.subscriber(), world.subscriber()
    both.subscribe(track.stream, 10, 11)
    one.subscribe(track.stream, 10, 11, payload_types={"vp8": (120, 121)})
    for codec in (vp8, h264, vp8):
        track.codec = codec
        world.run(0.5)
    track.on = False
    world.run(0.1)
    types = [packet.payload_type for packet in both.received[10].packets.values()]
    assert sorted(set(types)) == [120, 122]
    assert len(types) == track.frames
    assert {packet.payload_type for packet in one.received[10].packets.values()} == {120}
    assert both.received[10].gaps() == one.received[10].gaps() == []
    assert [event.codec for event in world.events_of(api.StreamStarted)] == ["vp8", "h264", "vp8"]


def test_a_stream_goes_to_all_its_sinks_and_to_nobody_else(world, vp8, opus):
    publisher = world.publisher()
    video = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    audio = publisher.publish("audio", opus, 2, seq=1, timestamp=0)
    both, sound, nobody = world.subscriber(), world.subscriber(), world.subscriber()
    both.subscribe(video.stream, 10, 11)
    both.subscribe(audio.stream, 12, None)
    sound.subscribe(audio.stream, 12, None)
    world.run(1.0)
    assert len(both.received[10].packets) >= 28
    assert len(both.received[12].packets) == len(sound.received[12].packets) >= 48
    assert nobody.received == {}


def test_audio_level_is_passed_on_and_transport_numbers_are_the_receivers_own(world, opus):
    publisher, subscriber = world.publisher(), world.subscriber()
    first = publisher.publish("audio", opus, 1, seq=1, timestamp=0)
    second = publisher.publish("audio", opus, 2, seq=1, timestamp=0)
    subscriber.subscribe(first.stream, 10, None)
    subscriber.subscribe(second.stream, 11, None)
    world.run(0.5)
    packets = [p for ssrc in (10, 11) for p in subscriber.received[ssrc].packets.values()]
    assert {packet.extensions.audio_level for packet in packets} == {(True, 30)}
    numbers = sorted(packet.extensions.transport_sequence_number for packet in packets)
    assert numbers == list(range(1, len(packets) + 1))


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("use_mid", [True, False])
def test_streams_bind_by_declared_ssrc_or_mid_or_payload_type(world, vp8, opus, declared, use_mid):
    publisher, subscriber = world.publisher(use_mid=use_mid), world.subscriber()
    video = publisher.publish("video", vp8, 1, seq=1, timestamp=0, declared=declared)
    audio = publisher.publish("audio", opus, 2, seq=1, timestamp=0, declared=declared)
    subscriber.subscribe(video.stream, 10, 11)
    subscriber.subscribe(audio.stream, 12, None)
    world.run(0.5)
    assert len(subscriber.received[10].packets) >= 13
    assert len(subscriber.received[12].packets) >= 22
    started = {event.stream: event for event in world.events_of(api.StreamStarted)}
    assert started[video.stream] == api.StreamStarted(video.stream, 1, "vp8", 96)
    assert started[audio.stream] == api.StreamStarted(audio.stream, 2, "opus", 111)


def test_two_cameras_of_one_payload_type_without_mid_or_ssrc_are_not_guessed(world, vp8):
    publisher = world.publisher(use_mid=False)
    for ssrc in (1, 2):
        publisher.publish("video", vp8, ssrc, seq=1, timestamp=0, declared=False)
    world.run(0.3)
    assert world.events == []
    assert world.dropped()["unknown_ssrc"] >= 14


def test_a_paused_sink_gets_nothing_and_goes_on_without_a_gap(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    subscriber.nack = False  # or what was left out would come by retransmission and hide a gap
    track = publisher.publish("video", vp8, 1, seq=100, timestamp=0, frame_packets=2)
    sink = subscriber.subscribe(track.stream, 10, 11)
    world.run(1.0)
    before = len(subscriber.received[10].packets)
    keyframes = track.keyframes
    world.command(api.SetSinkActive(sink, False))
    world.run(1.0)
    assert len(subscriber.received[10].packets) <= before + 4
    world.command(api.SetSinkActive(sink, True))
    world.run(1.0)
    assert len(subscriber.received[10].packets) > before + 50
    assert subscriber.received[10].gaps() == []
    assert track.keyframes == keyframes + 1


def test_sinks_come_and_go_and_a_reused_ssrc_never_repeats_a_number(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=100, timestamp=0)
    for _ in range(4):
        sink = subscriber.subscribe(track.stream, 10, 11)
        world.run(0.5)
        world.command(api.RemoveSink(sink))
        world.run(0.2)
    received = subscriber.received[10]
    assert len(received.packets) >= 50
    assert received.repeats == 0
    assert received.gaps() == []
    assert subscriber.byes == [10] * 4
    assert sink not in world.forwarder.statistics().sinks


def test_a_removed_publisher_takes_its_streams_and_sinks_along(world, vp8, opus):
    publisher, subscriber = world.publisher(), world.subscriber()
    for codec, kind in ((vp8, "video"), (opus, "audio")):
        track = publisher.publish(kind, codec, codec.payload_type, seq=1, timestamp=0)
        subscriber.subscribe(track.stream, 10 + codec.payload_type, None)
    world.run(0.3)
    world.command(api.RemovePeer(publisher.number))
    world.command(api.RemovePeer(publisher.number))
    statistics = world.forwarder.statistics()
    assert (statistics.streams, statistics.sinks) == ({}, {})
    world.run(0.3)
    assert sorted(subscriber.byes) == [106, 121]
    assert world.dropped()["unknown_peer"] > 10


def test_padding_only_packets_are_not_forwarded_and_leave_no_gap(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=100, timestamp=0)
    subscriber.subscribe(track.stream, 10, 11)
    for _ in range(20):
        world.run(0.05)
        for _ in range(3):
            publisher.send_packet(track, b"", padding=200)
    track.on = False
    world.run(0.2)
    received = subscriber.received[10]
    assert all(packet.payload and not packet.padding_size for packet in received.packets.values())
    assert received.gaps() == []
    assert len(received.packets) == track.frames


def test_a_publisher_that_changes_its_ssrc_goes_on_without_a_gap_in_numbers_or_time(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=100, timestamp=5000)
    subscriber.subscribe(track.stream, 10, 11)
    world.run(1.0)
    publisher.tracks[2] = publisher.tracks.pop(1)
    track.ssrc, track.seq, track.timestamp, track.keyframe_wanted = 2, 60000, 3_000_000_000, True
    world.run(1.0)
    received = subscriber.received[10]
    assert received.gaps() == []
    assert len(received.packets) >= 58
    steps = [
        b.timestamp - a.timestamp
        for a, b in zip(list(received.packets.values()), list(received.packets.values())[1:], strict=False)
    ]
    assert min(steps) > 0
    assert max(steps) < 90000 * 0.1
    assert [event.ssrc for event in world.events_of(api.StreamStarted)] == [1, 2]


def test_a_publisher_that_moves_to_another_address_is_followed_and_the_old_one_forgotten(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    subscriber.subscribe(track.stream, 10, 11)
    world.run(0.3)
    old, publisher.address = publisher.address, ("198.51.100.9", 4000)
    world.clients[publisher.address] = world.clients.pop(old)
    world.run(0.3)
    stuck = len(subscriber.received[10].packets)
    assert world.dropped()["unknown_peer"] >= 8
    world.command(api.SetPeerAddress(publisher.number, publisher.address))
    world.run(0.3)
    assert len(subscriber.received[10].packets) >= stuck + 8


def test_a_peer_may_send_from_several_addresses_until_it_settles_on_one(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    subscriber.subscribe(track.stream, 10, 11)
    home = publisher.address
    for number in range(1, 18):
        world.command(api.AddPeerAddress(publisher.number, ("198.51.100.9", number)))
    publisher.address = ("198.51.100.9", 7)
    world.run(0.3)
    assert len(subscriber.received[10].packets) >= 8
    publisher.address = ("198.51.100.9", 16)  # one too many
    world.run(0.3)
    strangers = world.dropped()["unknown_peer"]
    assert strangers >= 8
    world.command(api.SetPeerAddress(publisher.number, home))
    publisher.address = ("198.51.100.9", 7)
    world.run(0.3)
    assert world.dropped()["unknown_peer"] >= strangers + 8
    publisher.address = home
    received = len(subscriber.received[10].packets)
    world.run(0.3)
    assert len(subscriber.received[10].packets) >= received + 8


def test_silence_is_reported_after_two_seconds_and_its_end_at_once(world, vp8):
    publisher = world.publisher()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    world.run(0.5)
    track.on = False
    world.run(1.9)
    assert world.events_of(api.StreamStalled) == []
    world.run(0.3)
    assert world.events_of(api.StreamStalled) == [api.StreamStalled(track.stream)]
    world.run(3.0)
    assert len(world.events_of(api.StreamStalled)) == 1
    track.on, track.next_at = True, world.now
    world.run(0.1)
    assert world.events_of(api.StreamResumed) == [api.StreamResumed(track.stream)]


def test_the_tap_hears_every_packet_once_as_it_was_sent_and_the_reports(world, vp8):
    publisher = world.publisher()
    publisher.up.loss, publisher.up.duplicate, publisher.up.jitter_s = 0.05, 0.05, 0.02
    track = publisher.publish("video", vp8, 0x77, seq=65000, timestamp=0, rtx_ssrc=0x78, frame_packets=3)
    world.command(api.SetTap(track.stream, True))
    world.run(3.0)
    track.on = False
    world.run(1.0)
    world.command(api.SetTap(track.stream, False))
    track.on = True
    world.run(0.2)
    tapped = [event.packet for event in world.events_of(api.Tapped)]
    sent = {packet.sequence_number: packet for packet in track.sent.values()}
    numbers = [int.from_bytes(packet[2:4], "big") for packet in tapped]
    assert len(set(numbers)) == len(numbers)
    assert len(numbers) >= 0.99 * 3 * 90
    for number, raw in zip(numbers, tapped, strict=True):
        original = sent[number]
        assert raw.endswith(original.payload)
        assert (raw[1] & 0x7F, raw[1] >> 7) == (96, original.marker)
        assert int.from_bytes(raw[4:8], "big") == original.timestamp
        assert int.from_bytes(raw[8:12], "big") == 0x77
    assert world.stream(track.stream).recovered > 5
    reports = world.events_of(api.TappedReport)
    assert len(reports) >= 2
    assert {report.stream for report in reports} == {track.stream}


def test_a_command_that_makes_no_sense_is_refused_and_changes_nothing(world, vp8):
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    subscriber.subscribe(track.stream, 10, 11)
    good = api.AddSink(99, track.stream, subscriber.number, 20, 21, {"vp8": (120, 121)}, api.ExtensionIds(), "m")
    before = world.forwarder.statistics()
    nonsense = [
        publisher.add_peer,
        api.AddPeer(77, api.SrtpProfile.AEAD_AES_256_GCM, bytes(16), bytes(12), bytes(16), bytes(12), "c"),
        api.SetPeerAddress(77, ("192.0.2.9", 1)),
        api.AddStream(78, 77, "video", "0", (vp8,), api.ExtensionIds()),
        api.AddStream(track.stream, publisher.number, "video", "0", (vp8,), api.ExtensionIds()),
        api.AddStream(78, publisher.number, "video", "0", (), api.ExtensionIds()),
        *(
            api.AddSink(**{**vars(good), **change})
            for change in (
                {"stream": 77},
                {"peer": 77},
                {"ssrc": 10},
                {"rtx_ssrc": 10},
                {"rtx_ssrc": 20},
                {"ssrc": 1 << 32},
                {"payload_types": {"vp8": (128, None)}},
                {"extensions": api.ExtensionIds(mid=0)},
                {"mid": "m" * 256},
            )
        ),
    ]
    for command in nonsense:
        with pytest.raises(api.CommandError):
            world.command(command)
    assert world.forwarder.statistics() == before
    world.command(good)


def test_commands_about_what_is_gone_are_ignored(world):
    for command in (
        api.RemovePeer(1),
        api.RemoveStream(1),
        api.RemoveSink(1),
        api.SetSinkActive(1, True),
        api.RequestKeyframe(1),
        api.SetTap(1, True),
    ):
        world.command(command)
    assert world.events == []


def test_a_peer_may_receive_its_own_stream_and_be_removed(world, vp8):
    publisher = world.publisher()
    track = publisher.publish("video", vp8, 1, seq=1, timestamp=0)
    world.command(api.AddSink(50, track.stream, publisher.number, 10, 11, {"vp8": (96, 97)}, api.ExtensionIds(), "0"))
    world.command(api.RemovePeer(publisher.number))
    assert world.forwarder.statistics().sinks == {}
