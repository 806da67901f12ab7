"""`three-classrooms relay`: one relay of a fleet as a process of its own, one for each core."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator

from media.contract import fleet_topic
from media.relay.relay import Relay
from service.bootstrap import check_redis, make_redis_bus, relay_configuration
from service.command_line.terminal import say
from service.configuration import Configuration, ConfigurationError
from service.monitoring.tracing import running_tracing

log = logging.getLogger(__name__)

HEARTBEAT_S = 0.5
LOOK_EVERY_S = 0.2
HANDED_OVER_WITHIN_S = 12.0
"""Once a relay leaves, others take its lessons over within this time: longer than clients are given to move."""


def run_relay(configuration: Configuration, cpu: int | None) -> None:
    """Relay until it was asked to stop and its lessons are over or elsewhere. Raises ConfigurationError."""
    if cpu is not None:
        _keep_to(cpu)
    with running_tracing(configuration, "relay", configuration.relay_id):
        asyncio.run(_relay(configuration))


def _keep_to(cpu: int) -> None:
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        allowed = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        raise ConfigurationError(f"there is no core {cpu} for this process; there are {allowed}") from error


async def _relay(configuration: Configuration) -> None:
    if configuration.redis_url is None:
        raise ConfigurationError("a relay of its own needs REDIS_URL; without, `three-classrooms serve` has one inside")
    bus = make_redis_bus(configuration, configuration.redis_url)
    await check_redis(bus)
    relay_id = configuration.relay_id
    try:
        configuration.journal_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the data folder cannot be used: {error.strerror}") from error
    relay = Relay(
        relay_configuration(
            configuration, relay_id, heartbeat_s=HEARTBEAT_S, grant_key=configuration.effective_fleet_key
        ),
        bus,
        fleet_topic,
    )
    spool = configuration.data_folder / "spool" / f"{relay_id}.jsonl"
    asked = Asked()
    async with bus.running(spool):
        if not bus.reach.connected:
            say("waiting for Redis")
        async with _running(relay, configuration), bus.alive(relay_id):
            print(f"READY {json.dumps({'relay_id': relay_id, 'udp_port': relay.udp_port})}", flush=True)
            say(f"relay {relay_id} on UDP port {relay.udp_port}; Ctrl-C drains it, twice moves its lessons")
            await asked.drain.wait()
            await _drain(relay, asked, configuration.relay_drain_minutes * 60)
    say("stopped")


@contextlib.asynccontextmanager
async def _running(relay: Relay, configuration: Configuration) -> AsyncIterator[None]:
    try:
        await relay.start()
    except OSError as error:
        raise ConfigurationError(
            f"UDP port {configuration.udp_port} cannot be opened ({error.strerror}); "
            "stop what uses it or choose another with --udp-port"
        ) from error
    try:
        yield
    finally:
        await relay.stop()


async def _drain(relay: Relay, asked: "Asked", patience_s: float) -> None:
    """Take no new lessons; wait for the end of those there are, then for others to take over what is left."""
    relay.drain()
    if relay.lessons:
        say(f"draining: {relay.lessons} lessons go on here for at most {patience_s / 60:.0f} minutes")
    empty = asyncio.create_task(_until_empty(relay, patience_s))
    moving = asyncio.create_task(asked.move.wait())
    await asyncio.wait({empty, moving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (empty, moving):
        task.cancel()
    if relay.lessons:
        say(f"{relay.lessons} lessons move to other relays")
        relay.drain(leaving=True)
        await _until_empty(relay, HANDED_OVER_WITHIN_S)


async def _until_empty(relay: Relay, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while relay.lessons:  # noqa: ASYNC110 - lessons end in many ways; five times a second costs nothing
                await asyncio.sleep(LOOK_EVERY_S)


class Asked:
    """What was asked of the process by signals: to drain, then to move its lessons, then to stop at once."""

    def __init__(self) -> None:
        self.drain, self.move = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        if self.move.is_set():
            say("stopped at once, because it was asked three times")
            os._exit(130)
        if self.drain.is_set():
            self.move.set()
        self.drain.set()
