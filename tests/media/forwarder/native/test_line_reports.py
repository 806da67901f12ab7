"""What receivers tell about their lines, against a plain model; and probes of lines whose rate is known."""

import itertools
import random
import struct

import pytest
from forwarder_oracle.receiver_feedback import LineModel, write_feedback
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forwarder import api

CAMERA, RECEIVER = ("192.0.2.1", 1), ("192.0.2.1", 2)


class Line:
    """A line of one rate with a long queue; its receiver reports every 60 ms."""

    def __init__(self, stage, bits_per_second: float, seed: int = 1, loss: float = 0.0) -> None:
        self.stage, self.rate, self.loss = stage, bits_per_second, loss
        self.choice = random.Random(seed)
        self.free_at = 0.0
        self.reads_from = 0.0
        "Before this the receiver takes in nothing: what came meanwhile it has then, all at once."
        self.number = 0
        self.arrived: dict[int, float] = {}
        self.next = 1
        self.report_at = stage.now + 0.06
        self.count = 0
        self.carried = 0

    def carry(self) -> None:
        """Take what the core sent since the last time."""
        for datagram in self.stage.datagrams:
            self.number += 1
            self.free_at = max(self.free_at, self.stage.now) + len(datagram) * 8 / self.rate
            if self.choice.random() >= self.loss:
                self.arrived[self.number] = max(self.free_at + 0.02, self.reads_from)
        self.stage.datagrams.clear()
        if self.stage.now >= self.report_at:
            self.report_at += 0.06
            self.report()

    def report(self) -> None:
        here = [number for number, at in self.arrived.items() if at <= self.stage.now and number >= self.next]
        if here:
            arrivals = [self.arrived.get(number) for number in range(self.next, max(here) + 1)]
            ticks = [None if at is None else round((at + 77.0) * 4000) * 250 for at in arrivals]
            feedback = write_feedback(self.next, ticks, self.count, self.choice)
            self.next, self.count = max(here) + 1, self.count + 1
            self.stage.give_rtcp(feedback, RECEIVER)

    def run(self, seconds: float, media_bits_per_second: float = 0.0) -> None:
        """Pass time with a layer of this rate."""
        size = int(media_bits_per_second / 8 * 0.03 / 2) - 9
        for _ in range(round(seconds / 0.03)):
            if media_bits_per_second:
                layer = self.stage.layers[0]
                for marker in (False, True):
                    payload = b"\x90\x80\x81\x01" + bytes(size)
                    self.stage.give(layer.packet(self.stage.now, payload, marker)[1])
            for _ in range(3):
                self.stage.wait(0.01)
                self.carry()


def begun(make_stage, rate: float, **options: object) -> Line:
    """A stage whose camera sends one layer over a line, and whose receiver has begun to report."""
    stage = make_stage()
    stage.obey(api.AddStream(1, 1, "video", "0", (api.StreamCodec(96, "vp8", 90000),), api.ExtensionIds(mid=4)))
    stage.add_sink()
    line = Line(stage, rate, **options)
    line.run(2.0, 150_000)
    stage.events.clear()
    return line


def test_windows_tell_rate_and_queue(make_stage):
    line = begun(make_stage, 1e6)
    line.run(4.0, 300_000)
    windows = line.stage.events_of(api.ReceiverWindow)
    assert 12 <= len(windows) <= 20
    for window in windows[2:]:
        assert window.peer == 2
        assert window.span_ms == pytest.approx(250, abs=60)
        assert window.acked_bits == window.sent_bits
        assert window.acked_bits / window.span_ms == pytest.approx(330, rel=0.25)
        assert window.queue_ms < 15
        assert not window.probing


def test_a_full_line_shows_as_a_queue_and_a_lossy_one_as_loss(make_stage):
    full = begun(make_stage, 250_000)
    full.run(2.0, 300_000)
    windows = full.stage.events_of(api.ReceiverWindow)
    assert windows[-1].queue_ms > windows[-1].least_queue_ms > 150
    assert windows[-1].acked_bits / windows[-1].span_ms == pytest.approx(250, rel=0.1)
    lossy = begun(make_stage, 1e6, loss=0.2)
    lossy.run(6.0, 300_000)
    windows = lossy.stage.events_of(api.ReceiverWindow)
    lost = sum(window.lost_packets for window in windows) / sum(window.sent_packets for window in windows)
    assert lost == pytest.approx(0.2, abs=0.07)


