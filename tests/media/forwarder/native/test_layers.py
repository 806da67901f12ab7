"""Simulcast: layers change at key frames and the receiver sees one unbroken stream."""

import itertools
import random

import pytest
from aiortc.rtp import RtcpPacket, RtcpSdesPacket
from forwarder_oracle.layers import LayerModel
from forwarder_oracle.rtp import write_extensions, write_rtp
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forwarder import api
from media.forwarder.native.address import pack

CAMERA = pack(("192.0.2.1", 1))
CAMERA_IDS = api.ExtensionIds(mid=4, rid=10, repaired_rid=11, transport_cc=3)
TEMPORAL_PATTERN = ((0, False), (2, True), (1, True), (2, False))


def test_a_sink_begins_with_a_key_frame_of_the_lowest_layer_sent(stage):
    stage.publish()
    assert stage.frame(2) == []
    stage.wait(0.05)
    assert set(stage.plis()) == {102}
    assert stage.frame(0) == []
    stage.wait(0.4)
    assert 100 in stage.plis()
    assert len(stage.frame(2, key=True)) == 0
    assert len(stage.frame(0, key=True)) == 2
    assert stage.events_of(api.LayerStarted) == [api.LayerStarted(1, 2), api.LayerStarted(1, 0)]
    assert stage.events_of(api.LayerSwitched) == [api.LayerSwitched(1, 0, None)]
    assert [event.ssrc for event in stage.events_of(api.StreamStarted)] == [102]


def test_a_layer_changes_at_its_key_frame_and_the_old_one_goes_on_until_then(stage):
    stage.publish()
    stage.frame(1)
    first = stage.frame(0, key=True)
    stage.wait(0.4)
    stage.plis()
    stage.obey(api.SetSinkLayer(1, 1))
    stage.wait(0.02)
    assert stage.plis() == [101]
    between = stage.frame(0)
    assert stage.frame(1) == []
    switched = stage.frame(1, key=True)
    assert stage.frame(0) == []
    after = stage.frame(1)
    sent = first + between + switched + after
    assert [packet.seq - sent[0].seq for packet in sent] == list(range(8))
    assert [packet.payload[-6] for packet in sent] == [0] * 4 + [1] * 4
    assert [number_of_picture(packet) - number_of_picture(sent[0]) for packet in sent] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert stage.core.statistics().sinks[1].layer == 1


def number_of_picture(packet):
    return int.from_bytes(packet.payload[2:4]) & 0x7FFF


def test_a_layer_that_ends_is_replaced_by_the_next_lower_one_and_taken_again_when_it_is_back(stage):
    stage.publish()
    stage.obey(api.SetSinkLayer(1, 2))
    for layer in (2, 1, 0):
        stage.frame(layer, key=True)
    stage.plis()
    for _ in range(20):
        stage.wait(0.03)
        stage.frame(1)
        stage.frame(0)
    stage.wait(0.02)
    assert stage.events_of(api.LayerStalled) == [api.LayerStalled(1, 2)]
    assert 101 in stage.plis()
    assert len(stage.frame(1, key=True)) == 2
    stage.frame(2)
    assert len(stage.frame(1)) == 2
    assert len(stage.frame(2, key=True)) == 2
    assert [event.layer for event in stage.events_of(api.LayerSwitched)] == [2, 1, 2]
    assert not stage.events_of(api.StreamStalled)


def test_a_stream_stalls_when_its_last_layer_does(stage):
    stage.publish()
    stage.frame(0, key=True)
    stage.wait(2.2)
    assert stage.events_of(api.LayerStalled) == [api.LayerStalled(1, 0)]
    assert stage.events_of(api.StreamStalled) == [api.StreamStalled(1)]
    stage.frame(1)
    assert stage.events_of(api.StreamResumed) == [api.StreamResumed(1)]


def test_a_paused_sink_goes_on_with_a_key_frame(stage):
    stage.publish()
    stage.frame(0, key=True)
    stage.obey(api.SetSinkActive(1, False))
    assert stage.frame(0) == []
    stage.obey(api.SetSinkActive(1, True))
    assert stage.frame(0) == []
    sent = stage.frame(0, key=True)
    assert len(sent) == 2
    assert len(stage.frame(0)) == 2


