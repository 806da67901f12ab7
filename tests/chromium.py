"""Debian's Chromium, headless, with a fake camera and microphone, as the end-to-end tests and benchmarks use it."""

import os
import subprocess
from collections.abc import Mapping
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


def launch(
    playwright: Playwright,
    *arguments: str,
    executable: Path = EXECUTABLE,
    names: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Browser:
    """Start it; `names` are addresses by name, `home` is where it finds the CAs it trusts.

    Fails with a sentence when Debian's package is missing.
    """
    if not EXECUTABLE.exists():
        raise FileNotFoundError(f"{EXECUTABLE} is missing; `make test` installs Debian's chromium")
    given = [*ARGUMENTS, *arguments]
    if names:
        rules = ", ".join(f"MAP {name} {address}" for name, address in names.items())
        given.append(f"--host-resolver-rules={rules}")
    # All else as it is: without a locale, Chromium cannot open files whose names are Chinese.
    environment: dict[str, str | float | bool] | None = {**os.environ, "HOME": str(home)} if home is not None else None
    return playwright.chromium.launch(executable_path=str(executable), args=given, env=environment)


def home_that_trusts(folder: Path, authority: Path) -> Path:
    """A home folder in which Chromium trusts the CA whose certificate (PEM) that is."""
    store = folder / ".pki" / "nssdb"
    store.mkdir(parents=True)
    trust(store, authority)
    return folder


def trust(store: Path, authority: Path) -> None:
    """Let whoever uses the NSS database in `store` believe a CA; makes the database when there is none."""
    tool = ["certutil", "-d", f"sql:{store}"]
    if not (store / "cert9.db").exists():
        subprocess.run([*tool, "-N", "--empty-password"], check=True)
    subprocess.run([*tool, "-A", "-t", "C,,", "-n", "county", "-i", str(authority)], check=True)
