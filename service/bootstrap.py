"""The one composition root: chooses the real parts of a deployment and plugs them together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import Any

import ifaddr
from sqlalchemy.engine import make_url

from media.contract.messages import REPLICA_LENGTH
from media.recorder.digest import FileDigester
from media.recorder.disk_space import MIB, SpaceLimits
from media.recorder.handout.maker import ComposingHandoutMaker
from media.recorder.live.recorder import JournalLiveRecorder
from media.recorder.recording_maker import JournalRecordingMaker
from media.relay.configuration import RelayConfiguration
from media.relay.relay import Relay
from service.accounts.setup import Setup
from service.bus.lease import RedisLease
from service.bus.memory import MemoryBus
from service.bus.redis_bus import NAMESPACE, RedisBus, RefusedByRedisError
from service.configuration import Configuration, ConfigurationError
from service.jobs.redis_queue import RedisJobs
from service.live.live import FleetWiring
from service.parts import Parts
from service.recordings.subprocess_maker import SubprocessHandoutMaker, SubprocessMaker
from service.replay.subprocess_digester import SubprocessDigester
from service.security.shared_rate_limits import SharedRateLimits
from service.security.tokens import derive_token
from service.storage.base import new_id
from service.storage.database import Database
from service.storage.schema import SchemaError, prepare_schema

RELAY_ID = "relay-1"
LEADER = "lease.leader"


def make_parts(configuration: Configuration) -> Parts:
    """Real parts over `configuration`; nothing is opened or written yet. Raises ConfigurationError."""
    if configuration.redis_url is not None:
        return _make_fleet_parts(configuration, configuration.redis_url)
    return Parts(**_common_parts(configuration), bus=MemoryBus(), relay_ids=(RELAY_ID,))


def _common_parts(configuration: Configuration) -> dict[str, Any]:
    return {
        "configuration": configuration,
        "database": Database(configuration.effective_database_url),
        "recording_maker": SubprocessMaker(JournalRecordingMaker()),
        "handout_maker": SubprocessHandoutMaker(ComposingHandoutMaker()),
        "live_recorder": JournalLiveRecorder(),
        "stream_digester": SubprocessDigester(FileDigester()),
    }


def _make_fleet_parts(configuration: Configuration, redis_url: str) -> Parts:
    """The parts of one process of several: a replica of the service, or a worker."""
    bus = make_redis_bus(configuration, redis_url)
    key = configuration.effective_fleet_key
    replica_id = new_id()[:REPLICA_LENGTH]
    lease = RedisLease(bus.redis, bus.reach, bus.key_of(LEADER), replica_id)
    jobs = RedisJobs(redis_url, NAMESPACE)
    return Parts(
        **_common_parts(configuration),
        bus=bus,
        relay_ids=(),
        rate_limits=SharedRateLimits(redis_url, NAMESPACE),
        setup=Setup(derive_token(key, "setup")),
        replica_id=replica_id,
        wiring=FleetWiring(lease, bus.listeners, key, bus.reach, lambda: bus.waiting),
        make_queue=jobs.queue,
        sending_jobs=jobs.running,
    )


def make_redis_bus(configuration: Configuration, redis_url: str) -> RedisBus:
    """The bus between processes; not connected yet. Raises ConfigurationError."""
    try:
        return RedisBus(redis_url, configuration.effective_fleet_key)
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL is no address of a Redis: {error}") from error


@asynccontextmanager
async def running_bus(parts: Parts, *, leads: bool = True) -> AsyncIterator[None]:
    """The connection to the other processes, and the competition for the lead; nothing where there is one process."""
    bus, wiring = parts.bus, parts.wiring
    if not isinstance(bus, RedisBus) or wiring is None:
        yield
        return
    await check_redis(bus)
    async with bus.running(), parts.sending_jobs(), AsyncExitStack() as stack:
        if leads and isinstance(wiring.leadership, RedisLease):
            await stack.enter_async_context(wiring.leadership.running())
        yield


async def check_redis(bus: RedisBus) -> None:
    """See that Redis takes us, if it is there. Raises ConfigurationError."""
    try:
        await bus.check()
    except RefusedByRedisError as error:
        await bus.redis.aclose()
        raise ConfigurationError(f"Redis refuses us ({error}); correct user and password in REDIS_URL") from error


def prepare_storage(parts: Parts) -> None:
    """Make the data folder and bring the database up to date. Raises ConfigurationError if they cannot be used."""
    configuration = parts.configuration
    folder = configuration.data_folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration.journal_folder.mkdir(mode=0o700, exist_ok=True)
        configuration.recording_folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the data folder {folder} cannot be used: {error.strerror}") from error
    try:
        prepare_schema(parts.database)
    except SchemaError as error:
        address = make_url(configuration.effective_database_url).render_as_string(hide_password=True)
        raise ConfigurationError(f"{address}: {error}") from error


@asynccontextmanager
async def running_relay(parts: Parts) -> AsyncIterator[None]:
    """The relay of a deployment on one machine, in this process. Raises OSError when its UDP port is taken."""
    relay = Relay(relay_configuration(parts.configuration, RELAY_ID), parts.bus)
    await relay.start()
    try:
        yield
    finally:
        await relay.stop()


def relay_configuration(configuration: Configuration, relay_id: str, **differences: Any) -> RelayConfiguration:
    """What a relay is told at its start."""
    common: dict[str, Any] = {
        "relay_id": relay_id,
        "journals_folder": configuration.journal_folder,
        "udp_port": configuration.udp_port,
        "announced_addresses": configuration.announced_addresses or addresses_of_this_machine(),
        "recording_space": SpaceLimits(*(limit * MIB for limit in configuration.recording_free_mb)),
        "capacity": configuration.relay_rooms or 0,
    }
    return RelayConfiguration(**(common | differences))


def addresses_of_this_machine() -> tuple[str, ...]:
    """Every address clients may reach this machine at; loopback last, for browsers on the machine itself."""
    found = []
    for adapter in ifaddr.get_adapters():
        for address in adapter.ips:
            text = address.ip if isinstance(address.ip, str) else address.ip[0]
            parsed = ip_address(text)
            if not parsed.is_link_local and not parsed.is_loopback:
                found.append(text)
    return (*found, "127.0.0.1")
