"""The servers under test bring every packet of a small load to every receiver."""

import asyncio
from pathlib import Path

import pytest
from benchmarks.forward.generator import Generator
from benchmarks.forward.keyed_servers import KeyedServer
from benchmarks.forward.loads import fan_out, lessons
from benchmarks.forward.measure import measure
from benchmarks.forward.network import LOOPBACK
from benchmarks.forward.relay_server import RelayServer

REPOSITORY = Path(__file__).parents[3]
SERVERS = {
    "floor": lambda: KeyedServer("floor", "floor", REPOSITORY),
    "floor-frame": lambda: KeyedServer("floor-frame", "floor", REPOSITORY, by_frame=True),
    "core": lambda: KeyedServer("core", "core", REPOSITORY),
    "relay": lambda: RelayServer(LOOPBACK.server_address, REPOSITORY),
}


def measured(name, load, window=0):
    async def whole():
        server = SERVERS[name]()
        await server.start()
        generator = Generator(load, LOOPBACK)
        try:
            await server.connect(generator, load)
            result = await measure(server, generator, seconds=0.5, lessons=load.lessons, window=window, warm_up_s=0.3)
            legs = {leg: generator.leg_packets(leg) for leg in range(2 * len(load.parties))}
            return result, legs
        finally:
            await server.stop()
            generator.close()

    return asyncio.run(whole())


@pytest.mark.parametrize("name", SERVERS)
def test_every_receiver_gets_every_packet(name):
    load = lessons(2)
    result, legs = measured(name, load)
    assert result.loss == 0
    assert result.forged == 0
    assert result.us_per_packet > 0
    for party in load.parties:
        expected = 165 if party.lead else 260
        assert legs[party.receiving_leg] == pytest.approx(expected, rel=0.4)
        assert legs[party.publishing_leg] == 0


@pytest.mark.parametrize("name", SERVERS)
def test_saturation_exceeds_the_nominal_rate_without_loss(name):
    load = fan_out(3)
    result, _legs = measured(name, load, window=64)
    assert result.packets_per_s > 3 * load.packets_out_per_s
    assert result.loss < 0.001
    assert result.forged == 0
