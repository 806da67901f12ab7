"""The cache and the resend limits hold their bounds whatever is asked of them."""

from forwarder_oracle.cache import MediaPacket, PacketCache
from forwarder_oracle.resend import ResendLimiter
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(0, 400), max_size=200))
def test_the_cache_holds_exactly_the_last_packet_of_each_slot(numbers):
    cache, model = PacketCache(64), {}
    for number in numbers:
        packet = MediaPacket(number, False, 0, "opus", b"x")
        cache.put(packet)
        model[number % 64] = packet
    for number in range(401):
        expected = model.get(number % 64)
        assert cache.get(number) is (expected if expected is not None and expected.ext_seq == number else None)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(100, 1200), st.floats(0, 0.1)), max_size=300))
def test_resends_are_spaced_few_and_within_the_budget(requests):
    limiter, now, resent, total = ResendLimiter(), 0.0, {}, 0
    for number, size, wait in requests:
        now += wait
        limiter.sent(100)
        if limiter.allow(number, size, 0.05, now):
            times = resent.setdefault(number, [])
            assert not times or now - times[-1] >= 0.6 * 0.05
            times.append(now)
            assert len(times) <= 8
            total += size
    assert total <= 60_000 + 25 * len(requests)


def test_the_budget_runs_dry_and_is_earned_back_by_new_packets():
    limiter = ResendLimiter()
    allowed = sum(limiter.allow(number, 1000, None, 0.0) for number in range(100))
    assert allowed == 60
    limiter.sent(3999)
    assert not limiter.allow(1000, 1000, None, 0.0)
    limiter.sent(1)
    assert limiter.allow(1000, 1000, None, 0.0)


def test_a_long_round_trip_does_not_stop_repairs_for_good():
    limiter = ResendLimiter()
    assert limiter.allow(1, 10, 9.0, 0.0)
    assert not limiter.allow(1, 10, 9.0, 0.99)
    assert limiter.allow(1, 10, 9.0, 1.01)
