"""Carries IP packets between the server's TUN device and those of the places, each over its own impaired lines.

`carrier_process.py SERVER_FD ADDRESS=FD...`; JSON lines on standard input say what the lines do and when they begin,
each answered by one on standard output.
"""

import contextlib
import json
import os
import select
import socket
import sys
import time
from dataclasses import asdict
from typing import Any

from benchmarks.network.line_model import BUCKET_S, ImpairedLine, LineSettings

MOST_READ = 64
"Packets taken from one device before the others have their turn."
PRIORITY = -10


class _Place:
    """One place with its two lines."""

    def __init__(self, device: int) -> None:
        self.device = device
        self.began = time.monotonic()
        self.down = ImpairedLine(LineSettings(), 0)
        self.up = ImpairedLine(LineSettings(), 1)


class Carrier:
    """A loop over all devices; one packet takes some 20 us of it."""

    def __init__(self, server: int, devices: dict[str, int]) -> None:
        self._server = server
        self._places = {address: _Place(device) for address, device in devices.items()}
        self._by_device = {place.device: place for place in self._places.values()}
        self._commands = b""

    def run(self) -> None:
        """Until standard input closes."""
        ready = select.poll()
        for device in (sys.stdin.fileno(), self._server, *self._by_device):
            ready.register(device, select.POLLIN)
        while True:
            now = time.monotonic()
            due = min(self._due(place, now) for place in self._places.values())
            for device, _ in ready.poll(1000 * max(0.0, min(due - now, 0.5))):
                if device == sys.stdin.fileno():
                    if not self._obey():
                        return
                elif device == self._server:
                    self._from_server()
                else:
                    self._from_place(self._by_device[device])
            self._deliver()

    def _due(self, place: _Place, now: float) -> float:
        since = now - place.began
        return place.began + min(place.down.next_s(since), place.up.next_s(since))

    def _from_server(self) -> None:
        for packet in _read(self._server):
            place = self._places.get(socket.inet_ntoa(packet[16:20]))
            if place is not None and packet[0] >> 4 == 4:
                place.down.offer(packet, time.monotonic() - place.began)

    def _from_place(self, place: _Place) -> None:
        for packet in _read(place.device):
            if packet[0] >> 4 == 4:
                place.up.offer(packet, time.monotonic() - place.began)

    def _deliver(self) -> None:
        for place in self._places.values():
            since = time.monotonic() - place.began
            for packet in place.down.take(since):
                _write(place.device, packet)
            for packet in place.up.take(since):
                _write(self._server, packet)

    def _obey(self) -> bool:
        read = os.read(sys.stdin.fileno(), 1 << 16)
        if not read:
            return False
        *lines, self._commands = (self._commands + read).split(b"\n")
        for line in lines:
            print(json.dumps(self._do(json.loads(line))), flush=True)
        return True

    def _do(self, command: dict[str, Any]) -> dict[str, Any]:
        place = self._places[command["address"]]
        if command["do"] == "begin":
            place.began = time.monotonic()
            place.down = ImpairedLine(LineSettings.from_json(command["down"]), command["seed"])
            place.up = ImpairedLine(LineSettings.from_json(command["up"]), command["seed"] + 1)
            return {}
        now = time.monotonic()
        if command["do"] == "change":
            place.down.change(LineSettings.from_json(command["down"]), now - place.began)
            place.up.change(LineSettings.from_json(command["up"]), now - place.began)
            return {"at": time.time()}
        return {
            "began_at": time.time() - now + place.began,
            "bucket_s": BUCKET_S,
            "down": {number: asdict(bucket) for number, bucket in place.down.buckets.items()},
            "up": {number: asdict(bucket) for number, bucket in place.up.buckets.items()},
        }


def _read(device: int) -> list[bytes]:
    packets: list[bytes] = []
    try:
        while len(packets) < MOST_READ:
            packets.append(os.read(device, 65536))
    except BlockingIOError:
        pass
    return packets


def _write(device: int, packet: bytes) -> None:
    with contextlib.suppress(OSError):  # the place is being taken down
        os.write(device, packet)


def main() -> None:
    """Carry until told to stop."""
    with contextlib.suppress(PermissionError):
        os.nice(PRIORITY)
    server, *places = sys.argv[1:]
    Carrier(int(server), {address: int(device) for address, device in (one.split("=") for one in places)}).run()


if __name__ == "__main__":
    main()
