"""Measures what journalling costs the forwarding beside it, and how fast journals become files beside ffmpeg.

The relay (all its threads, journals included) has core 0, the load core 1; stretches with and without recording
alternate, and medians are told. Prints figures and, last, one JSON line.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.forward.child import GENERATOR_CORE
from benchmarks.forward.generator import Generator
from benchmarks.forward.measure import Result, measure
from benchmarks.forward.network import bench_network
from benchmarks.recording.finalising import finalise
from benchmarks.recording.journalled import Journalled, count
from benchmarks.recording.recorded_lessons import RecordingRelay, journals_below, pairs

REPOSITORY = Path(__file__).parents[3]
SETTLE_S = 1.5
# The relay tells every five seconds what its journals lost.
HEARD_WITHIN_S = 6.0


async def forward_and_record(
    lessons: int, seconds: float, rounds: int, folder: Path
) -> tuple[list[Result], list[Result], int]:
    """Results without and with recording, in turns on the same connections, and what the journals lost."""
    load = pairs(lessons)
    plain: list[Result] = []
    recorded: list[Result] = []
    with bench_network() as network, journals_below(folder):
        generator = Generator(load, network)
        server = RecordingRelay(network.server_address, REPOSITORY)
        try:
            await server.start()
            await server.connect(generator, load)
            for _ in range(rounds):
                for active, results in ((False, plain), (True, recorded)):
                    server.record(lessons, active)
                    await generator.run(SETTLE_S, lessons)
                    results.append(await measure(server, generator, seconds=seconds, lessons=lessons))
                    said = results[-1]
                    what = "recorded" if active else "plain   "
                    print(
                        f"{what} {said.packets_per_s:7.0f} packets/s"
                        f"  p50 {said.p50_ms:.3f} ms  p99 {said.p99_ms:.3f} ms"
                        f"  loss {said.loss:.5f}  relay {said.server_busy:.0%} of its core"
                        f"  generator {said.generator_busy:.0%}  load {said.machine_load:.1f}",
                        file=sys.stderr,
                    )
            server.record(lessons, False)
            await generator.run(HEARD_WITHIN_S, 0)
            dropped = server.dropped
            await asyncio.to_thread(keep_journals, folder)
        finally:
            await server.stop()
            generator.close()
    return plain, recorded, dropped


def keep_journals(folder: Path) -> None:
    """Before the relay ends and its folder goes: link all journals elsewhere."""
    for path in list(folder.rglob("*.journal")):
        kept = folder.parent / "kept" / path.parent.name / path.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, kept)


def median(results: list[Result], name: str) -> float:
    """The median of one figure."""
    return statistics.median(getattr(result, name) for result in results)


def tell(plain: list[Result], recorded: list[Result], dropped: int, journalled: Journalled) -> dict[str, float | int]:
    """The figures of journalling, for people on stderr."""
    growth = (median(recorded, "p99_ms") / median(plain, "p99_ms") - 1) * 100
    cpu_us = (median(recorded, "server_busy") - median(plain, "server_busy")) * 1e6 / median(recorded, "packets_per_s")
    print(
        f"journalled {journalled.packets} packets in {journalled.journals} journals, {journalled.size_bytes >> 20} MiB;"
        f" {dropped} dropped by journals, {journalled.missing} missing in them (what never reached the relay, too);"
        f" {cpu_us:.2f} us CPU a packet",
        file=sys.stderr,
    )
    return {
        "p99_growth_pct": round(growth, 1),
        "p99_plain_ms": round(median(plain, "p99_ms"), 3),
        "p99_recorded_ms": round(median(recorded, "p99_ms"), 3),
        "journal_us_per_packet": round(cpu_us, 2),
        "packets_journalled": journalled.packets,
        "dropped": dropped,
        "missing": journalled.missing,
    }


def main() -> None:
    """Run both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lessons", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each stretch")
    parser.add_argument("--rounds", type=int, default=4, help="0 leaves forwarding out")
    parser.add_argument("--minutes", type=int, default=20, help="of the lesson that is finalised; 0 leaves it out")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {GENERATOR_CORE})
    figures: dict[str, float | int] = {}
    if arguments.rounds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "relay").mkdir()
            results = asyncio.run(
                forward_and_record(arguments.lessons, arguments.seconds, arguments.rounds, folder / "relay")
            )
            figures |= tell(*results, count(folder / "kept"))
    if arguments.minutes:
        with tempfile.TemporaryDirectory() as name:
            finalised = finalise(Path(name), arguments.minutes)
        figures["finalised_packets_per_s"] = round(finalised.packets / (arguments.minutes * 60))
        figures["finalise_hours_per_cpu_minute"] = round(finalised.ours, 2)
        figures["finalise_pct_of_lesson"] = round(100 / (60 * finalised.ours), 2)
        figures["ffmpeg_hours_per_cpu_minute"] = round(finalised.ffmpeg, 2)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
