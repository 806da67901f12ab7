"""The browsers of a run: one with the lead's camera, one whose windows are the rooms; a lesson over a line."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.network.carrier import CarrierProcess
from benchmarks.network.figures import Seen, Span
from benchmarks.network.lines import FIBRE, Scenario
from benchmarks.network.namespaces import Place
from chromium import ARGUMENTS, EXECUTABLE
from playwright.sync_api import Browser, Page, Playwright

PAGE_URL = "http://127.0.0.1/bench-network"
"Never asked for over a network; loopback may use the camera."
SLIDE_EVERY_MS = 6_000
ALL_IN_WITHIN_S = 15.0


@dataclass(frozen=True)
class Lesson:
    """What was seen of one lesson over one line."""

    rooms: tuple[Seen, ...]
    witness: Seen | None
    "A room on fibre in the same lesson."
    turned: tuple[tuple[int, float], ...]
    told: tuple[Any, ...]
    "What each room was told of its line, with the time."
    sent: list[dict[str, Any]]
    "What the lead's browser sent, at the end."
    passed: dict[str, Any]
    "On the rooms' line."
    lead_passed: dict[str, Any]
    joined_at: float
    span: Span
    "From the moment that all took part."

    def as_json(self) -> str:
        """To be looked at afterwards."""
        return json.dumps(asdict(self))


def page_text(folder: Path, rolldown: Path) -> str:
    """The benchmark's page with its script, bundled from our own web sources."""
    here = Path(__file__).parent / "page"
    bundle = folder / "page.js"
    done = subprocess.run(
        [str(rolldown), str(here / "main.ts"), "--format", "iife", "-o", str(bundle)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the page could not be bundled:\n{done.stderr[-2000:]}")
    return (here / "page.html").read_text().replace("PAGE_SCRIPT", bundle.read_text())


@contextlib.contextmanager
def browser_at(playwright: Playwright, place: Place, folder: Path, *arguments: str) -> Iterator[Browser]:
    """Debian's Chromium in a place."""
    launched = playwright.chromium.launch(
        executable_path=str(place.wrapper(folder, EXECUTABLE)),
        args=[*ARGUMENTS, "--disable-dev-shm-usage", "--disable-background-timer-throttling", *arguments],
        ignore_default_args=["--mute-audio"],
    )
    try:
        yield launched
    finally:
        launched.close()


class Network:
    """The places and browsers of a run."""

    def __init__(
        self, carrier: CarrierProcess, lead: tuple[Place, Browser], rooms: tuple[Place, Browser], page: str
    ) -> None:
        self._carrier = carrier
        self._lead_place, self._lead_browser = lead
        self._rooms_place, self._rooms_browser = rooms
        self._page = page
        self._number = 0

    def hold(self, scenario: Scenario, server: str, address: str, seconds: float, seed: int) -> Lesson:
        """One lesson over one line."""
        self._number += 1
        self._carrier.begin(self._lead_place, FIBRE, scenario.lead_up, seed)
        self._carrier.begin(self._rooms_place, scenario.down, scenario.up, seed + 10)
        joined_at = time.time()
        with contextlib.ExitStack() as stack:
            lead = self._party(stack, self._lead_browser)
            self._begin(lead, scenario, server, address, "lead")
            if server == "janus":
                time.sleep(2.0)  # its room must be there before the first comes in
            rooms = [self._party(stack, self._rooms_browser) for _ in range(scenario.rooms)]
            for number, room in enumerate(rooms):
                self._begin(room, scenario, server, address, f"room{number}")
            witness = self._party(stack, self._lead_browser) if scenario.witness else None
            if witness is not None:
                self._begin(witness, scenario, server, address, "witness")
            self._wait_until_all_see(rooms)
            begin = self._carrier.change(self._rooms_place, scenario.down, scenario.up)
            self._sit_through(rooms, seconds)
            return Lesson(
                rooms=tuple(Seen.from_page(room.evaluate("bench.seen()")) for room in rooms),
                witness=Seen.from_page(witness.evaluate("bench.seen()")) if witness else None,
                turned=tuple((number, at / 1000) for number, at in lead.evaluate("bench.turned()")),
                told=tuple(room.evaluate("bench.told()") for room in rooms),
                sent=lead.evaluate("bench.sent()"),
                passed=self._carrier.passed(self._rooms_place),
                lead_passed=self._carrier.passed(self._lead_place),
                joined_at=joined_at,
                span=Span(begin, begin + seconds),
            )

    def _party(self, stack: contextlib.ExitStack, browser: Browser) -> Page:
        context = browser.new_context(viewport={"width": 700, "height": 420})
        stack.callback(context.close)
        context.grant_permissions(["camera", "microphone"])
        page = context.new_page()
        page.route(PAGE_URL, lambda route: route.fulfill(body=self._page, content_type="text/html"))
        page.goto(PAGE_URL)
        return page

    def _begin(self, page: Page, scenario: Scenario, server: str, address: str, name: str) -> None:
        role = "lead" if name == "lead" else "room"
        part = {
            "server": server,
            "address": f"{address}/lesson{self._number}/{role}/{name}" if server == "relay" else address,
            "role": role,
            "slidesEvery_ms": SLIDE_EVERY_MS if scenario.slides else 0,
            "room": self._number,
        }
        page.evaluate("part => bench.begin(part)", part)

    def _wait_until_all_see(self, rooms: list[Page]) -> None:
        """Not for ever: over the worst lines some servers never show anything."""
        deadline = time.monotonic() + ALL_IN_WITHIN_S
        while time.monotonic() < deadline and not all(room.evaluate("bench.ready()") for room in rooms):
            time.sleep(0.1)

    def _sit_through(self, rooms: list[Page], seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rooms[0].wait_for_timeout(200)
