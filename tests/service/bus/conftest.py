"""A real Redis for the tests of this folder."""

from collections.abc import Iterator

import pytest
from redis_server import RedisServer, running_redis


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A Redis that stays up; tests use namespaces of their own."""
    with running_redis() as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis a test may kill."""
    with running_redis() as server:
        yield server