def test_lower_frame_rates_leave_no_gap_and_rise_at_frames_that_allow_it(stage):
    stage.publish()
    sent = stage.frame(0, key=True)
    stage.obey(api.SetSinkLayer(1, 0, 0))
    pattern = [(0, False), (2, True), (1, True), (2, False)] * 3
    for tid, sync in pattern:
        sent += stage.frame(0, tid=tid, sync=sync)
    assert len(sent) == 2 + 3 * 2
    stage.obey(api.SetSinkLayer(1, 0, None))
    for tid, sync in [(2, False), (1, False), (0, False), (2, True), (1, True), (2, False), (0, False), (2, True)]:
        sent += stage.frame(0, tid=tid, sync=sync)
    tids = [packet.payload[5] >> 6 for packet in sent[::2]]
    assert tids == [0, 0, 0, 0, 0, 1, 0, 2]
    assert [packet.seq - sent[0].seq for packet in sent] == list(range(16))
    assert [number_of_picture(p) for p in sent[::2]] == [(number_of_picture(sent[0]) + n) & 0x7FFF for n in range(8)]


def test_an_h264_layer_begins_with_its_parameters(make_stage):
    stage = make_stage()
    h264 = api.StreamCodec(96, "h264", 90000, 97, nack=True, pli=True)
    stage.publish(codec=h264)
    layer = stage.layers[0]

    def give(payload: bytes) -> int:
        return len(stage.give(layer.packet(stage.now, payload, False)[1]))

    assert give(b"\x41delta") == 0
    stage.now += 0.033
    lost_parameters = layer.packet(stage.now, b"\x67sps", False)
    assert give(b"\x7c\x85idr") == 0  # FU-A: its parameters came not yet
    assert give(b"\x7c\x05idr") == 0
    assert len(stage.give(lost_parameters[1])) == 3
    assert give(b"\x7c\x45idr") == 1


def test_h264_layers_change_between_access_units_never_within_one(make_stage):
    stage = make_stage()
    stage.publish(codec=api.StreamCodec(96, "h264", 90000, 97, nack=True, pli=True))
    low, high = stage.layers[0], stage.layers[1]

    def give(layer, *units: bytes) -> list:
        """Units of one picture, each a packet."""
        return [one for unit in units for one in stage.give(layer.packet(stage.now, unit, unit == units[-1])[1])]

    parameters = b"\x78\0\x02\x09\xf0\0\x04\x67sps\0\x04\x68pps"  # STAP-A: access unit delimiter, SPS, PPS
    first = give(low, parameters, b"\x65one", b"\x65two")
    assert len(first) == 3
    stage.now += 0.033
    before = give(low, b"\x41delta") + give(high, b"\x41delta")
    assert len(before) == 1
    # The choice comes in the midst of a key frame of several slices: the rest of it is of no use.
    stage.now += 0.033
    give(high, parameters, b"\x65one")
    stage.obey(api.SetSinkLayer(1, 1))
    assert give(high, b"\x65two", b"\x7c\x85three", b"\x7c\x45three") == []
    begun = give(low, b"\x41begun")
    stage.now += 0.033
    # A picture without parameters in it begins at its first slice.
    switched = give(high, b"\x65one", b"\x65two")
    assert give(low, b"\x41end") == []
    assert [packet.payload for packet in begun + switched] == [b"\x41begun", b"\x65one", b"\x65two"]
    sent = first + before + begun + switched
    assert [packet.seq - sent[0].seq for packet in sent] == list(range(len(sent)))
    assert len({packet.timestamp for packet in switched}) == 1
    assert signed(switched[0].timestamp - begun[0].timestamp) > 0


