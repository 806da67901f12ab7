"""Servers that are given their keys instead of shaking hands: the floor, and the relay's packet core alone."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.forward.child import Child
from benchmarks.forward.generator import Generator
from benchmarks.forward.keys import KEY_BYTES, SALT_BYTES, session_keys
from benchmarks.forward.loads import Load


@dataclass(frozen=True)
class LegKeys:
    """Master key and salt of both directions of one leg."""

    up: tuple[bytes, bytes]
    down: tuple[bytes, bytes]


def _leg_keys(chance: random.Random) -> LegKeys:
    def pair() -> tuple[bytes, bytes]:
        return chance.randbytes(KEY_BYTES), chance.randbytes(SALT_BYTES)

    return LegKeys(pair(), pair())


class KeyedServer:
    """Runs `<program>_process.py`, which is told the load and all keys in one line and answers with its port."""

    profile = "AEAD_AES_128_GCM"
    encodes_anew = False

    def __init__(self, name: str, program: str, tree: Path, **options: Any) -> None:
        self.name = name
        self._program = program
        self._tree = tree
        self._options = options
        self.child: Child

    async def start(self) -> None:
        """Start the process."""
        self.child = await Child.script(f"{self._program}_process.py", self._tree)

    async def connect(self, generator: Generator, load: Load) -> None:
        """Give both sides their keys."""
        chance = random.Random(1)
        legs = {}
        for party in load.parties:
            if party.publishes:
                legs[party.publishing_leg] = _leg_keys(chance)
            legs[party.receiving_leg] = _leg_keys(chance)
        self.child.tell(
            {
                **self._options,
                "address": generator.network.server_address,
                "first_client": generator.network.first_client_number,
                "port": generator.port,
                "legs": [
                    {
                        "leg": number,
                        "ip": generator.network.client_ip(number),
                        "up": [part.hex() for part in keys.up],
                        "down": [part.hex() for part in keys.down],
                    }
                    for number, keys in legs.items()
                ],
                "streams": [
                    {
                        "leg": stream.party.publishing_leg,
                        "video": stream.video,
                        "ssrc": stream.ssrc,
                        "payload_type": stream.payload_type,
                        "to": [other.receiving_leg for other in load.others(stream.party)],
                    }
                    for stream in load.streams
                ],
            }
        )
        port = (await self.child.hear())["port"]
        for number, keys in legs.items():
            generator.set_leg(
                number, (generator.network.server_address, port), session_keys(*keys.up), session_keys(*keys.down)
            )

    async def stop(self) -> None:
        """End the process."""
        await self.child.stop()
