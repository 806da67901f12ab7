"""Pictures for a narrow line wait their turn; sound does not, and nothing is lost or changes its order."""

import random

import pytest
from forwarder_oracle.pacing import RESEND_SHARE, longest_excess
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forwarder import api
from media.forwarder.native.address import pack

RECEIVER = ("192.0.2.1", 2)
AUDIO_IDS = api.ExtensionIds(transport_cc=3)


class Watch:
    """Notes when what left, in virtual time."""

    def __init__(self, stage) -> None:
        self.stage = stage
        self.left: list[tuple[float, int, object]] = []

    def note(self, sent: list) -> list:
        self.left += [
            (self.stage.now, len(datagram), packet) for datagram, packet in zip(self.stage.datagrams, sent, strict=True)
        ]
        self.stage.datagrams.clear()
        return sent

    def wait(self, seconds: float) -> list:
        return [sent for _ in range(round(seconds * 100)) for sent in self.note(self.stage.wait(0.01))]

    def pictures(self) -> list[tuple[float, int]]:
        return [(at, size) for at, size, packet in self.left if packet.ssrc == 10]


def watched(stage, bits_per_second: int | None) -> Watch:
    stage.obey(api.AddStream(1, 1, "video", "0", (api.StreamCodec(96, "vp8", 90000, 97),), api.ExtensionIds(mid=4)))
    stage.add_sink()
    stage.obey(api.AddStream(2, 1, "audio", "1", (api.StreamCodec(111, "opus", 48000),), api.ExtensionIds(), (77,)))
    stage.obey(api.AddSink(2, 2, 2, 20, None, {"opus": (109, None)}, AUDIO_IDS, "a"))
    stage.obey(api.SetPeerRate(2, bits_per_second))
    return Watch(stage)


def frame(watch: Watch, packets: int, payload_bytes: int = 1000) -> list:
    layer = watch.stage.layers[0]
    made = [
        layer.packet(watch.stage.now, b"\x10\1" + bytes(payload_bytes - 2), i == packets - 1) for i in range(packets)
    ]
    return watch.note(watch.stage.give(*(packet for _, packet, _ in made)))


def sound(watch: Watch, seq: int) -> list:
    packet = b"\x80\x6f" + seq.to_bytes(2) + (seq * 960).to_bytes(4) + (77).to_bytes(4) + bytes(60)
    return watch.note(watch.stage.give(packet))


def test_a_large_key_frame_is_spread_and_sound_overtakes_it(stage):
    watch = watched(stage, 500_000)
    assert len(frame(watch, 60)) < 8
    began = stage.now
    for number in range(50):
        watch.wait(0.02)
        assert len(sound(watch, number)) == 1
    pictures = [packet for _, _, packet in watch.left if packet.ssrc == 10]
    assert [packet.seq - pictures[0].seq for packet in pictures] == list(range(60))
    assert [packet.marker for packet in pictures] == [False] * 59 + [True]
    # 62 kB at 1.1 times 0.5 Mbit/s
    assert watch.pictures()[-1][0] - began == pytest.approx(0.85, abs=0.06)
    assert longest_excess(watch.pictures(), 500_000) == 0
    numbers = [packet.transport_number for _, _, packet in watch.left]
    assert numbers == list(range(1, 111))


def test_nothing_waits_on_a_line_without_a_rate_or_a_wide_one(make_stage):
    for rate in (None, 100_000_000):
        watch = watched(make_stage(), rate)
        assert len(frame(watch, 60)) == 60


def test_what_waits_goes_at_once_when_the_limit_is_lifted(stage):
    watch = watched(stage, 100_000)
    went = len(frame(watch, 60))
    stage.obey(api.SetPeerRate(2, None))
    assert went + len(watch.wait(0.01)) == 60
    assert len(frame(watch, 10)) == 10


def test_an_ordinary_frame_does_not_wait(stage):
    watch = watched(stage, 1_000_000)
    for _ in range(50):
        assert len(frame(watch, 4)) == 4  # 30 frames a second of 4 kB
        watch.wait(0.03)


def test_what_finds_no_room_is_counted_and_a_key_frame_asked_for(stage):
    stage.obey(api.AddStream(1, 1, "video", "0", (api.StreamCodec(96, "vp8", 90000, pli=True),), api.ExtensionIds()))
    stage.add_sink()
    stage.obey(api.SetPeerRate(2, 10_000))
    watch = Watch(stage)
    frame(watch, 1)
    stage.wait(0.4)
    stage.plis()
    for _ in range(4):
        frame(watch, 60)
    assert stage.core.statistics().dropped["pacing_full"] > 50
    stage.wait(0.4)
    assert stage.plis()


