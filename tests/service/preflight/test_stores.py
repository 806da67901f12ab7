"""What `check` says of a real PostgreSQL and a real Redis, well and badly set up, and of a store that is not there."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from postgresql_server import Server
from redis import Redis
from redis_server import RedisServer, running_redis

from service.configuration import Configuration
from service.preflight.findings import Finding, Grade
from service.preflight.stores import check_database, check_recordings_store, check_redis

NOBODY_LISTENS = "127.0.0.1:9"
KEY = "k" * 32


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


def failures(findings: Iterator[Finding]) -> list[str]:
    return [finding.text for finding in findings if finding.grade is Grade.FAILURE]


def test_a_database_in_the_data_folder_needs_nothing() -> None:
    assert failures(check_database(Configuration())) == []


def test_a_postgresql_that_takes_us_is_good(postgresql: Server) -> None:
    with postgresql.copy_of_template(f"t_{uuid4().hex}") as url:
        found = list(check_database(Configuration(database_url=url)))
    assert {finding.grade for finding in found} == {Grade.GOOD}
    assert [finding.subject for finding in found] == ["database", "clock"]


def test_a_postgresql_that_is_not_there_fails_in_one_line() -> None:
    [text] = failures(check_database(Configuration(database_url=f"postgresql://a:b@{NOBODY_LISTENS}/c")))
    assert text.startswith("does not take us")
    assert "\n" not in text


def test_a_driver_nobody_installed_fails_in_words() -> None:
    [text] = failures(check_database(Configuration(database_url="oracle://a:b@nowhere/c")))
    assert "DATABASE_URL cannot be used" in text


def test_a_redis_that_takes_us_is_good(redis: RedisServer) -> None:
    assert failures(check_redis(Configuration(redis_url=redis.url, fleet_key=KEY))) == []


def test_a_redis_that_throws_away_fails(redis: RedisServer) -> None:
    with Redis.from_url(redis.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        found = failures(check_redis(Configuration(redis_url=redis.url, fleet_key=KEY)))
        client.config_set("maxmemory-policy", "noeviction")
    assert found == ["throws data away when it is full (allkeys-lru)"]


def test_a_redis_that_forgets_is_a_warning(redis: RedisServer) -> None:
    with Redis.from_url(redis.url) as client:
        kept = client.config_get("appendonly")["appendonly"]
        client.config_set("appendonly", "no")
        grades = [finding.grade for finding in check_redis(Configuration(redis_url=redis.url, fleet_key=KEY))]
        client.config_set("appendonly", kept)
    assert Grade.WARNING in grades


def test_a_redis_without_a_fleet_key_fails(redis: RedisServer) -> None:
    [text] = failures(check_redis(Configuration(redis_url=redis.url)))
    assert "FLEET_KEY" in text


@pytest.mark.parametrize("url", [f"redis://{NOBODY_LISTENS}/0", "http://redis"])
def test_a_redis_that_cannot_be_asked_fails(url: str) -> None:
    assert len(failures(check_redis(Configuration(redis_url=url, fleet_key=KEY)))) == 1


def test_a_store_that_is_not_there_fails(tmp_path: Path) -> None:
    configuration = Configuration(
        data_folder=tmp_path,
        s3_endpoint=f"http://{NOBODY_LISTENS}",
        s3_bucket="recordings",
        s3_access_key_id="id",
        s3_secret_access_key="secret",
    )
    [text] = failures(check_recordings_store(configuration))
    assert NOBODY_LISTENS in text
