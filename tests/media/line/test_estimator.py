"""The estimate against a simulated bottleneck in virtual time: fast down, back up, steady, never a standing queue."""

import itertools
import random

import pytest
from simulated_line import Bottleneck, lesson

from media.forwarder.api import ProbeResult, ReceiverWindow
from media.line.estimator import LEAST_BPS, SILENCE_S, START_BPS, LineEstimator

FULL_BPS = 2_420_000
"What the simulated lesson takes in full."


def window(at, *, bps=400_000, queue_ms=0.0, least_queue_ms=None, lost=0, packets=40):
    bits, least = int(bps * 0.2), queue_ms if least_queue_ms is None else least_queue_ms
    return ReceiverWindow(1, at, 200.0, bits, bits, packets, lost, queue_ms, False, least)


@pytest.mark.parametrize("rate_bps", [4e6, 10e6, 50e6])
def test_a_line_that_carries_everything_gets_it_all_within_three_seconds(simulated, rate_bps):
    run = simulated(Bottleneck(lambda _: rate_bps), lesson(), 20)
    assert min(run.between(run.sent_bps, 3, 20)) > 0.75 * FULL_BPS
    assert max(run.queue_ms) < 150
    assert run.changes(3, 20) == 0


@pytest.mark.parametrize("rate_bps", [1e6, 1.4e6, 2e6, 3e6])
def test_a_narrow_line_is_used_and_stays_without_a_queue(simulated, rate_bps):
    run = simulated(Bottleneck(lambda _: rate_bps), lesson(), 60)
    late = run.between(run.queue_ms, 5, 60)
    assert sum(queue > 150 for queue in late) * 10 < 500
    estimates = run.between(run.rate_bps, 10, 60)
    assert sum(estimates) / len(estimates) > 0.75 * min(rate_bps, FULL_BPS)
    assert run.changes(10, 60) <= 6


@pytest.mark.parametrize("seed", range(25))
def test_a_step_down_is_followed_soon_and_all_is_back_within_ten_seconds_of_recovery(simulated, seed):
    draw = random.Random(seed)
    low, after = draw.uniform(0.7e6, 1.8e6), draw.randint(12, 40)
    back = 15 + after
    line = Bottleneck(lambda t: low if 15 <= t < back else 10e6)
    run = simulated(line, lesson(), back + 20, seed=seed)
    # The queue that the step itself left must be gone in a moment, and none may stand after it.
    assert sum(queue > 150 for queue in run.between(run.queue_ms, 15, back)) * 10 < 2600
    assert sum(queue > 150 for queue in run.between(run.queue_ms, 20, back)) * 10 < 400
    assert min(run.between(run.sent_bps, back + 10, back + 20)) > 0.75 * FULL_BPS


@pytest.mark.parametrize("seed", range(20))
def test_loss_that_comes_whatever_is_sent_costs_no_quality_for_long(simulated, seed):
    draw = random.Random(seed)
    loss, rate_bps = draw.uniform(0.0, 0.2), draw.uniform(3e6, 20e6)
    run = simulated(Bottleneck(lambda _: rate_bps, loss=loss), lesson(), 40, seed=seed)
    full = [sent > 0.75 * FULL_BPS for sent in run.between(run.sent_bps, 15, 40)]
    assert sum(full) / len(full) > 0.9


@pytest.mark.parametrize("seed", range(20))
def test_loss_in_bursts_costs_no_quality_for_long_either(simulated, seed):
    draw = random.Random(seed)
    loss, rate_bps, burst_s = draw.uniform(0.05, 0.18), draw.uniform(4e6, 20e6), draw.uniform(0.01, 0.03)
    run = simulated(Bottleneck(lambda _: rate_bps, loss=loss, burst_s=burst_s), lesson(), 60, seed=seed)
    full = [sent > 0.75 * FULL_BPS for sent in run.between(run.sent_bps, 15, 60)]
    assert sum(full) / len(full) > 0.85


@pytest.mark.parametrize("seed", range(15))
def test_a_receiver_that_stands_still_again_and_again_costs_no_quality(simulated, seed):
    """A classroom's computer that is too busy takes in late what the line brought in time."""
    draw, stalls, at = random.Random(seed), [], 2.0
    while at < 40:
        stalls.append((at, at + draw.uniform(0.05, 0.8)))
        at = stalls[-1][1] + draw.uniform(0.3, 3.0)
    run = simulated(Bottleneck(lambda _: 8e6, stalls=tuple(stalls)), lesson(), 40, seed=seed)
    full = [sent > 0.75 * FULL_BPS for sent in run.between(run.sent_bps, 5, 40)]
    assert sum(full) / len(full) > 0.97
    assert all(one[3] is not None for one in run.between(run.numbers, 5, 40))