def test_a_probe_fills_a_wide_line_and_says_so(make_stage):
    line = begun(make_stage, 5e6)
    line.stage.obey(api.Probe(2, 1_500_000, 300))
    line.run(1.0, 150_000)
    (result,) = line.stage.events_of(api.ProbeResult)
    assert result.acked_bits / result.span_ms == pytest.approx(1500, rel=0.12)
    assert result.acked_bits == result.sent_bits
    assert result.queue_ms < 30
    assert result.lost_packets == 0
    assert any(window.probing for window in line.stage.events_of(api.ReceiverWindow))
    line.stage.events.clear()
    line.run(1.0, 150_000)
    assert not any(window.probing for window in line.stage.events_of(api.ReceiverWindow))


def test_a_probe_of_a_narrow_line_tells_what_it_carries(make_stage):
    line = begun(make_stage, 600_000)
    line.stage.obey(api.Probe(2, 1_500_000, 300))
    line.run(2.5, 150_000)
    (result,) = line.stage.events_of(api.ProbeResult)
    assert result.acked_bits / result.span_ms == pytest.approx(600, rel=0.1)
    assert result.queue_ms > result.left_queue_ms > 100


def test_a_receiver_that_stands_still_for_a_moment_in_a_probe_leaves_no_queue(make_stage):
    line = begun(make_stage, 5e6)
    line.stage.obey(api.Probe(2, 1_500_000, 300))
    line.run(0.09, 150_000)
    line.reads_from = line.stage.now + 0.12
    line.run(1.0, 150_000)
    (result,) = line.stage.events_of(api.ProbeResult)
    assert result.queue_ms > 60
    assert result.left_queue_ms < 5


def test_a_probe_ends_although_nobody_reports(stage):
    stage.publish()
    stage.obey(api.SetSinkActive(1, False))
    stage.obey(api.Probe(2, 1_000_000, 100))
    sent = stage.wait(1.5)
    assert 30 < len(sent) < 60
    assert {packet.ssrc for packet in sent} == {11}
    assert {packet.payload for packet in sent} == {b""}
    assert [packet.transport_number for packet in sent] == list(range(1, len(sent) + 1))
    (result,) = stage.events_of(api.ProbeResult)
    assert result.acked_bits == 0
    assert result.at == pytest.approx(101.1, abs=0.03)


def test_a_probe_without_anything_to_carry_padding_ends_at_once(stage):
    stage.obey(api.Probe(2, 1_000_000))
    assert stage.taken() == []
    (result,) = stage.events_of(api.ProbeResult)
    assert result.sent_bits == 0
    stage.obey(api.Probe(99, 1_000_000))  # gone: ignored


@pytest.mark.parametrize(("exponent", "mantissa", "told"), [(0, 5, 5), (3, 100_000, 800_000), (63, 1, 1 << 40)])
def test_a_receivers_own_estimate_is_told(stage, exponent, mantissa, told):
    body = b"REMB\1" + (exponent << 18 | mantissa).to_bytes(3) + bytes(4)
    stage.give_rtcp(struct.pack("!BBHII", 0x8F, 206, 5, 1, 0) + body, RECEIVER)
    stage.give_rtcp(struct.pack("!BBHII", 0x8F, 206, 5, 1, 0) + body, RECEIVER)
    assert stage.events_of(api.ReceiverEstimate) == [api.ReceiverEstimate(2, min(told, 10**12))]


@pytest.mark.parametrize("bits", [0, 9_999, 1 << 40])
def test_rates_that_make_no_sense_are_refused(stage, bits):
    with pytest.raises(api.CommandError):
        stage.obey(api.SetPeerRate(2, bits))
    with pytest.raises(api.CommandError):
        stage.obey(api.Probe(2, bits))
    with pytest.raises(api.CommandError):
        stage.obey(api.Probe(2, 100_000, 10))