def test_a_narrow_line_keeps_no_pictures_for_longer_than_two_and_a_half_seconds(stage):
    watch = watched(stage, 200_000)
    given = []
    for _ in range(200):  # 30 frames of 3 kB a second: four times what the line carries
        given += [stage.now] * 3
        frame(watch, 3)
        watch.wait(0.03)
    watch.wait(3.0)
    assert stage.core.statistics().dropped["pacing_full"] > 100
    pictures = [(at, packet.seq) for at, _, packet in watch.left if packet.ssrc == 10]
    waited = [at - given[(seq - pictures[0][1]) & 0xFFFF] for at, seq in pictures]
    assert 2.0 < max(waited) < 2.7
    assert watch.pictures()[-1][0] - watch.pictures()[0][0] > 6.5


def test_a_picture_that_takes_a_line_for_longer_comes_whole_and_what_follows_it_too(stage):
    watch = watched(stage, 120_000)
    for number in range(85):
        frame(watch, 60 if number in (0, 60) else 1)  # a turned slide: 60 kB, 3.8 s of this line
        sound(watch, number)
        watch.wait(0.1)
    watch.wait(8.0)
    assert stage.core.statistics().dropped.get("pacing_full", 0) == 0
    assert len(watch.pictures()) == 2 * 60 + 83


def test_resends_take_a_fifth_of_the_line_at_most(stage):
    watch = watched(stage, 400_000)
    resent = 0
    for _ in range(100):
        sent = frame(watch, 3, 600) + watch.wait(0.04)
        for packet in sent:
            if packet.ssrc == 10:
                nack = b"\x81\xcd\0\3" + bytes(4) + (10).to_bytes(4) + packet.seq.to_bytes(2) + b"\xff\xff"
                resent += sum(len(again.payload) for again in watch.note(stage.give_rtcp(nack, RECEIVER)))
    assert resent <= RESEND_SHARE * 400_000 / 8 * (4 + 1)
    assert resent > 0.7 * RESEND_SHARE * 400_000 / 8 * 4


def test_what_waits_is_forgotten_when_its_picture_is_paused(stage):
    watch = watched(stage, 100_000)
    went = frame(watch, 60)
    assert 0 < len(went) < 10
    stage.obey(api.SetSinkActive(1, False))
    assert watch.wait(2.0) == []
    stage.obey(api.SetSinkActive(1, True))
    after = frame(watch, 2) + watch.wait(1.0)
    assert [packet.seq - went[0].seq for packet in went + after] == list(range(len(went) + 2))
    assert stage.core.statistics().sinks[1].packets == len(went) + 2


def test_a_lower_layer_does_not_wait_for_what_is_left_of_the_higher_one(stage):
    stage.publish()
    stage.obey(api.SetSinkLayer(1, 2))
    sent = stage.frame(2, key=True)
    stage.obey(api.SetPeerRate(2, 100_000))
    high = stage.layers[2]
    big = [high.packet(stage.now, b"\x10\1" + b"\2" * 1000, i == 79)[1] for i in range(80)]
    sent += stage.give(*big) + stage.wait(0.2)
    assert len(sent) < 20
    stage.obey(api.SetSinkLayer(1, 0))
    low = stage.frame(0, key=True) + stage.wait(0.3)
    assert [packet.payload[-6] for packet in low if packet.ssrc == 10][-2:] == [0, 0]
    assert [packet.seq - sent[0].seq for packet in sent + low] == list(range(len(sent + low)))


WAITING_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("big"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("choose"), st.integers(0, 2), st.booleans()),
        st.tuples(st.just("pause"), st.just(0), st.booleans()),
        st.tuples(st.just("rate"), st.sampled_from([None, 30_000, 200_000, 2_000_000]), st.booleans()),
        st.tuples(st.just("wait"), st.integers(1, 30), st.booleans()),
    ),
    min_size=5,
    max_size=60,
)