@pytest.mark.parametrize("seed", range(10))
def test_a_receiver_that_stands_still_does_not_hide_a_full_line(simulated, seed):
    draw, stalls, at = random.Random(seed), [], 2.0
    while at < 40:
        stalls.append((at, at + draw.uniform(0.05, 0.3)))
        at = stalls[-1][1] + draw.uniform(0.5, 3.0)
    line = Bottleneck(lambda t: 1e6 if 15 <= t < 30 else 10e6, stalls=tuple(stalls))
    run = simulated(line, lesson(), 40, seed=seed)
    assert sum(queue > 150 for queue in run.between(run.queue_ms, 15, 30)) * 10 < 3000
    assert sum(queue > 150 for queue in run.between(run.queue_ms, 20, 30)) * 10 < 500


def test_after_an_outage_everything_is_back_within_five_seconds(simulated):
    run = simulated(Bottleneck(lambda t: 0.0 if 15 <= t < 45 else 10e6), lesson(), 60)
    assert max(run.between(run.rate_bps, 30, 44)) < START_BPS
    assert min(run.between(run.sent_bps, 50, 60)) > 0.75 * FULL_BPS


@pytest.mark.parametrize("rate_bps", [0.4e6, 0.7e6, 1.2e6])
def test_a_line_that_comes_back_narrower_is_not_flooded_for_long(simulated, rate_bps):
    run = simulated(Bottleneck(lambda t: 10e6 if t < 15 else 0.0 if t < 25 else rate_bps), lesson(), 60)
    assert sum(queue > 150 for queue in run.between(run.queue_ms, 25, 60)) * 10 < 2600
    assert sum(queue > 150 for queue in run.between(run.queue_ms, 30, 60)) * 10 < 500
    estimates = run.between(run.rate_bps, 35, 60)
    assert sum(estimates) / len(estimates) > 0.75 * rate_bps


def test_the_receivers_silence_halves_the_estimate_each_second():
    estimator = LineEstimator(0.0)
    estimator.take_window(window(1.0))
    estimator.watch(1.0 + SILENCE_S - 0.1)
    assert estimator.rate_bps >= START_BPS
    estimator.watch(1.0 + SILENCE_S)
    estimator.watch(1.0 + SILENCE_S + 1.0)
    assert estimator.rate_bps < 0.3 * START_BPS


def test_heavy_loss_is_answered_with_what_still_arrived():
    estimator = LineEstimator(0.0)
    for step in range(12):
        estimator.take_window(ReceiverWindow(1, 1.0 + 0.2 * step, 200.0, 200_000, 50_000, 40, 30, 0.0, False, 0.0))
    assert estimator.rate_bps == pytest.approx(0.9 * 250_000, rel=0.05)


def test_a_failed_probe_is_repeated_later_and_later():
    estimator = LineEstimator(0.0)
    asked = []
    for step in range(600):
        now = 0.2 * step
        estimator.take_window(window(now))
        plan = estimator.plan_probe(now, 3_000_000)
        if plan is not None:
            asked.append(now)
            bits = plan.bits_per_second * plan.duration_ms // 1000
            estimator.take_probe(ProbeResult(1, now, bits, bits, 3.0 * plan.duration_ms, 0, 200.0, 150.0))
    gaps = [round(later - sooner) for sooner, later in itertools.pairwise(asked)]
    assert gaps[:4] == [5, 10, 20, 40]


def test_no_probe_goes_out_while_nothing_is_heard_or_nothing_more_is_wanted():
    estimator = LineEstimator(0.0)
    assert estimator.plan_probe(0.0, 3_000_000) is None
    estimator.take_window(window(0.2))
    assert estimator.plan_probe(0.2, START_BPS / 2) is None
    assert estimator.plan_probe(5.0, 3_000_000) is None
    assert estimator.plan_probe(0.3, 3_000_000) is not None


def test_a_probe_without_answer_is_forgotten():
    estimator = LineEstimator(0.0)
    estimator.take_window(window(0.2))
    assert estimator.plan_probe(0.2, 3_000_000) is not None
    estimator.take_window(window(6.0))
    estimator.watch(6.0)
    assert estimator.plan_probe(6.0, 3_000_000) is not None


def test_what_was_lost_while_a_receiver_changed_its_path_says_nothing_of_the_new_one():
    line = LineEstimator(0.0)
    for number in range(20):
        line.take_window(window(number * 0.2))
    rate_bps = line.rate_bps
    line.moved(6.0)
    line.take_window(window(6.1, bps=20_000, lost=300, packets=310))
    line.take_window(window(6.4, lost=30))
    assert line.rate_bps >= rate_bps
    for number in range(10):
        line.take_window(window(7.0 + number * 0.2, bps=100_000, lost=30))
    assert line.rate_bps < rate_bps


