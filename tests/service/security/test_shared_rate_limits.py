"""Attempts counted for all replicas in a real Redis, and by each replica for itself while Redis is away."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from redis_server import RedisServer, running_redis

from service.problems import TooManyAttempts
from service.security.rate_limits import Limit
from service.security.shared_rate_limits import SharedRateLimits

THREE = Limit("three in a minute", 3, 60)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


def test_two_replicas_count_together_and_a_success_begins_anew(redis: RedisServer) -> None:
    namespace = uuid4().hex
    one, other = (SharedRateLimits(redis.url, namespace) for _ in range(2))
    one.check(THREE, "teacher")
    other.check(THREE, "teacher")
    one.check(THREE, "teacher")
    with pytest.raises(TooManyAttempts) as refused:
        other.check(THREE, "teacher")
    assert 50 < int(refused.value.headers["Retry-After"]) <= 60
    other.check(THREE, "somebody else")
    one.forget(THREE, "teacher")
    other.check(THREE, "teacher")
    one.close()
    other.close()


def test_redis_learns_no_name(redis: RedisServer) -> None:
    limits = SharedRateLimits(redis.url, "n")
    limits.check(THREE, "王老师")
    assert b"\xe7\x8e\x8b" not in b"".join(limits._redis.keys("*"))
    limits.close()


def test_while_redis_is_away_a_replica_counts_for_itself(redis: RedisServer) -> None:
    limits = SharedRateLimits(redis.url, "n")
    limits.check(THREE, "teacher")
    redis.kill()
    for _ in range(3):
        limits.check(THREE, "teacher")
    with pytest.raises(TooManyAttempts):
        limits.check(THREE, "teacher")
    assert limits.absences == 1
    redis.start()
    limits.close()
