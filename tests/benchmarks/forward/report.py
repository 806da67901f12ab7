"""Medians of the runs as a table."""

import statistics
from collections import defaultdict

from rich.console import Console
from rich.table import Table

from measure import Result

COLUMNS = (
    "load",
    "server",
    "drive",
    "us/packet",
    "packets/s",
    "loss %",
    "p50 ms",
    "p99 ms",
    "server %",
    "generator %",
    "per piece",
    "RSS MiB",
    "machine load",
)


class Report:
    """Collects results by load, server and drive."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, str, bool], list[Result]] = defaultdict(list)

    def add(self, load: str, result: Result) -> None:
        """Take one run's result."""
        self._results[load, result.server, result.saturated].append(result)

    def print(self) -> None:
        """Print the table."""
        table = Table(*COLUMNS, title="medians; CPU is user + system of the server for each packet a receiver got")
        for (load, server, saturated), results in self._results.items():
            table.add_row(load, server, "saturated" if saturated else "nominal", *_cells(results))
        Console(width=160).print(table)


def _cells(results: list[Result]) -> list[str]:
    def median(name: str, scale: float = 1.0) -> float:
        return statistics.median(getattr(result, name) for result in results) * scale

    return [
        f"{median('us_per_packet'):.2f}",
        f"{median('packets_per_s'):,.0f}",
        f"{median('loss', 100):.3f}",
        f"{median('p50_ms'):.2f}",
        f"{median('p99_ms'):.2f}",
        f"{median('server_busy', 100):.0f}",
        f"{median('generator_busy', 100):.0f}",
        f"{median('segments'):.1f}",
        f"{median('rss_mib'):.0f}",
        f"{median('machine_load'):.1f}",
    ]
