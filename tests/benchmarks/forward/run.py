"""Measures the relay's forwarding beside its floor, Janus VideoRoom and aiortc's MediaRelay, on the same load.

The server has core 0, the generator core 1; servers of one load are interleaved and medians of the runs are told.
Prints a table and, last, one JSON line. Figures from a busy machine are worth little: the table tells its load.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parent))

from child import GENERATOR_CORE
from generator import Generator
from janus_server import JanusServer
from keyed_servers import KeyedServer
from loads import Load, fan_out, lessons
from measure import Result, Server, measure
from network import Network, bench_network
from relay_server import RelayServer
from report import Report

REPOSITORY = Path(__file__).parents[3]
FAN_OUTS = (3, 50, 100, 200)
SATURATING_WINDOW = 256
ALL_SERVERS = ("floor", "floor-frame", "core", "relay", "janus", "janus-loops", "aiortc")

console = Console(stderr=True)


def make_server(name: str, tree: Path, network: Network) -> Server:
    """A server under test by its name."""
    if name == "floor":
        return KeyedServer("floor", "floor", tree)
    if name == "floor-frame":
        return KeyedServer("floor-frame", "floor", tree, by_frame=True)
    if name == "core":
        return KeyedServer("core", "core", tree)
    if name == "relay":
        return RelayServer(network.server_address, tree)
    if name in {"janus", "janus-loops"}:
        if not network.hides_loopback:
            raise SystemExit("Janus offers no loopback candidates: measuring it takes the right to make a veth pair (root)")
        return JanusServer(name, network.server_address, event_loops=1 if name == "janus-loops" else 0)
    raise SystemExit(f"{name} is no server: choose of {', '.join(ALL_SERVERS)}")


def make_load(name: str) -> Load:
    """A load by its name, like fanout_50 or lessons_10."""
    kind, _, count = name.partition("_")
    if kind in {"fanout", "lessons"} and count.isdecimal() and int(count):
        return (fan_out if kind == "fanout" else lessons)(int(count))
    raise SystemExit(f"{name} is no load: say fanout_<receivers> or lessons_<count>")


async def run_once(server_name: str, load: Load, network: Network, arguments: argparse.Namespace) -> list[Result]:
    """Start a server, bring the load in, measure at the nominal rate and, with one publisher, saturated."""
    server = make_server(server_name, arguments.tree, network)
    await server.start()
    generator = None
    try:
        generator = Generator(load, network)
        await server.connect(generator, load)
        results = []
        if "nominal" in arguments.drive:
            results.append(await measure(server, generator, seconds=arguments.seconds, lessons=load.lessons))
        if "saturated" in arguments.drive and load.name.startswith("fan-out"):
            results.append(
                await measure(server, generator, seconds=arguments.seconds, lessons=1, window=arguments.window)
            )
        return results
    finally:
        if generator is not None:
            generator.close()
        await server.stop()


async def run_all(arguments: argparse.Namespace, network: Network) -> Report:
    """All loads, all servers, interleaved."""
    report = Report()
    for load_name in arguments.loads:
        load = make_load(load_name)
        for number in range(arguments.runs):
            for server_name in arguments.servers:
                for result in await run_once(server_name, load, network, arguments):
                    report.add(load_name, result)
                    console.print(f"[dim]run {number + 1}/{arguments.runs} {result}[/dim]")
    return report


def names(text: str) -> list[str]:
    """A list separated by commas."""
    return [name for name in text.split(",") if name]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=names, default=["floor", "core"], help=f"of {','.join(ALL_SERVERS)}")
    loads = [f"fanout_{n}" for n in FAN_OUTS] + ["lessons_10"]
    parser.add_argument("--loads", type=names, default=loads, help="fanout_<n> and lessons_<n>")
    parser.add_argument("--drive", type=names, default=["nominal", "saturated"], help="nominal, saturated, or both")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, whose median counts (default 3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measured run (default 5)")
    parser.add_argument("--window", type=int, default=SATURATING_WINDOW, help="packets on their way when saturated")
    parser.add_argument("--quick", action="store_true", help="one run of one second each")
    parser.add_argument("--tree", type=Path, default=REPOSITORY, help="checkout whose relay is measured")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.runs, arguments.seconds = 1, 1.0
    os.sched_setaffinity(0, {GENERATOR_CORE % (os.cpu_count() or 1)})
    with bench_network() as network:
        report = asyncio.run(run_all(arguments, network))
    report.print()


main()
