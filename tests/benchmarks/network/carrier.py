"""The carrying process, seen from the benchmark: which line each place has, and what passed on it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.network.line_model import LineSettings
from benchmarks.network.namespaces import Place


class CarrierProcess:
    """Runs `carrier_process.py` between the server's place and the others."""

    def __init__(self, server: Place, places: list[Place]) -> None:
        devices = [server.device, *(place.device for place in places)]
        self._process = subprocess.Popen(
            [
                *(sys.executable, str(Path(__file__).parent / "carrier_process.py"), str(server.device)),
                *(f"{place.address}={place.device}" for place in places),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=devices,
        )

    def begin(self, place: Place, down: LineSettings, up: LineSettings, seed: int) -> None:
        """Give the place new lines, at their first rates until `change`; nothing is under way on them."""
        first = {"down": _steady(down).as_json(), "up": _steady(up).as_json()}
        self._ask({"do": "begin", **first, "seed": seed}, place)

    def change(self, place: Place, down: LineSettings, up: LineSettings) -> float:
        """Let the lines' rates run from now on; returns this moment, Unix seconds."""
        return float(self._ask({"do": "change", "down": down.as_json(), "up": up.as_json()}, place)["at"])

    def passed(self, place: Place) -> dict[str, Any]:
        """What passed on the place's lines since `began_at`, in buckets."""
        return self._ask({"do": "tell"}, place)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ask(self, command: dict[str, Any], place: Place) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({**command, "address": place.address}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the carrying process ended")
        return dict(json.loads(answer))


def _steady(line: LineSettings) -> LineSettings:
    return replace(line, rates=line.rates[:1])
