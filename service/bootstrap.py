"""The one composition root: chooses the real parts of a deployment and plugs them together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import ifaddr

from media.recorder.disk_space import MIB, SpaceLimits
from media.recorder.recording_maker import JournalRecordingMaker
from media.relay.configuration import RelayConfiguration
from media.relay.relay import Relay
from service.bus.memory import MemoryBus
from service.configuration import Configuration, ConfigurationError
from service.parts import Parts
from service.recordings.subprocess_maker import SubprocessMaker
from service.storage.database import Database
from service.storage.schema import SchemaError, prepare_schema

RELAY_ID = "relay-1"


def make_parts(configuration: Configuration) -> Parts:
    """Real parts over `configuration`; nothing is opened or written yet."""
    return Parts(
        configuration=configuration,
        database=Database(configuration.effective_database_url),
        bus=MemoryBus(),
        recording_maker=SubprocessMaker(JournalRecordingMaker()),
        relay_ids=(RELAY_ID,),
    )


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
        raise ConfigurationError(f"{configuration.effective_database_url}: {error}") from error


@asynccontextmanager
async def running_relay(parts: Parts) -> AsyncIterator[None]:
    """The relay of a deployment on one machine, in this process. Raises OSError when its UDP port is taken."""
    configuration = parts.configuration
    relay = Relay(
        RelayConfiguration(
            relay_id=RELAY_ID,
            journals_folder=configuration.journal_folder,
            udp_port=configuration.udp_port,
            announced_addresses=configuration.announced_addresses or addresses_of_this_machine(),
            recording_space=SpaceLimits(*(limit * MIB for limit in configuration.recording_free_mb)),
        ),
        parts.bus,
    )
    await relay.start()
    try:
        yield
    finally:
        await relay.stop()


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