def test_lips_stay_in_sync_over_switches(stage):
    """The report after each switch maps the packets of the new layer to the publisher's clock within a millisecond."""
    stage.publish()
    sent, captured = [], []
    for step in range(120):
        if step % 30 == 0:
            for layer in range(3):
                stage.report(layer, skew_s=-77.0)
        if step % 20 == 10:
            stage.obey(api.SetSinkLayer(1, (step // 20) % 3))
        for layer in range(3):
            got = stage.frame(layer, key=step % 20 == 15 or step == 0)
            sent += got
            captured += [stage.now] * len(got)
        stage.wait(0.03)
    assert len({event.layer for event in stage.events_of(api.LayerSwitched)}) == 3
    reports = [
        (int.from_bytes(plain[8:16]) / (1 << 32), int.from_bytes(plain[16:20]))
        for address, plain in stage.rtcp
        if plain[1] == 200
    ]
    assert len(reports) >= 6
    offset = None
    for ntp, timestamp in reports:
        # The virtual time at which a picture with this timestamp was taken, by our packets.
        nearest = min(zip(sent, captured, strict=True), key=lambda pair: abs(signed(pair[0].timestamp - timestamp)))
        at = nearest[1] + signed(timestamp - nearest[0].timestamp) / 90000
        offset = ntp - at if offset is None else offset
        assert abs(ntp - at - offset) < 0.002
    steps = [signed(b.timestamp - a.timestamp) for a, b in itertools.pairwise(sent)]
    assert all(step == 0 or 1 <= step < 90000 // 10 for step in steps)


def test_the_publishers_name_stays_the_same_over_switches(stage):
    """Receivers put a publisher's sound and picture together by their CNAME (RFC 3550 6.5.1)."""
    stage.publish()
    for step in range(120):
        if step % 30 == 0:
            for layer in range(3):
                stage.report(layer)
        if step % 40 == 10:
            stage.obey(api.SetSinkLayer(1, step // 40))
        for layer in range(3):
            stage.frame(layer, key=step % 20 == 15)
        stage.wait(0.03)
    assert [event.layer for event in stage.events_of(api.LayerSwitched)] == [0, 1, 2]
    names = [
        (chunk.ssrc, chunk.items)
        for address, plain in stage.rtcp
        if address == ("192.0.2.1", 2) and plain[1] == 200
        for packet in RtcpPacket.parse(plain)
        if isinstance(packet, RtcpSdesPacket)
        for chunk in packet.chunks
    ]
    assert len(names) >= 3
    assert all(name == (10, [(1, b"client 1")]) for name in names)


def signed(difference: int) -> int:
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)


def test_timestamps_go_on_by_the_clock_before_there_are_reports(stage):
    stage.publish()
    sent = []
    for step in range(40):
        if step == 20:
            stage.obey(api.SetSinkLayer(1, 2))
        for layer in range(3):
            sent += stage.frame(layer, key=step in {0, 22})
        stage.wait(0.03)
    steps = {signed(b.timestamp - a.timestamp) for a, b in zip(sent[::2], sent[2::2], strict=False)}
    assert steps <= set(range(1, 5400))


def test_what_a_receiver_misses_is_sent_again_from_the_layer_it_came_from(stage):
    stage.publish()
    sent = stage.frame(0, key=True) + stage.frame(0)
    stage.obey(api.SetSinkLayer(1, 1))
    stage.frame(1)
    sent += stage.frame(1, key=True)
    again = []
    for packet in sent[1:]:
        nack = b"\x81\xcd\0\3" + bytes(4) + (10).to_bytes(4) + packet.seq.to_bytes(2) + bytes(2)
        again += stage.give_rtcp(nack, ("192.0.2.1", 2))
    assert [packet.ssrc for packet in again] == [11] * 5
    assert [packet.payload for packet in again] == [packet.seq.to_bytes(2) + packet.payload for packet in sent[1:]]
    assert [packet.timestamp for packet in again] == [packet.timestamp for packet in sent[1:]]


def test_the_tap_follows_the_best_layer_in_one_sequence(stage):
    stage.publish()
    stage.obey(api.SetTap(1, True))
    stage.report(0)
    for step in range(12):
        for layer in range(3 if step > 5 else 1):
            stage.frame(layer, key=step in {0, 8})
        stage.wait(0.03)
        if step in {0, 6}:
            for layer in range(3):
                stage.report(layer)
    packets = [event.packet for event in stage.events_of(api.Tapped)]
    # At the switch the picture comes twice, once from each layer.
    assert [int.from_bytes(packet[2:4]) for packet in packets] == list(range(2 * 13))
    assert {packet[8:12] for packet in packets} == {(100).to_bytes(4)}
    assert [packet[-6] for packet in packets] == [0] * 18 + [2] * 8
    pictures = [int.from_bytes(packet[14:16]) & 0x7FFF for packet in packets[::2]]
    assert pictures == [(pictures[0] + n) & 0x7FFF for n in range(13)]
    timestamps = [int.from_bytes(packet[4:8]) for packet in packets[::2]]
    assert {signed(b - a) for a, b in itertools.pairwise(timestamps)} <= {1, 2699, 2700}
    report = stage.events_of(api.TappedReport)[-1]
    assert abs(signed(report.rtp_timestamp - timestamps[-1])) < 90000
    assert [event.layer for event in stage.events_of(api.LayerSwitched)] == [0]


@pytest.mark.parametrize(
    "command",
    [
        api.AddStream(2, 1, "audio", "1", (), api.ExtensionIds(mid=1, rid=2), layers=("a", "b")),
        api.AddStream(2, 1, "video", "1", (), api.ExtensionIds(mid=1, rid=2), layers=("a",)),
        api.AddStream(2, 1, "video", "1", (), api.ExtensionIds(mid=1, rid=2), layers=("a", "a")),
        api.AddStream(2, 1, "video", "1", (), api.ExtensionIds(mid=1), layers=("a", "b")),
        api.AddStream(2, 1, "video", "1", (), api.ExtensionIds(mid=1, rid=2), (5,), layers=("a", "b")),
        api.AddStream(2, 1, "video", "1", (), api.ExtensionIds(mid=1, rid=2), layers=tuple("abcde")),
        api.AddStream(2, 1, "video", "1", (), api.ExtensionIds(mid=1, rid=2), layers=("a", "b" * 17)),
        api.SetSinkLayer(1, 3),
        api.SetSinkLayer(1, -1),
        api.SetSinkLayer(1, 0, 4),
    ],
)
def test_layers_that_make_no_sense_are_refused(stage, command):
    stage.publish()
    if isinstance(command, api.AddStream):
        codec = api.StreamCodec(96, "vp8", 90000)
        command = api.AddStream(
            command.stream, 1, command.kind, "1", (codec,), command.extensions, command.ssrcs, command.layers
        )
    with pytest.raises(api.CommandError):
        stage.obey(command)
    stage.obey(api.SetSinkLayer(99, 3))  # gone: ignored


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("frame"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("frames"), st.integers(2, 6), st.just(False)),
        st.tuples(st.just("choose"), st.integers(0, 2), st.sampled_from([None, None, 0, 1, 2])),
    ),
    min_size=5,
    max_size=60,
)


@settings(deadline=None, max_examples=150)
@given(steps=STEPS, seed=st.integers(0, 1 << 16), long_picture=st.booleans(), disturbed=st.booleans())
def test_whatever_the_network_does_a_sink_sends_what_the_model_says(make_stage, steps, seed, long_picture, disturbed):
    stage, model, noise = make_stage(), LayerModel(3), random.Random(seed)
    stage.publish()
    base = None
    phase = [0, 0, 0]
    for layer in stage.layers:
        layer.long_picture = long_picture
        layer.picture &= 0x7FFF if long_picture else 0x7F
    held: list[tuple[int, int, bytes, bytes]] = []
    for kind, number, option in steps:
        made = []
        if kind == "choose":
            stage.obey(api.SetSinkLayer(1, number, option))
            model.choose(number, option)
            continue
        for layer, key in [(number, option)] if kind == "frame" else [(n % 3, False) for n in range(3 * number)]:
            tid, sync = (0, False) if key else TEMPORAL_PATTERN[phase[layer] % 4]
            phase[layer] = 1 if key else phase[layer] + 1
            packets = stage.layers[layer].frame(stage.now, key=key, tid=tid, sync=sync, packets=noise.randint(1, 3))
            made += [(layer, seq, stage.to_core.protect(packet), payload) for seq, packet, payload in packets]
        if disturbed:
            made = [packet for packet in made if noise.random() > 0.1]
            late = [packet for packet in made if noise.random() < 0.15]
            made = [packet for packet in made if packet not in late] + held
            made += [packet for packet in made if noise.random() < 0.1]
            held = late
        expected = [sent for layer, seq, _, payload in made for sent in model.take(layer, seq, payload)]
        sent = stage.give_sealed((datagram, CAMERA) for _, _, datagram, _ in made)
        if sent and base is None:
            base = sent[0].seq - 1
        assert [((packet.seq - (base or 0)) & 0xFFFF, packet.payload) for packet in sent] == expected
    assert len({(packet.ssrc) for packet in stage.taken()}) == 0


def single(stage):
    """Stream 1 without simulcast, from the first layer's source."""
    stage.obey(
        api.AddStream(1, 1, "video", "0", (api.StreamCodec(96, "vp8", 90000, 97, pli=True),), CAMERA_IDS, (100,))
    )
    stage.add_sink()


def test_the_frame_rate_of_a_stream_without_layers_can_be_lowered_at_any_time(stage):
    single(stage)
    sent = stage.frame(0, key=True)
    for tid, sync in TEMPORAL_PATTERN:
        sent += stage.frame(0, tid=tid, sync=sync)
    stage.obey(api.SetSinkLayer(1, 0, 1))
    for tid, sync in TEMPORAL_PATTERN * 2:
        sent += stage.frame(0, tid=tid, sync=sync)
    assert len(sent) == 2 * (1 + 4 + 4)
    assert [packet.seq - sent[0].seq for packet in sent] == list(range(18))
    assert [number_of_picture(p) - number_of_picture(sent[0]) for p in sent[::2]] == list(range(9))
    assert stage.events_of(api.LayerSwitched) == [api.LayerSwitched(1, 0, 1)]
    with pytest.raises(api.CommandError):
        stage.obey(api.SetSinkLayer(1, 1))


def test_sinks_that_wait_can_be_removed_with_their_stream_or_without(stage):
    single(stage)
    stage.frame(0, key=True)
    stage.obey(api.SetSinkLayer(1, 0, 0))
    stage.obey(api.SetSinkActive(1, False))
    stage.obey(api.SetSinkActive(1, True))
    assert stage.frame(0) == []
    stage.obey(api.RemoveStream(1))
    assert stage.core.statistics().sinks == {}
    stage.publish()
    stage.frame(1)
    stage.obey(api.SetSinkLayer(1, 1))
    stage.obey(api.RemoveSink(1))
    assert stage.frame(1, key=True) == []
    stage.add_sink()
    assert len(stage.frame(1, key=True)) == 2
    stage.obey(api.RemovePeer(1))
    assert stage.core.statistics().streams == {}
    assert stage.frame(1) == []


def test_a_layer_whose_publisher_changes_its_ssrc_goes_on_without_a_gap(stage):
    stage.publish()
    sent = stage.frame(0, key=True)
    stage.wait(0.7)
    changed = stage.layers[0]
    changed.ssrc, changed.seq, changed.timestamp, changed.picture, changed.tl0 = 555, 9, 5, 40, 3
    sent += stage.frame(0, key=True) + stage.frame(0)
    assert [packet.seq - sent[0].seq for packet in sent] == list(range(6))
    assert [number_of_picture(p) - number_of_picture(sent[0]) for p in sent[::2]] == [0, 1, 2]
    assert [packet.payload[4] - sent[0].payload[4] for packet in sent[::2]] == [0, 1, 2]
    assert signed(sent[2].timestamp - sent[0].timestamp) == pytest.approx(0.7 * 90000, abs=900)


def test_statistics_tell_of_each_layer_and_of_all(stage):
    stage.publish()
    stage.frame(2, key=True)
    stage.frame(0)
    told = stage.core.statistics().streams[1]
    assert [(layer.layer, layer.packets) for layer in told.layers] == [(0, 2), (1, 0), (2, 2)]
    assert [layer.last_keyframe for layer in told.layers] == [None, None, stage.now]
    assert told.packets == 4
    assert told.last_packet == stage.now


def test_a_key_frame_whose_beginning_comes_by_retransmission_is_sent_whole(stage):
    stage.publish()
    layer = stage.layers[1]
    stage.obey(api.SetSinkLayer(1, 1))
    stage.frame(1)
    (lost_seq, lost, payload), *rest = layer.frame(stage.now, key=True, packets=3)
    assert stage.give(*(packet for _, packet, _ in rest)) == []
    # Its SSRC was never seen: mid and repaired-rid say what it repairs (RFC 8852 3.2).
    extensions = write_extensions([(4, b"0"), (11, b"h")])
    repeated = (lost_seq & 0xFFFF).to_bytes(2) + payload
    repaired = write_rtp(False, 97, 77, int.from_bytes(lost[4:8]), 4321, extensions, repeated)
    sent = stage.give(repaired)
    assert [packet.seq - sent[0].seq for packet in sent] == [0, 1, 2]
    assert [packet.payload[-1] for packet in sent] == [0, 1, 2]
    assert len(stage.frame(1)) == 2
    assert stage.core.statistics().streams[1].recovered == 1


def test_a_key_frame_that_does_not_come_is_asked_for_again_but_not_often(stage):
    stage.publish()
    stage.frame(0, key=True)
    stage.frame(1)
    stage.obey(api.SetSinkLayer(1, 1))
    stage.plis()
    asked = []
    for _ in range(300):
        stage.wait(0.03)
        stage.frame(0)
        stage.frame(1)
        asked += stage.plis()
    assert set(asked) == {101}
    assert 8 <= len(asked) <= 12


def test_layers_are_asked_one_after_the_other_for_a_publisher_obeys_one_request_in_300_ms(stage):
    """Chromium ignores a request within 300 ms of another, of whatever layer: the second would be in vain."""
    stage.publish()
    stage.obey(api.SetTap(1, True))
    asked: list[tuple[float, int]] = []
    for step in range(200):
        for layer in range(3):
            stage.frame(layer)
        if step % 7 == 0:
            stage.obey(api.SetSinkLayer(1, step // 7 % 3))
        stage.wait(0.03)
        asked += [(stage.now, ssrc) for ssrc in stage.plis()]
    assert {ssrc for _, ssrc in asked} == {100, 101, 102}
    assert min(b[0] - a[0] for a, b in itertools.pairwise(asked)) > 0.31
    for ssrc in (100, 101, 102):
        times = [at for at, one in asked if one == ssrc]
        assert max(b - a for a, b in itertools.pairwise(times)) < 2.5


def test_every_switch_comes_soon_from_a_publisher_that_obeys_one_request_in_300_ms(stage):
    """As Chromium: a request for any layer brings key frames of all, unless one was obeyed within 300 ms before."""
    stage.publish()
    obeyed, wanted, keys, slowest = -1.0, 0, True, 0.0
    chosen_at = stage.now
    for _ in range(900):
        for layer in range(3):
            stage.frame(layer, key=keys)
        keys = False
        switched = [event.layer for event in stage.events_of(api.LayerSwitched)]
        stage.events.clear()
        if wanted in switched:
            slowest = max(slowest, stage.now - chosen_at)
            wanted, chosen_at = (wanted + 1) % 3, stage.now
            stage.obey(api.SetSinkLayer(1, wanted))
        for _ in range(3):
            stage.wait(0.011)
            if stage.plis() and stage.now - obeyed > 0.3:
                obeyed, keys = stage.now, True
    assert slowest < 0.5
    assert stage.now - chosen_at < 0.5


def test_packets_of_an_unknown_rid_or_without_one_are_dropped(stage):
    stage.publish()
    known = stage.layers[0]
    for elements in ([(4, b"0")], [(4, b"0"), (10, b"x")], [(4, b"0"), (10, b"qq")]):
        known.ssrc += 1
        stage.give(write_rtp(False, 96, 1, 1, known.ssrc, write_extensions(elements), b"\x10\0"))
    assert stage.core.statistics().dropped["unknown_ssrc"] == 3
    assert stage.events == []


def test_sound_has_no_frame_rate_to_choose(stage):
    opus = api.StreamCodec(111, "opus", 48000)
    stage.obey(api.AddStream(1, 1, "audio", "0", (opus,), CAMERA_IDS, (100,)))
    stage.obey(api.AddSink(1, 1, 2, 10, None, {"opus": (109, None)}, CAMERA_IDS, "a"))
    stage.obey(api.SetSinkLayer(1, 0, 1))
    stage.obey(api.SetSinkActive(1, False))
    stage.obey(api.SetSinkActive(1, True))
    packet = write_rtp(False, 111, 5, 960, 100, write_extensions([(4, b"0")]), b"sound")
    assert len(stage.give(packet)) == 1
