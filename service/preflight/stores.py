"""What the deployment keeps things in, asked for real: the database, Redis, and the store of recordings."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from service.configuration import Configuration, ConfigurationError
from service.preflight.findings import Finding, failure, good, warning
from service.recordings.object_store import StoreUnavailableError
from service.recordings.store_choice import choose_store
from service.storage.base import new_id
from service.storage.database import Database

OLDEST_POSTGRESQL = 14
OLDEST_REDIS = 7
MOST_CLOCK_DIFFERENCE_S = 2.0
CONNECT_WITHIN_S = 5


def check_database(configuration: Configuration) -> Iterator[Finding]:
    """Whether the database takes us, is new enough, and shares our clock."""
    subject = "database"
    if configuration.database_url is None:
        yield good(subject, "SQLite in the data folder")
        return
    try:
        database = Database(configuration.effective_database_url)
    except (SQLAlchemyError, ImportError) as error:
        yield failure(subject, f"DATABASE_URL cannot be used ({_first_line(error)})", "correct DATABASE_URL")
        return
    try:
        with database.engine.connect() as connection:
            yield from _judge_database(connection)
    except SQLAlchemyError as error:
        yield failure(subject, f"does not take us ({_first_line(error)})", "start it, or correct DATABASE_URL")
    finally:
        database.close()


def _judge_database(connection: Connection) -> Iterator[Finding]:
    subject = "database"
    if connection.dialect.name != "postgresql":
        yield good(subject, f"{connection.dialect.name} answers")
        return
    number = int(connection.scalar(text("SHOW server_version_num")) or 0)
    version = number // 10_000
    if version < OLDEST_POSTGRESQL:
        yield failure(subject, f"PostgreSQL {version} is too old", f"use PostgreSQL {OLDEST_POSTGRESQL} or newer")
    else:
        yield good(subject, f"PostgreSQL {version} answers")
    if not connection.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")):
        yield failure(subject, "its user may not create tables", "GRANT CREATE ON SCHEMA public TO that user")
    here, there = time.time(), float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
    yield _clock_beside("database", there - here)


def check_redis(configuration: Configuration) -> Iterator[Finding]:
    """Whether Redis takes us, keeps what it was given, throws nothing away, and shares our clock."""
    subject = "Redis"
    if configuration.redis_url is None:
        yield good(subject, "not used: one process does everything")
        return
    try:
        redis: Redis = Redis.from_url(
            configuration.redis_url, socket_connect_timeout=CONNECT_WITHIN_S, socket_timeout=CONNECT_WITHIN_S
        )
    except ValueError as error:
        yield failure(subject, f"REDIS_URL is no address of a Redis ({error})", "correct REDIS_URL")
        return
    with redis:
        try:
            yield from _judge_redis(redis)
        except RedisError as error:
            yield failure(subject, f"does not take us ({error})", "start it, or correct user and password in REDIS_URL")
    try:
        _ = configuration.effective_fleet_key
        yield good("fleet key", "is there")
    except ConfigurationError as error:
        yield failure("fleet key", str(error), "make one and give it to every process")


def _judge_redis(redis: Redis) -> Iterator[Finding]:
    subject = "Redis"
    version = str(redis.info("server")["redis_version"])
    if int(version.partition(".")[0]) < OLDEST_REDIS:
        yield failure(subject, f"Redis {version} is too old", f"use Redis {OLDEST_REDIS} or newer")
    else:
        yield good(subject, f"Redis {version} answers")
    if not int(redis.info("persistence")["aof_enabled"]):
        yield warning(subject, "does not keep what waits in it when it dies", "set appendonly yes")
    policy = str(redis.info("memory").get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        yield failure(subject, f"throws data away when it is full ({policy})", "set maxmemory-policy noeviction")
    here, (seconds, microseconds) = time.time(), redis.time()
    yield _clock_beside("Redis", seconds + microseconds / 1e6 - here)


def check_recordings_store(configuration: Configuration) -> Iterator[Finding]:
    """Whether a small object can be put, read and deleted in the store of recordings."""
    subject = "recordings' store"
    if configuration.s3_endpoint is None:
        yield good(subject, "the data folder")
        return
    host = urlsplit(configuration.s3_endpoint).netloc
    key, content = f"check/{new_id()}", f"checked {datetime.now(UTC):%Y-%m-%d}".encode()
    try:
        store = choose_store(configuration)
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe")
            probe.write_bytes(content)
            store.put_file(key, probe)
        came_back = b"".join(store.read(key, 0, len(content)))
        store.delete(key)
    except (ConfigurationError, StoreUnavailableError) as error:
        yield failure(subject, f"{host} does not take us ({error})", "correct the S3_ settings, or make the bucket")
        return
    if came_back == content:
        yield good(subject, f"{host} keeps, gives and deletes")
    else:
        yield failure(subject, f"{host} gives back something else than it was given", "use another store")


def _clock_beside(name: str, difference_s: float) -> Finding:
    subject = "clock"
    if abs(difference_s) <= MOST_CLOCK_DIFFERENCE_S:
        return good(subject, f"agrees with the {name}'s")
    direction = "ahead of" if difference_s > 0 else "behind"
    text_of = f"the {name}'s clock is {abs(difference_s):.0f} s {direction} ours"
    return failure(subject, text_of, "let both machines follow a time server")


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
