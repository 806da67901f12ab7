"""The servers under test, each a process in the server's place: our relay, and Janus VideoRoom of Debian's package."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.network.namespaces import Place

ROOT = Path(__file__).parents[3]
JANUS_LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")
JANUS_PORT = 8188
START_TIMEOUT_S = 20.0


@contextmanager
def relay_server(place: Place, log: Path) -> Iterator[str]:
    """Our relay with its WebSocket; gives the address of the latter, to which `/lesson/role/name` is added."""
    command = place.command(sys.executable, str(Path(__file__).parent / "relay_process.py"), place.address)
    with log.open("w") as errors:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
    assert process.stdin is not None and process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the relay did not start:\n{log.read_text()[-2000:]}")
        yield f"ws://{place.address}:{port}"
    finally:
        process.stdin.close()
        _end(process)
        process.stdout.close()


@contextmanager
def janus_server(place: Place, log: Path) -> Iterator[str]:
    """Janus, configured in a temporary folder; gives the address of its WebSocket."""
    if shutil.which("janus") is None:
        raise SystemExit("bench-network measures Janus: apt-get install janus, or leave it out of --servers")
    with tempfile.TemporaryDirectory(prefix="bench-janus-") as name:
        folder = Path(name)
        _configure_janus(folder, place.address)
        with log.open("w") as output:
            process = subprocess.Popen(place.command("janus", "-F", name, "-N"), stdout=output, stderr=output)
        try:
            _wait_for_port(place)
            yield f"ws://{place.address}:{JANUS_PORT}"
        finally:
            process.terminate()
            _end(process)


def _configure_janus(folder: Path, address: str) -> None:
    (folder / "janus.jcfg").write_text(
        f"""general: {{
    configs_folder = "{folder}"
    plugins_folder = "{JANUS_LIBRARIES}/plugins"
    transports_folder = "{JANUS_LIBRARIES}/transports"
    events_folder = "{JANUS_LIBRARIES}/events"
    loggers_folder = "{JANUS_LIBRARIES}/loggers"
    debug_level = 3
}}
nat: {{ ice_enforce_list = "{address}" }}
plugins: {{ disable = "{_others("plugins", "videoroom")}" }}
transports: {{ disable = "{_others("transports", "websockets")}" }}
"""
    )
    (folder / "janus.transport.websockets.jcfg").write_text(
        f'general: {{ ws = true\n ws_port = {JANUS_PORT}\n ws_ip = "{address}"\n wss = false }}\n'
    )
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")


def _others(folder: str, kept: str) -> str:
    return ",".join(sorted(one.name for one in (JANUS_LIBRARIES / folder).glob("*.so") if kept not in one.name))


def _wait_for_port(place: Place) -> None:
    """Ask from inside the place: nothing outside reaches it."""
    probe = f"import socket; socket.create_connection(({place.address!r}, {JANUS_PORT}), 1)"
    deadline = time.monotonic() + START_TIMEOUT_S
    while subprocess.run(place.command(sys.executable, "-c", probe), capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise RuntimeError("Janus did not start")
        time.sleep(0.2)


def _end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
