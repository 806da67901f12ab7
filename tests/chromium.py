"""Debian's Chromium, headless, with a fake camera and microphone, as the end-to-end tests and benchmarks use it."""

from pathlib import Path

from playwright.sync_api import Browser, Playwright

EXECUTABLE = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)


def launch(playwright: Playwright) -> Browser:
    """Start it; fails with a sentence when Debian's package is missing."""
    if not EXECUTABLE.exists():
        raise FileNotFoundError(f"{EXECUTABLE} is missing; `make test` installs Debian's chromium")
    return playwright.chromium.launch(executable_path=str(EXECUTABLE), args=list(ARGUMENTS))
