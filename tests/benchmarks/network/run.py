"""Real Chromium lessons over impaired lines, on our relay and on Janus: prints a table and, last, one JSON line."""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.network import report, source_media
from benchmarks.network.carrier import CarrierProcess
from benchmarks.network.lines import SCENARIOS
from benchmarks.network.namespaces import NetworkError, places
from benchmarks.network.rooms import Network, browser_at, page_text
from benchmarks.network.servers import janus_server, relay_server
from playwright.sync_api import sync_playwright
from rich.console import Console

SERVERS = {"relay": relay_server, "janus": janus_server}
ROLLDOWN = Path(__file__).parents[3] / "web/node_modules/.bin/rolldown"


def main() -> None:
    """Run the benchmark."""
    arguments = _arguments()
    console = Console(stderr=True, width=200)
    try:
        with contextlib.ExitStack() as stack:
            results = _measure(arguments, stack, console)
    except NetworkError as error:
        raise SystemExit(f"bench-network: {error}") from error
    Console(width=200).print(report.table(results))
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    missed = [
        bar for name, servers in results.items() if "relay" in servers
        for bar in report.missed_bars(by_name[name], servers["relay"])
    ]  # fmt: skip
    for bar in missed:
        print(f"missed: {bar}")
    lines = {name: {server: one.as_json() for server, one in servers.items()} for name, servers in results.items()}
    print(json.dumps({"lines": lines, "missed": missed}))


def _measure(
    arguments: argparse.Namespace, stack: contextlib.ExitStack, console: Console
) -> dict[str, dict[str, report.Figures]]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-network-")))
    kept = Path(arguments.keep) if arguments.keep else folder
    kept.mkdir(parents=True, exist_ok=True)
    source_media.write_picture(folder / "camera.y4m")
    source_media.write_sound(folder / "microphone.wav")
    page = page_text(folder, ROLLDOWN)
    made = stack.enter_context(places("server", "lead", "rooms"))
    carrier = CarrierProcess(made["server"], [made["lead"], made["rooms"]])
    stack.callback(carrier.close)
    playwright = stack.enter_context(sync_playwright())
    camera = [
        f"--use-file-for-fake-video-capture={folder / 'camera.y4m'}",
        f"--use-file-for-fake-audio-capture={folder / 'microphone.wav'}",
    ]
    lead = stack.enter_context(browser_at(playwright, made["lead"], folder, *camera))
    rooms = stack.enter_context(browser_at(playwright, made["rooms"], folder))
    network = Network(carrier, (made["lead"], lead), (made["rooms"], rooms), page)
    addresses = {
        name: stack.enter_context(SERVERS[name](made["server"], kept / f"{name}.log")) for name in arguments.servers
    }
    results: dict[str, dict[str, report.Figures]] = {}
    for scenario in SCENARIOS:
        if scenario.name not in arguments.lines:
            continue
        for server, address in addresses.items():
            seconds = scenario.seconds or arguments.seconds
            lesson = network.hold(scenario, server, address, seconds, arguments.seed)
            if arguments.keep:
                (kept / f"{scenario.name}-{server}.json").write_text(lesson.as_json())
            found = report.figures_of(scenario, lesson)
            results.setdefault(scenario.name, {})[server] = found
            console.print(f"{scenario.name} {server}: {json.dumps(found.as_json())}", highlight=False)
    return results


def _arguments() -> argparse.Namespace:
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=_chosen(names), default=names, help=f"of {','.join(names)} (default all)")
    parser.add_argument(
        "--servers", type=_chosen(list(SERVERS)), default=list(SERVERS), help="relay,janus (default both)"
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="of each lesson whose line has no steps (default 20)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the lines (default 1)")
    parser.add_argument("--keep", default="", help="a folder for all that was seen, and the servers' logs")
    arguments = parser.parse_args()
    if arguments.seconds < 10:
        parser.error("--seconds must be 10 at least: the first five are not judged")
    return arguments


def _chosen(names: list[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        if not chosen or set(chosen) - set(names):
            raise argparse.ArgumentTypeError(f"choose of {','.join(names)}")
        return chosen

    return read


if __name__ == "__main__":
    sys.exit(main())
