"""Measures the relay's forwarding beside its floor, Janus VideoRoom and aiortc's MediaRelay, on the same load.

The server has core 0, the generator core 1; servers of one load are interleaved and medians of the runs are told.
Prints tables and, last, one JSON line. Figures from a busy machine are worth little: the tables tell its load.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.forward.aiortc_server import AiortcServer
from benchmarks.forward.child import GENERATOR_CORE
from benchmarks.forward.generator import Generator
from benchmarks.forward.held import find_held
from benchmarks.forward.janus_server import JanusServer
from benchmarks.forward.keyed_servers import KeyedServer
from benchmarks.forward.loads import Load, fan_out, lessons
from benchmarks.forward.measure import Result, Server, measure
from benchmarks.forward.network import Network, bench_network
from benchmarks.forward.priority import raised_session
from benchmarks.forward.relay_server import RelayServer
from benchmarks.forward.report import SATURATED_LOADS, Report

REPOSITORY = Path(__file__).parents[3]
FAN_OUTS = (3, 50, 100, 200)
SERVERS = ("floor", "floor-frame", "core", "relay", "janus", "janus-loops", "aiortc")
KEYED = ("floor", "floor-frame", "core")
NOT_FOR_LESSONS = (*KEYED, "aiortc")
AIORTC_LOAD = "fanout_3"
"All that aiortc carries on one core: it encodes once for each receiver."
SATURATING_WINDOW = 256
JANUS_SATURATING_WINDOW = 64
"Its sockets have the system's small buffers."
LESSONS_TRIED = {"relay": 320, "janus": 60, "janus-loops": 90}

console = Console(stderr=True, width=200)


def make_server(name: str, tree: Path, network: Network) -> Server:
    """A server under test by its name."""
    if name in KEYED:
        program = "core" if name == "core" else "floor"
        return KeyedServer(name, program, tree, by_frame=name == "floor-frame")
    if name == "relay":
        return RelayServer(network.server_address, tree)
    if name == "aiortc":
        return AiortcServer(network.server_address, tree)
    if not network.hides_loopback:
        raise SystemExit("Janus offers no loopback candidates: to measure it, the bench must make a veth pair (root)")
    return JanusServer(name, network.server_address, event_loops=1 if name == "janus-loops" else 0)


def drives_told(server_name: str, load_name: str) -> list[str]:
    """How a server is driven for the figure that the JSON line tells of this load."""
    return ["saturated" if load_name in SATURATED_LOADS and server_name != "aiortc" else "nominal"]


def make_load(name: str) -> Load:
    """A load by its name, like fanout_50 or lessons_10."""
    kind, _, count = name.partition("_")
    if kind in {"fanout", "lessons"} and count.isdecimal() and int(count):
        return (fan_out if kind == "fanout" else lessons)(int(count))
    raise SystemExit(f"{name} is no load: say fanout_<receivers> or lessons_<count>")


class Bench:
    """One run of the benchmark."""

    def __init__(self, arguments: argparse.Namespace, network: Network) -> None:
        self._arguments = arguments
        self._network = network
        self.report = Report()
        self.failures: list[str] = []

    async def run(self) -> None:
        """All loads with all servers interleaved, then the lessons held."""
        for load_name in self._arguments.loads:
            load = make_load(load_name)
            for _ in range(self._arguments.runs):
                for server_name in self._arguments.servers:
                    if server_name == "aiortc" and load_name != AIORTC_LOAD:
                        continue
                    await self._survive(
                        f"{server_name} under {load_name}", self._run_load(server_name, load_name, load)
                    )
        for server_name in self._arguments.held:
            await self._survive(f"lessons held by {server_name}", self._find_held(server_name))

    async def _survive(self, what: str, part: Coroutine[Any, Any, None]) -> None:
        """One server's fault must not cost the figures of the others."""
        try:
            await part
        except Exception as error:
            self.failures.append(f"{what}: {type(error).__name__}: {error}")
            console.print(f"[red]{self.failures[-1]}[/red]")

    async def _run_load(self, server_name: str, load_name: str, load: Load) -> None:
        """At the nominal rate and, where there is one publisher, saturated."""
        arguments = self._arguments
        server = make_server(server_name, arguments.tree, self._network)
        generator = None
        try:
            await server.start()
            generator = Generator(load, self._network)
            await server.connect(generator, load)
            self.report.add_profile(server_name, server.profile)
            for drive in arguments.drive or drives_told(server_name, load_name):
                window = 0
                if drive == "saturated":
                    if load.lessons > 1 or len(load.streams) > 2 or server.encodes_anew:
                        continue
                    window = JANUS_SATURATING_WINDOW if "janus" in server_name else SATURATING_WINDOW
                result = await measure(
                    server, generator, seconds=arguments.seconds, lessons=load.lessons, window=window
                )
                self.report.add(load_name, result)
                tell(result)
        finally:
            await server.stop()
            if generator is not None:
                generator.close()

    async def _find_held(self, server_name: str) -> None:
        arguments = self._arguments
        load = lessons(arguments.lessons or LESSONS_TRIED[server_name])
        server = make_server(server_name, arguments.tree, self._network)
        generator = None
        try:
            await server.start()
            empty_rss_mib = server.child.rss_mib()
            generator = Generator(load, self._network)
            await server.connect(generator, load)
            self.report.add_profile(server_name, server.profile)
            held = await find_held(
                server, generator, load, empty_rss_mib=empty_rss_mib, seconds=arguments.seconds, told=tell
            )
            self.report.add_held(held)
        finally:
            await server.stop()
            if generator is not None:
                generator.close()


