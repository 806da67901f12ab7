"""The judge of growth sees a slow leak under noise, and takes neither peaks nor noise for one."""

import random

import pytest
from benchmarks.soak.growth import Allowance, judge

ALLOWANCE = Allowance(absolute=10.0, share=0.05)


def course(per_hour: float, noise: float, *, peak: float = 0.0) -> list[tuple[float, float]]:
    chance = random.Random(4)
    samples = [(10.0 * n, 100.0 + per_hour * n / 360 + chance.uniform(-noise, noise)) for n in range(360)]
    samples[200] = (samples[200][0], samples[200][1] + peak)
    return samples


def test_a_leak_is_seen_under_noise_larger_than_its_steps() -> None:
    growth = judge(course(per_hour=20.0, noise=5.0), ALLOWANCE)
    assert growth.grows
    assert growth.per_hour == pytest.approx(20.0, abs=1.0)


@pytest.mark.parametrize("peak", [0.0, 500.0])
def test_noise_and_single_peaks_are_no_growth(peak: float) -> None:
    assert not judge(course(per_hour=0.0, noise=5.0, peak=peak), ALLOWANCE).grows


def test_what_is_large_may_gain_a_share() -> None:
    samples = [(float(at), 1000.0 + at / 10) for at in range(300)]
    assert not judge(samples, ALLOWANCE).grows


def test_a_few_samples_are_not_judged() -> None:
    with pytest.raises(ValueError, match="nothing"):
        judge([(0.0, 1.0)] * 9, ALLOWANCE)