def test_malformed_feedback_is_counted_and_dropped(make_stage):
    line = begun(make_stage, 1e6)
    good = write_feedback(line.next, [1_000_000, None, 1_010_000], 0, random.Random(1))
    before = line.stage.core.statistics().dropped.get("malformed_rtcp", 0)
    for length in range(16, len(good) - 4, 4):
        cut = good[:2] + (length // 4 - 1).to_bytes(2) + good[4:length]
        line.stage.give_rtcp(bytes((cut[0] & 0xDF,)) + cut[1:], RECEIVER)
    assert line.stage.core.statistics().dropped["malformed_rtcp"] > before


FEEDBACKS = st.lists(
    st.tuples(
        st.integers(0, 12),  # packets sent before it
        st.integers(-4, 4),  # where it begins, from the last one's end
        st.integers(1, 20),  # how many numbers it covers
        st.sampled_from([0.0, 0.1, 0.5]),  # how much is lost
        st.integers(20, 150),  # milliseconds since the last one
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(feedbacks=FEEDBACKS, seed=st.integers(0, 1 << 16), first_us=st.integers(0, 1 << 40))
def test_windows_are_what_the_model_says(make_stage, feedbacks, seed, first_us):
    stage, choice = make_stage(), random.Random(seed)
    stage.obey(api.AddStream(1, 1, "video", "0", (api.StreamCodec(96, "vp8", 90000),), api.ExtensionIds(mid=4)))
    stage.add_sink()
    sent: dict[int, tuple[int, int]] = {}
    model, end, expected, since_us = LineModel(sent), 1, [], None
    offset_us = first_us // 250 * 250 - round(stage.now * 1e6)
    for packets, shift, count, loss, after_ms in [(1, 0, 1, 0.0, 20), *feedbacks]:
        for _ in range(packets):
            stage.now = round(stage.now + 0.001, 6)
            number = len(stage.datagrams) + 1
            stage.give(stage.layers[0].packet(stage.now, b"\x10\1" + bytes(choice.randrange(400)), False)[1])
            # What left before the first feedback is not in the log.
            if since_us is not None:
                sent[number] = round(stage.now * 1e6), len(stage.datagrams[-1])
        stage.now = round(stage.now + after_ms / 1000, 6)
        now_us = round(stage.now * 1e6)
        base = min(max(end + shift, 1), len(stage.datagrams) + 2)
        end = base + count
        arrivals: list[int | None] = []
        last = now_us + offset_us - 30_000
        for number in range(base, end):
            at = sent.get(number, (now_us - 20_000, 0))[0] + offset_us + 5000
            last = max(last - 2000, at + choice.randrange(0, 60) * 250) // 250 * 250
            arrivals.append(None if choice.random() < loss else last)
        if any(at is not None for at in arrivals):
            came = [at for at in arrivals if at is not None]
            if not all(abs(b - a) < 8_000_000 for a, b in itertools.pairwise(came)):
                continue
        model.take(base, arrivals, now_us)
        stage.give_rtcp(write_feedback(base, arrivals, 0, choice), RECEIVER)
        since_us = now_us if since_us is None else since_us
        if model.sent_packets and now_us - since_us >= 200_000:
            expected.append(model.window())
            since_us = now_us
    told = [
        (w.span_ms, w.sent_bits, w.acked_bits, w.sent_packets, w.lost_packets, w.queue_ms, w.least_queue_ms)
        for w in stage.events_of(api.ReceiverWindow)
    ]
    assert told == [pytest.approx(window) for window in expected]


def test_sound_that_came_only_when_sent_again_does_not_look_like_a_queue(make_stage):
    stage = make_stage()
    stage.obey(api.AddStream(2, 1, "audio", "1", (api.StreamCodec(111, "opus", 48000),), api.ExtensionIds(), (77,)))
    stage.obey(api.AddSink(2, 2, 2, 20, None, {"opus": (109, None)}, api.ExtensionIds(transport_cc=3), ""))
    choice, arrived, reported = random.Random(1), {}, 0
    for seq in range(300):
        packet = b"\x80\x6f" + seq.to_bytes(2) + (seq * 960).to_bytes(4) + (77).to_bytes(4) + bytes(60)
        stage.core.receive(stage.to_core.protect(packet), CAMERA, stage.now)
        for datagram, _ in stage.core.outgoing():
            number = int.from_bytes(datagram[17:19])  # not opened: a receiver refuses what it has already
            # Every third is lost at first and comes by its repetition.
            lost = number not in arrived and number % 3 == 0 and number > 4
            arrived[number] = None if lost else arrived.get(number) or stage.now + 0.02
        stage.wait(0.02)
        if seq % 4 == 3:
            # Once the receiver has reported it is known what left when, and sound may go out twice.
            stage.obey(api.SetSinkRepeat(2, True))
            numbers = range(reported + 1, max(arrived) - 2)
            ticks = [round((arrived[number] + 77.0) * 4000) * 250 for number in numbers]
            stage.give_rtcp(write_feedback(numbers.start, ticks, seq // 4, choice), RECEIVER)
            reported = numbers.stop - 1
    windows = stage.events_of(api.ReceiverWindow)
    assert len(windows) > 15
    assert max(window.queue_ms for window in windows) < 5
    assert sum(window.lost_packets for window in windows) == 0
