"""The impaired line in virtual time: what it delays, loses, queues and cuts, and that a seed decides it all."""

import itertools

import pytest
from benchmarks.network.line_model import ImpairedLine, LineSettings

PACKET = b"x" * 1000


def passed(settings, *, packets=1000, every_s=0.01, seed=1, size=1000):
    """When each packet that arrives does, by its number."""
    line, arrivals = ImpairedLine(settings, seed), {}
    for number in range(packets):
        line.offer(number.to_bytes(4, "big") + bytes(size - 4), number * every_s)
        drain(line, number * every_s, (number + 1) * every_s, arrivals)
    drain(line, packets * every_s, packets * every_s + 60, arrivals)
    return line, arrivals


def drain(line, now, until, arrivals):
    while (now := max(now, line.next_s(now))) < until:
        for packet in line.take(now):
            arrivals[int.from_bytes(packet[:4], "big")] = now


def test_a_line_without_limits_only_delays():
    _, arrivals = passed(LineSettings(delay_s=0.05))
    assert len(arrivals) == 1000
    assert all(at == pytest.approx(number * 0.01 + 0.05, abs=1e-6) for number, at in arrivals.items())


def test_packets_leave_at_the_lines_rate():
    settings = LineSettings(rates=((0.0, 800_000.0),), queue_bytes=10_000_000, delay_s=0.0)
    _, arrivals = passed(settings, packets=100, every_s=0.0001)
    assert len(arrivals) == 100
    assert arrivals[99] == pytest.approx(1.0, abs=0.02)


def test_what_finds_no_room_in_the_queue_is_dropped_and_no_packet_waits_longer_than_the_queue_is():
    settings = LineSettings(rates=((0.0, 800_000.0),), queue_bytes=20_000, delay_s=0.0)
    line, arrivals = passed(settings, packets=2000, every_s=0.005)
    assert len(arrivals) == pytest.approx(1000, rel=0.05)
    assert max(at - number * 0.005 for number, at in arrivals.items()) <= 0.2 + 1e-6
    assert sum(one.dropped for one in line.buckets.values()) == 2000 - len(arrivals)
    assert max(one.queue_ms for one in line.buckets.values()) == pytest.approx(200, abs=15)


def test_a_step_serves_what_waits_at_the_new_rate():
    settings = LineSettings(rates=((0.0, 8e6), (1.0, 8e5), (2.0, 8e6)), queue_bytes=10**9, delay_s=0.0)
    _, arrivals = passed(settings, packets=300, every_s=0.01, size=2000)
    within = sum(1.0 <= at < 2.0 for at in arrivals.values())
    assert within == pytest.approx(50, abs=2)
    assert len(arrivals) == 300


def test_what_comes_or_waits_while_the_line_is_cut_is_lost():
    settings = LineSettings(rates=((0.0, 8e6), (1.0, -1.0), (2.0, 8e6)), delay_s=0.01)
    line, arrivals = passed(settings, packets=300)
    assert sorted(set(range(300)) - arrivals.keys()) == list(range(100, 200))
    assert sum(one.lost for one in line.buckets.values()) == 100


@pytest.mark.parametrize("burst", [0.0, 4.0, 10.0])
def test_as_much_is_lost_as_was_asked_for_in_bursts_as_long(burst):
    _, arrivals = passed(LineSettings(loss=0.15, burst=burst), packets=40_000, every_s=0.001)
    lost = [number not in arrivals for number in range(40_000)]
    assert sum(lost) / len(lost) == pytest.approx(0.15, abs=0.012)
    begins = sum(now and not before for before, now in zip([False, *lost], lost, strict=False))
    assert sum(lost) / begins == pytest.approx(burst or 1 / 0.85, rel=0.1)


def test_jitter_keeps_the_order_and_reordering_does_not():
    jittered = list(passed(LineSettings(jitter_s=0.02))[1])
    assert jittered == sorted(jittered)
    reordered = list(passed(LineSettings(reorder=0.05, reorder_by_s=0.025))[1])
    assert sorted(reordered) == list(range(1000))
    assert sum(one > other for one, other in itertools.pairwise(reordered)) == pytest.approx(50, abs=20)


def test_the_seed_decides_everything():
    settings = LineSettings(rates=((0.0, 2e6),), loss=0.1, burst=3.0, jitter_s=0.01, reorder=0.02)
    assert passed(settings, seed=7)[1] == passed(settings, seed=7)[1]
    assert passed(settings, seed=7)[1] != passed(settings, seed=8)[1]


def test_a_changed_line_counts_its_rates_from_then_and_loses_nothing_on_the_way():
    line, arrivals = ImpairedLine(LineSettings(rates=((0.0, 8e6),), delay_s=0.01), 1), {}
    for number in range(400):
        now = number * 0.01
        if number == 100:
            line.change(LineSettings(rates=((0.0, 8e6), (1.0, -1.0), (2.0, 8e6)), delay_s=0.01), now)
        line.offer(number.to_bytes(4, "big") + bytes(996), now)
        drain(line, now, now + 0.01, arrivals)
    drain(line, 4.0, 10.0, arrivals)
    assert sorted(set(range(400)) - arrivals.keys()) == list(range(200, 300))


def test_settings_go_through_a_pipe_unchanged():
    settings = LineSettings(rates=((0.0, 1e6), (3.0, -1.0)), loss=0.1, burst=3.0)
    assert LineSettings.from_json(settings.as_json()) == settings