@settings(deadline=None, max_examples=150)
@given(steps=WAITING_STEPS, seed=st.integers(0, 1 << 16), disturbed=st.booleans())
def test_whatever_is_forgotten_no_number_is_used_twice_and_none_is_skipped(make_stage, steps, seed, disturbed):
    """libsrtp at the receiver refuses a number that it has seen, which would also repeat a nonce of GCM."""
    stage, noise = make_stage(), random.Random(seed)
    stage.publish()
    sent, late = [], []
    for kind, number, flag in steps:
        if kind in {"frame", "big"}:
            packets = stage.layers[number].frame(stage.now, key=flag, packets=40 if kind == "big" else 3)
            made = late + [packet for _, packet, _ in packets]
            late = [packet for packet in made if disturbed and noise.random() < 0.1]
            sent += stage.give(*(packet for packet in made if packet not in late))
        elif kind == "choose":
            stage.obey(api.SetSinkLayer(1, number))
        elif kind == "pause":
            stage.obey(api.SetSinkActive(1, flag))
        elif kind == "rate":
            stage.obey(api.SetPeerRate(2, number))
        else:
            sent += stage.wait(number / 100)
    stage.obey(api.SetPeerRate(2, None))
    sent += stage.wait(0.02)
    pictures = [packet.seq for packet in sent if packet.ssrc == 10]
    assert len(set(pictures)) == len(pictures)
    assert stage.core.statistics().sinks[1].packets == len(pictures)
    if not disturbed and pictures and "pacing_full" not in stage.core.statistics().dropped:
        assert len(pictures) == max((seq - pictures[0]) & 0xFFFF for seq in pictures) + 1


FRAMES = st.lists(
    st.tuples(st.integers(1, 40), st.integers(50, 1200), st.integers(0, 12), st.booleans()), min_size=1, max_size=30
)


@settings(deadline=None, max_examples=60)
@given(frames=FRAMES, rate=st.integers(50_000, 3_000_000))
def test_order_and_bounds_hold_for_any_picture(make_stage, frames, rate):
    watch, expected = watched(make_stage(), rate), 0
    room = 150_000  # what may wait, at least
    for seq, (packets, size, hundredths, with_sound) in enumerate(frames):
        waiting = expected - len(watch.pictures())
        if waiting and (waiting + packets) * 1300 > min(room, 2.5 * rate / 8):  # of the line's time
            watch.wait(1.0)
        else:
            frame(watch, packets, size)
            expected += packets
        if with_sound:
            assert len(sound(watch, seq)) == 1
        watch.wait(hundredths / 100)
    watch.wait(30)
    pictures = [packet for _, _, packet in watch.left if packet.ssrc == 10]
    assert [(packet.seq - pictures[0].seq) & 0xFFFF for packet in pictures] == list(range(expected))
    assert [packet.transport_number for _, _, packet in watch.left] == list(range(1, len(watch.left) + 1))
    assert longest_excess(watch.pictures(), rate) == 0


@pytest.mark.parametrize("mid", ["", "m", "a-mid-of-more-than-sixteen-bytes"])
@pytest.mark.parametrize("ids", [(1, 2, 3), (1, 2, 30), (None, 2, None), (1, None, 3)])
def test_what_waited_is_the_same_packet(make_stage, mid, ids):
    plain = []
    for rate in (None, 10_000):
        stage = make_stage()
        stage.obey(api.AddStream(1, 1, "video", "0", (api.StreamCodec(96, "vp8", 90000),), api.ExtensionIds(mid=4)))
        extensions = api.ExtensionIds(mid=ids[0], transport_cc=ids[1], abs_send_time=ids[2])
        stage.obey(api.AddSink(1, 1, 2, 10, 11, {"vp8": (120, 121)}, extensions, mid))
        stage.obey(api.SetPeerRate(2, rate))
        layer = stage.layers[0]
        packets = [layer.packet(stage.now, b"\x10\1" + bytes(300 + i % 2), i == 39)[1] for i in range(40)]
        stage.core._core.receive(
            [(stage.to_core.protect(packet), pack(("192.0.2.1", 1))) for packet in packets], 100_000_000
        )
        datagrams = []
        for _ in range(1500):
            datagrams += [datagram for datagram, _ in stage.core.outgoing()]
            stage.now += 0.01
            stage.core.tick(stage.now)
        plain.append([stage.from_core.unprotect(datagram) for datagram in datagrams if not 192 <= datagram[1] <= 223])
    assert len(plain[0]) == 40
    assert plain[0] == plain[1]


def test_pictures_do_not_wait_for_the_padding_of_a_probe(stage):
    watch = watched(stage, 300_000)
    stage.obey(api.SetSinkActive(1, True))
    stage.obey(api.Probe(2, 4_000_000, 300))
    for _ in range(20):
        assert len([packet for packet in frame(watch, 1) if packet.payload]) == 1
        watch.wait(0.03)
    padding = [packet for _, _, packet in watch.left if packet.ssrc == 11]
    assert len(padding) > 400
