"""Attempts are counted in a sliding window, for each key apart, in bounded memory."""

import pytest

from service.problems import TooManyAttempts
from service.security.rate_limits import Limit, RateLimits

LIMIT = Limit("test", attempts=3, window_s=10)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def allowed(limits: RateLimits, key: str = "a") -> bool:
    try:
        limits.check(LIMIT, key)
    except TooManyAttempts:
        return False
    return True


def test_the_window_slides() -> None:
    time = Time()
    limits = RateLimits(time)
    outcomes = []
    for second in (0, 4, 8, 9, 10, 11, 14, 15):
        time.now = 1000.0 + second
        outcomes.append(allowed(limits))
    assert outcomes == [True, True, True, False, True, False, True, False]


def test_the_wait_that_is_told_is_enough() -> None:
    time = Time()
    limits = RateLimits(time)
    for _ in range(3):
        limits.check(LIMIT, "a")
    with pytest.raises(TooManyAttempts) as caught:
        limits.check(LIMIT, "a")
    time.now += int(caught.value.headers["Retry-After"])
    assert allowed(limits)


def test_keys_and_limits_do_not_disturb_each_other() -> None:
    limits = RateLimits(Time())
    assert [allowed(limits, "a") for _ in range(4)] == [True, True, True, False]
    assert allowed(limits, "b")
    limits.check(Limit("other", 1, 10), "a")


def test_success_begins_anew() -> None:
    limits = RateLimits(Time())
    for _ in range(3):
        limits.check(LIMIT, "a")
    limits.forget(LIMIT, "a")
    assert allowed(limits)


def test_memory_is_bounded_and_the_busy_are_remembered() -> None:
    limits = RateLimits(Time(), most_keys=10)
    for _ in range(3):
        limits.check(LIMIT, "busy")
    for number in range(100):
        limits.check(LIMIT, f"quiet {number}")
        assert not allowed(limits, "busy")