def tell(result: Result) -> None:
    """Show a run as it happened."""
    drive = "saturated" if result.saturated else "nominal"
    console.print(
        f"[dim]{result.server:12} {result.load:12} {result.lessons:4} {drive:9} {result.us_per_packet:6.2f} us "
        f"{result.packets_per_s:10,.0f}/s loss {result.loss:8.4%} p50 {result.p50_ms:7.2f} p99 {result.p99_ms:7.2f} ms "
        f"server {result.server_busy:4.0%} generator {result.generator_busy:4.0%} stalled "
        f"{result.generator_stalled:5.1%} ksoftirqd "
        f"{result.softirq_us_per_packet:.2f} us forged {result.forged} load {result.machine_load:.1f}[/dim]"
    )


def names(text: str) -> list[str]:
    """A list separated by commas."""
    return [name for name in text.split(",") if name]


def read_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    servers = ["floor", "relay", "janus", "janus-loops", "aiortc"]
    parser.add_argument("--servers", type=names, default=servers, help=f"of {','.join(SERVERS)}")
    loads = [f"fanout_{n}" for n in FAN_OUTS] + ["lessons_10"]
    parser.add_argument("--loads", type=names, default=loads, help="fanout_<n> and lessons_<n>; empty for none")
    parser.add_argument("--drive", type=names, help="nominal, saturated, or both (default: what the JSON line tells)")
    parser.add_argument("--held", type=names, default=["relay", "janus", "janus-loops"], help="find lessons held by")
    parser.add_argument("--lessons", type=int, help="how many lessons join to find how many are held")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, whose median counts (default 3)")
    parser.add_argument("--seconds", type=float, default=2.2, help="of each measured run (default 2.2)")
    parser.add_argument("--quick", action="store_true", help="one run of one second each, no search for lessons held")
    parser.add_argument("--tree", type=Path, default=REPOSITORY, help="checkout whose relay is measured")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.runs, arguments.seconds, arguments.held = 1, 1.0, []
    for name in [*arguments.servers, *arguments.held]:
        if name not in SERVERS or (name in arguments.held and name in NOT_FOR_LESSONS):
            parser.error(f"{name} is no server that can be measured so: choose of {', '.join(SERVERS)}")
    if (os.cpu_count() or 1) < 2:
        parser.error("one core for the server and one for the generator are needed")
    return arguments


def main() -> None:
    """Run the benchmark."""
    arguments = read_arguments()
    os.sched_setaffinity(0, {GENERATOR_CORE})
    with raised_session(), bench_network() as network:
        bench = Bench(arguments, network)
        asyncio.run(bench.run())
    bench.report.print()
    if bench.failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
