"""Measures the live path on loopback in real Chromium and prints a table and, last, one JSON line.

The demonstration county runs as its own process; one Chromium joins its live lesson as the demo teacher, ten times.
Measured: from pressing Join to the first decoded remote frame; the age of the picture (the clock burnt into a room's
frames, read back from the decoded video); CPU of the server process per forwarded packet, by the relay's own counters.
"""

import argparse
import base64
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from chromium import launch
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rich.console import Console
from rich.progress import track
from rich.table import Table
from running_product import Product

from media.room_client.block_clock import read_clock

CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

FIRST_FRAME = """async () => {
    const began = performance.now();
    document.querySelector('[data-testid=lesson-join]').click();
    for (;;) {
        const video = document.querySelector('[data-testid=remote-video]');
        if (video) return await new Promise(done =>
            video.requestVideoFrameCallback(() => done(performance.now() - began)));
        await new Promise(next => setTimeout(next, 2));
    }
}"""

PICTURE = """async (index) => {
    const video = document.querySelectorAll('[data-testid=remote-video]')[index];
    return await new Promise(done => video.requestVideoFrameCallback(() => {
        const shown = Date.now();
        const canvas = document.createElement('canvas');
        canvas.width = video.videoWidth; canvas.height = video.videoHeight;
        const context = canvas.getContext('2d');
        context.drawImage(video, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let bytes = '';
        for (let at = 0; at < pixels.length; at += 4) bytes += String.fromCharCode(pixels[at + 1]);
        done({shown, width: canvas.width, height: canvas.height, green: btoa(bytes)});
    }));
}"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=10, help="how often to join (default 10)")
    parser.add_argument("--pictures", type=int, default=60, help="how many pictures to read the clock of (default 60)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to count CPU and packets (default 20)")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Product.started(Path(folder) / "data", "--demo") as product,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        results = measure(product, browser, arguments.joins, arguments.pictures, arguments.seconds)
        browser.close()
    report(results)


def measure(product: Product, browser: Browser, joins: int, pictures: int, seconds: float) -> dict[str, Any]:
    """All figures of one run."""
    joined_ms = [join_once(product, browser) for _ in track(range(joins), "joining", console=Console(stderr=True))]
    context, page = signed_in(product, browser)
    page.evaluate(FIRST_FRAME)
    ages_ms = picture_ages_ms(page, pictures)
    cpu_us, forwarded = cpu_per_packet(product, seconds)
    context.close()
    return {
        "join_ms": {"median": statistics.median(joined_ms), "worst": max(joined_ms), "runs": len(joined_ms)},
        "picture_age_ms": {
            "median": statistics.median(ages_ms),
            "p95": float(np.percentile(ages_ms, 95)),
            "read": len(ages_ms),
        },
        "forwarding": {"cpu_us_per_packet": cpu_us, "packets_per_s": forwarded / seconds},
    }


def signed_in(product: Product, browser: Browser) -> tuple[BrowserContext, Page]:
    """A fresh window of the demo teacher on the live lesson's page, ready to join."""
    account = next(account for account in product.ready["accounts"] if account["role"] == "teacher")
    context = browser.new_context(base_url=product.url, permissions=["camera", "microphone"])
    page = context.new_page()
    page.goto(product.ready["lesson"]["url"])
    page.get_by_test_id("login-username").fill(account["username"])
    page.get_by_test_id("login-password").fill(account["password"])
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("lesson-join").wait_for()
    page.wait_for_load_state("networkidle")
    return context, page


def join_once(product: Product, browser: Browser) -> float:
    """Milliseconds from Join to the first decoded remote frame."""
    context, page = signed_in(product, browser)
    elapsed_ms = float(page.evaluate(FIRST_FRAME))
    page.get_by_test_id("lesson-leave").click()
    context.close()
    return elapsed_ms


def picture_ages_ms(page: Page, pictures: int) -> list[float]:
    """Ages of decoded pictures: when shown, minus the clock that the sender burnt in before encoding."""
    ages: list[float] = []
    count = page.get_by_test_id("remote-video").count()
    for number in range(pictures):
        shot = page.evaluate(PICTURE, number % count)
        green = np.frombuffer(base64.b64decode(shot["green"]), np.uint8).reshape(shot["height"], shot["width"])
        drawn_ms = read_clock(green)
        if drawn_ms is not None:
            ages.append(shot["shown"] - drawn_ms)
    if not ages:
        raise SystemExit("no picture's clock could be read")
    return ages


def cpu_per_packet(product: Product, seconds: float) -> tuple[float, int]:
    """CPU microseconds of the whole server process per packet its relay forwarded, and how many it forwarded."""
    administrator = next(a for a in product.ready["accounts"] if a["role"] == "system_administrator")
    with product.client(administrator["username"], administrator["password"]) as client:
        cpu_before, sent_before = cpu_seconds(product), packets_forwarded(client)
        time.sleep(seconds)
        cpu_after, sent_after = cpu_seconds(product), packets_forwarded(client)
    forwarded = sent_after - sent_before
    return (cpu_after - cpu_before) * 1e6 / forwarded, forwarded


def cpu_seconds(product: Product) -> float:
    """User and system CPU time of the server process so far."""
    assert product.process is not None
    fields = Path(f"/proc/{product.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S


def packets_forwarded(client: httpx.Client) -> int:
    """RTP packets the relay has sent to subscribers since its start."""
    return sum(
        int(relay["packets_forwarded"]) for relay in client.get("/api/relays").raise_for_status().json()["items"]
    )


def report(results: dict[str, Any]) -> None:
    """Print a table for people and a line for programs."""
    table = Table("figure", "value", title="live path, loopback, Chromium")
    for group, figures in results.items():
        for name, value in figures.items():
            table.add_row(f"{group}.{name}", f"{value:.1f}")
    Console().print(table)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
