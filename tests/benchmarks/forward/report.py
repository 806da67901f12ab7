"""Medians of the runs as a table, and the one JSON line."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.forward.held import Held
from benchmarks.forward.measure import Result
from rich.console import Console
from rich.table import Table

JANUS = ("janus", "janus-loops")
SATURATED_LOADS = ("fanout_3", "fanout_50")
NOMINAL_LOADS = ("fanout_100", "fanout_200")
INSTRUCTIONS = Path(__file__).parents[1] / "instructions" / "baseline.json"
"The recorded baseline of `make count-instructions`: by fan-out, of our own code and with all it calls."
COLUMNS = (
    "load",
    "server",
    "drive",
    "us/packet",
    "lowest-highest",
    "packets/s",
    "loss %",
    "p50 ms",
    "p99 ms",
    "server %",
    "generator %",
    "stalled %",
    "per piece",
    "RSS MiB",
    "machine load",
)


class Report:
    """Collects results by load, server and drive."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, str, bool], list[Result]] = defaultdict(list)
        self._held: dict[str, Held] = {}
        self._profiles: dict[str, str] = {}

    def add(self, load: str, result: Result) -> None:
        """Take one run's result."""
        self._results[load, result.server, result.saturated].append(result)

    def add_held(self, held: Held) -> None:
        """Take how many lessons a server held."""
        self._held[held.server] = held

    def add_profile(self, server: str, profile: str) -> None:
        """Take the protection profile that a server's clients negotiated."""
        self._profiles[server] = profile

    def us(self, load: str, servers: Iterable[str], *, saturated: bool) -> float | None:
        """The least median of these servers; None where none was measured."""
        medians = [
            statistics.median(result.us_per_packet for result in self._results[load, server, saturated])
            for server in servers
            if (load, server, saturated) in self._results
        ]
        return round(min(medians), 3) if medians else None

    def print(self) -> None:
        """Print the tables and, last, the JSON line."""
        console = Console(width=170)
        if self._results:
            console.print(self._loads_table())
        if self._held:
            console.print(self._held_table())
        print(json.dumps(self.figures()), flush=True)

    def figures(self) -> dict[str, Any]:
        """What the JSON line says; None for what was not measured.

        Fan-out 3 and 50 are driven to saturation, the others get 300 packets a second, for all servers alike.
        """
        figures: dict[str, Any] = {}
        for load in (*SATURATED_LOADS, *NOMINAL_LOADS):
            saturated = load in SATURATED_LOADS
            figures[load] = {
                "floor_us": self.us(load, ("floor",), saturated=saturated),
                "relay_us": self.us(load, ("relay",), saturated=saturated),
                "janus_us": self.us(load, JANUS, saturated=saturated),
            }
        figures["lessons_10"] = {
            "relay_us": self.us("lessons_10", ("relay",), saturated=False),
            "janus_us": self.us("lessons_10", JANUS, saturated=False),
        }
        relay = self._held.get("relay")
        figures["lessons_held"] = {
            "relay": relay.lessons if relay else None,
            "janus": max((self._held[name].lessons for name in JANUS if name in self._held), default=None),
        }
        figures["p99_half_load_ms"] = round(relay.half_load.p99_ms, 3) if relay else None
        figures["rss_per_lesson_mib"] = round(relay.rss_per_lesson_mib, 3) if relay else None
        figures["profile"] = self._profiles.get("relay")
        figures["instructions_per_packet"] = _instructions()
        return figures

    def _loads_table(self) -> Table:
        table = Table(*COLUMNS, title="medians; CPU is user + system of the server for each packet that a receiver got")
        for (load, server, saturated), results in self._results.items():
            table.add_row(load, server, "saturated" if saturated else "nominal", *_cells(results))
        return table

    def _held_table(self) -> Table:
        columns = ("server", "lessons held", "us/packet", "server %", "generator %")
        halves = ("p50 at half, ms", "p99 at half, ms", "RSS MiB/lesson", "profile")
        table = Table(
            *columns, *halves, title="lessons of 1 + 3 on one core with loss under 0.1 % and p99 under 100 ms"
        )
        for held in self._held.values():
            table.add_row(
                held.server,
                f"{'at least ' if held.at_limit else ''}{held.lessons}",
                f"{held.full_load.us_per_packet:.2f}",
                f"{held.full_load.server_busy * 100:.0f}",
                f"{held.full_load.generator_busy * 100:.0f}",
                f"{held.half_load.p50_ms:.2f}",
                f"{held.half_load.p99_ms:.2f}",
                f"{held.rss_per_lesson_mib:.2f}",
                self._profiles.get(held.server, ""),
            )
        return table


def _cells(results: list[Result]) -> list[str]:
    def median(name: str, scale: float = 1.0) -> float:
        return statistics.median(getattr(result, name) for result in results) * scale

    costs = [result.us_per_packet for result in results]
    return [
        f"{median('us_per_packet'):.2f}",
        f"{min(costs):.2f}-{max(costs):.2f}",
        f"{median('packets_per_s'):,.0f}",
        f"{median('loss', 100):.3f}",
        f"{median('p50_ms'):.2f}",
        f"{median('p99_ms'):.2f}",
        f"{median('server_busy', 100):.0f}",
        f"{median('generator_busy', 100):.0f}",
        f"{median('generator_stalled', 100):.1f}",
        f"{median('segments'):.1f}",
        f"{median('rss_mib'):.0f}",
        f"{median('machine_load'):.1f}",
    ]


def _instructions() -> float | None:
    """Of our own code at fan-out 50, by the recorded baseline."""
    if not INSTRUCTIONS.exists():
        return None
    return float(json.loads(INSTRUCTIONS.read_text())["50"]["own"])
