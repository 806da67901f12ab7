"""Sound that pauses (DTX, mute): numbers, time and reports go on as if nothing had been."""

import itertools

import pytest

from media.forwarder import api


def steps(received, attribute):
    packets = list(received.packets.values())
    return [
        (getattr(b, attribute) - getattr(a, attribute)) & (0xFFFF if attribute == "sequence_number" else 0xFFFFFFFF)
        for a, b in itertools.pairwise(packets)
    ]


def test_discontinuous_transmission_is_no_loss_and_keeps_its_timestamps(world, opus):
    """In silence Opus sends one packet in 400 ms (RFC 7587 3.1.3); the receiver must not conceal nor ask for any."""
    publisher, subscriber = world.publisher(), world.subscriber()
    track = publisher.publish("audio", opus, 1, seq=65530, timestamp=(1 << 32) - 5000)
    subscriber.subscribe(track.stream, 10, None)
    world.run(0.5)
    track.on = False
    for _ in range(8):
        world.run(0.4)
        track.timestamp = (track.timestamp + 19200 - 960) & 0xFFFFFFFF
        publisher.send_frame(track)
    track.on, track.next_at = True, world.now + 0.02
    world.run(0.5)
    received = subscriber.received[10]
    assert len(received.packets) >= 55
    assert set(steps(received, "sequence_number")) == {1}
    assert set(steps(received, "timestamp")) == {960, 19200}
    assert world.events_of(api.StreamStalled) == []
    assert world.stream(track.stream).nacks_sent == 0
    assert world.dropped() == {}


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_after_a_long_mute_a_track_goes_on_in_step_with_the_other(world, vp8, opus, kind):
    publisher, subscriber = world.publisher(), world.subscriber()
    video = publisher.publish("video", vp8, 1, seq=65500, timestamp=7)
    audio = publisher.publish("audio", opus, 2, seq=65500, timestamp=(1 << 32) - 9)
    subscriber.subscribe(video.stream, 10, 11)
    subscriber.subscribe(audio.stream, 12, None)
    muted, ssrc = (audio, 12) if kind == "audio" else (video, 10)
    world.run(1.5)
    muted.on = False
    world.run(5.0)
    packets, report = len(subscriber.received[ssrc].packets), subscriber.reports[ssrc]
    # What is silent is not reported on: a report would let time run on that has nothing in it.
    world.run(2.5)
    assert subscriber.reports[ssrc] == report
    muted.timestamp = (muted.timestamp + int((world.now - muted.next_at) * muted.codec.clock_rate)) & 0xFFFFFFFF
    muted.on, muted.next_at, publisher.report_at = True, world.now, world.now + 0.1
    world.run(2.5)
    received = subscriber.received[ssrc]
    assert len(received.packets) > packets + 60
    assert set(steps(received, "sequence_number")) == {1}
    assert world.events_of(api.StreamResumed) == [api.StreamResumed(muted.stream)]
    wall = {}
    for one, rate in ((10, 90000), (12, 48000)):
        ntp, timestamp, _ = subscriber.reports[one]
        last = list(subscriber.received[one].packets)[-1]
        ahead = (subscriber.received[one].packets[last].timestamp - timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
        # When the last packet was made, by the reports, against when it came.
        wall[one] = ntp / (1 << 32) + ahead / rate - subscriber.received[one].arrivals[last]
    assert wall[10] == pytest.approx(wall[12], abs=0.04)
