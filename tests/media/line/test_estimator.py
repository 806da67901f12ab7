"""The estimate against a simulated bottleneck in virtual time: fast down, back up, steady, never a standing queue."""

import itertools
import random

import pytest
from simulated_line import Bottleneck, lesson

from media.forwarder.api import ProbeResult, ReceiverWindow
from media.line.estimator import SILENCE_S, START_BPS, LineEstimator

FULL_BPS = 2_420_000
"What the simulated lesson takes in full."


def window(at, *, bps=400_000, queue_ms=0.0, lost=0, packets=40):
    return ReceiverWindow(1, at, 200.0, int(bps * 0.2), int(bps * 0.2), packets, lost, queue_ms, False)


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


def test_after_an_outage_everything_is_back_within_five_seconds(simulated):
    run = simulated(Bottleneck(lambda t: 0.0 if 15 <= t < 45 else 10e6), lesson(), 60)
    assert max(run.between(run.rate_bps, 30, 44)) < START_BPS
    assert min(run.between(run.sent_bps, 50, 60)) > 0.75 * FULL_BPS


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
        estimator.take_window(ReceiverWindow(1, 1.0 + 0.2 * step, 200.0, 200_000, 50_000, 40, 30, 0.0, False))
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
            estimator.take_probe(ProbeResult(1, now, bits, bits, 3.0 * plan.duration_ms, 0, 200.0))
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
