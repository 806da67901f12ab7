"""Debian's Firefox ESR, headless, with a fake camera and microphone, driven over WebDriver BiDi.

Playwright drives only a Firefox of its own making; the protocol Debian's speaks by itself is all that is needed here
(https://w3c.github.io/webdriver-bidi/): open an address, ask the page something, read console errors.
"""

import itertools
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chromium import trust
from websockets.sync.client import ClientConnection, connect

EXECUTABLE = Path("/usr/bin/firefox-esr")
READY_WITHIN_S = 30.0
ANSWER_WITHIN_S = 20.0
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")

PREFERENCES = {
    # Devices that exist nowhere, allowed without a question; sound that plays without a click, as in a room's browser.
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    # Tests run on loopback, where Firefox otherwise sends no connectivity checks.
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    # A school in a network without internet has no H.264 plug-in: only VP8.
    "media.gmp-gmpopenh264.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    # Nothing outside is asked for anything.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.prefetch-next": False,
    "network.proxy.type": 0,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class FirefoxError(Exception):
    """Firefox refused a command, or its page threw; the text says what it said."""


class FirefoxPage:
    """The one window of a running Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._command("session.new", capabilities={})
        self._context = self._command("browsingContext.getTree", maxDepth=0)["contexts"][0]["context"]

    def goto(self, address: str) -> None:
        """Open an address and wait until it has loaded."""
        self._command("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def set_size(self, width: int, height: int) -> None:
        """Give the page a screen of this size."""
        self._command("browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height})

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited if it is a promise, as JSON can carry it. Raises FirefoxError."""
        wrapped = f"(async () => JSON.stringify(await ({expression})) ?? 'null')()"
        target = {"context": self._context}
        answer = self._command("script.evaluate", expression=wrapped, target=target, awaitPromise=True)
        if answer["type"] == "exception":
            raise FirefoxError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def wait_for(self, expression: str, seconds: float = 20.0) -> Any:
        """Ask again and again until the answer is true; gives it. Raises AssertionError with the last answer."""
        deadline = time.monotonic() + seconds
        while not (answer := self.evaluate(expression)):
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come true in {seconds} s: {expression}; last: {answer}")
            time.sleep(0.2)
        return answer

    def _command(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while True:
            answer = json.loads(self._socket.recv(timeout=deadline - time.monotonic()))
            if answer.get("id") != number:
                continue  # an event nobody asked for
            if answer["type"] == "error":
                raise FirefoxError(f"{method}: {answer['message']}")
            result: dict[str, Any] = answer["result"]
            return result


@contextmanager
def running_firefox(folder: Path, address: str | None = None, authority: Path | None = None) -> Iterator[FirefoxPage]:
    """Start Firefox with a new profile in `folder`; it is gone after the block.

    It finds every name at `address`, if one is given, and trusts the CA of `authority`.
    """
    if not EXECUTABLE.exists():
        raise FileNotFoundError(f"{EXECUTABLE} is missing; `make test` installs Debian's firefox-esr")
    profile = folder / "profile"
    profile.mkdir()
    preferences = PREFERENCES | ({"network.dns.forceResolve": address} if address is not None else {})
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    if authority is not None:
        trust(profile, authority)
    process = subprocess.Popen(
        [EXECUTABLE, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "MOZ_CRASHREPORTER_DISABLE": "1"},
    )
    said = _Reader(process)
    try:
        address = said.find(LISTENING, READY_WITHIN_S)
        with connect(f"{address}/session", proxy=None, max_size=None, open_timeout=10) as socket:
            yield FirefoxPage(socket)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        said.close()


class _Reader:
    """Reads what Firefox says, so that its pipe never fills."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def find(self, pattern: re.Pattern[str], seconds: float) -> str:
        """Wait for a line with the pattern; gives its first group. Raises FirefoxError with all that was said."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            for line in list(self._lines):
                if found := pattern.search(line):
                    return found[1]
            time.sleep(0.05)
        raise FirefoxError("Firefox does not listen; it said:\n" + "".join(self._lines)[-3000:])

    def close(self) -> None:
        """Wait for its end and give the pipe back."""
        self._thread.join(5)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.append(line)