def test_packets_that_waited_in_a_busy_computer_are_no_queue_of_the_line():
    estimator = LineEstimator(0.0)
    for step in range(30):
        # A receiver that stands still for 0.3 s at a time: what came meanwhile it takes at once, the last in time.
        estimator.take_window(window(1.0 + 0.2 * step, queue_ms=160.0, least_queue_ms=3.0))
    assert estimator.rate_bps >= START_BPS
    estimator.take_window(window(7.0, queue_ms=160.0, least_queue_ms=120.0))
    assert estimator.rate_bps < START_BPS


def test_a_probe_during_which_a_computer_stood_still_is_believed():
    estimator = LineEstimator(0.0)
    estimator.take_window(window(0.2))
    plan = estimator.plan_probe(0.2, 3_000_000)
    bits = plan.bits_per_second * plan.duration_ms // 1000
    assert estimator.take_probe(ProbeResult(1, 0.6, bits, bits, plan.duration_ms, 0, 120.0, 2.0))
    assert estimator.rate_bps > 2 * START_BPS


def test_who_did_not_listen_does_not_call_the_receiver_silent():
    """The relay's own process was held up for five seconds; the reports of that time are taken in after the look."""
    estimator = LineEstimator(0.0)
    for step in range(10):
        estimator.take_window(window(0.2 * step))
        estimator.watch(0.2 * step)
    rate = estimator.rate_bps
    estimator.watch(6.8)
    assert estimator.rate_bps == rate
    estimator.take_window(window(6.8))
    estimator.watch(7.2)
    assert estimator.rate_bps >= rate
    for step in range(20):  # now it is the receiver
        estimator.watch(7.2 + 0.4 * step)
    assert estimator.rate_bps == LEAST_BPS


def test_reports_that_are_taken_in_late_and_together_ask_for_less_only_once():
    """The relay's process was held up for 1.4 s while a line became narrow: none of them knows of the first cut."""
    estimator, once = LineEstimator(0.0), LineEstimator(0.0)
    late = [window(1.0 + 0.2 * step, bps=450_000, queue_ms=120.0 + 80 * step) for step in range(8)]
    once.take_window(late[0], now=2.4)
    for one in late:
        estimator.take_window(one, now=2.4)
    assert START_BPS > once.rate_bps == estimator.rate_bps
    estimator.take_window(window(3.5, bps=250_000, queue_ms=400.0), now=3.5)
    assert estimator.rate_bps < once.rate_bps


def test_after_a_short_silence_the_line_is_asked_at_once_about_all_it_carried():
    estimator = LineEstimator(0.0)
    at = 0.0
    while estimator.rate_bps < 2_500_000:
        at += 0.2
        estimator.take_window(window(at, bps=estimator.rate_bps))
    before = estimator.rate_bps
    for step in range(1, 20):
        estimator.watch(at + 0.4 * step)
    assert estimator.silent
    assert estimator.lately_bps == before
    back = at + 8.0
    estimator.take_window(window(back, bps=40_000))
    assert 0.4 * before < estimator.rate_bps < 0.6 * before
    estimator.take_window(window(back + 0.4, bps=40_000))
    assert estimator.plan_probe(back + 0.4, 4_000_000).bits_per_second > before


def test_who_comes_back_begins_with_half_of_what_the_line_carried_and_asks_for_all_of_it():
    estimator = LineEstimator(100.0, before_bps=2_400_000)
    assert estimator.rate_bps == 1_200_000
    estimator.take_window(window(100.3))
    assert estimator.plan_probe(100.3, 2_400_000).bits_per_second >= 2_400_000
    assert LineEstimator(0.0, before_bps=80_000).rate_bps == START_BPS


def test_a_probe_that_met_a_burst_of_losses_is_made_again_soon_but_not_for_ever():
    estimator = LineEstimator(0.0)
    asked, now = [], 0.0
    while now < 40.0:
        now += 0.2
        estimator.take_window(window(now, lost=3))
        plan = estimator.plan_probe(now, 3_000_000)
        if plan is not None:
            asked.append(now)
            bits = plan.bits_per_second * plan.duration_ms // 1000
            now += 0.2
            estimator.take_window(window(now, lost=3))
            estimator.take_probe(ProbeResult(1, now, bits, bits // 2, plan.duration_ms, 20, 0.0, 0.0))
    gaps = [later - before for before, later in itertools.pairwise(asked)]
    assert all(gap < 2.5 for gap in gaps[:4])
    assert gaps[4] > 4.5
