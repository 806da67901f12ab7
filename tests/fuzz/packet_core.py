"""Throws what inputs say at the packet core: `packet_core.py --target rtp --seconds 600`.

An input is a script of bytes that decide what is thrown (`script.py`), by one of the targets (`targets.py`). Inputs
that make the core do something new (another counter, event or kind of packet, or a way through its code where it was
built with `--coverage`) are mutated further, and `--keep` adds them to the corpus. The invariant: nothing crashes or
raises but CommandError, and all that comes out is authentic and well formed for its receiver. Under `make fuzz` the
core is built with sanitizers.
"""

import argparse
import hashlib
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.bench import Bench
from tests.fuzz.script import ScriptEndedError
from tests.fuzz.targets import TARGETS
from tests.fuzz.ways import Ways

CORPUS = Path(__file__).parent / "corpus"
MOST_BYTES = 700
MOST_KEPT_BYTES = 25_000
WAYS = Ways()
FRESH = 0.05
"Share of inputs that are made anew instead of mutated."


def throw(target: str, script: bytes) -> Bench:
    """Let the target follow a script to its end on a fresh bench."""
    bench = Bench(script)
    try:
        while True:
            TARGETS[target](bench)
    except ScriptEndedError:
        bench.note_counters()
    return bench


def corpus(target: str) -> list[Path]:
    """The inputs kept for a target, in a fixed order."""
    return sorted((CORPUS / target).glob("*"))


def mutated(script: bytes, other: bytes, chance: random.Random) -> bytes:
    """A script with some bytes changed, cut out, doubled or replaced by another's."""
    body = bytearray(script)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at, size = chance.randrange(len(body) + 1), chance.choice((1, 1, 4, 20, 100))
        match chance.randrange(5):
            case 0:
                body[at : at + size] = chance.randbytes(len(body[at : at + size]))
            case 1:
                del body[at : at + size]
            case 2:
                body[at:at] = body[at : at + size]
            case 3:
                begin = chance.randrange(len(other) + 1)
                body[at:at] = other[begin : begin + size]
            case _:
                body[at:at] = chance.randbytes(size)
    return bytes(body[:MOST_BYTES])


@dataclass
class Reached:
    """What inputs made the core do."""

    features: set[tuple[object, ...]] = field(default_factory=set)
    "What was seen from outside: counters in orders of magnitude, events, packets."
    ways: int = 0
    "Steps through its code, bit by bit."

    def holds(self, other: "Reached") -> bool:
        """Whether nothing of the other is new."""
        return other.features <= self.features and not other.ways & ~self.ways

    def add(self, other: "Reached") -> None:
        """Take in what the other reached."""
        self.features |= other.features
        self.ways |= other.ways


def reached_by(target: str, script: bytes) -> Reached:
    """What one input makes the core do."""
    WAYS.clear()
    bench = throw(target, script)
    return Reached(bench.features, WAYS.taken())


class Fuzzer:
    """Inputs of one target and what they reached."""

    def __init__(self, target: str, seed: int) -> None:
        self.target, self.chance = target, random.Random(seed)
        self.inputs = [path.read_bytes() for path in corpus(target)]
        self.reached = Reached()
        self.found: list[bytes] = []
        self.thrown = 0

    def replay(self) -> None:
        """Throw the corpus."""
        for script in self.inputs:
            self.reached.add(reached_by(self.target, script))

    def step(self) -> None:
        """Make and throw one input; it is kept if it reaches something new."""
        script = self._next()
        try:
            reached = reached_by(self.target, script)
        except BaseException:
            path = Path(f"fuzz-{self.target}-{hashlib.sha256(script).hexdigest()[:12]}")
            path.write_bytes(script)
            print(f"{self.target} failed; its input is in {path.resolve()}: --replay shows it again", file=sys.stderr)
            raise
        self.thrown += 1
        if not self.reached.holds(reached):
            self.reached.add(reached)
            self.inputs.append(script)
            self.found.append(script)

    def _next(self) -> bytes:
        if not self.inputs or self.chance.random() < FRESH:
            return self.chance.randbytes(self.chance.choice((20, 100, 400, MOST_BYTES)))
        return mutated(self.chance.choice(self.inputs), self.chance.choice(self.inputs), self.chance)

    def smallest(self) -> list[bytes]:
        """As few inputs as reach all that was reached, greedily: what is seen from outside first, then the ways."""
        runs = [(script, reached_by(self.target, script)) for script in self.inputs]
        left, ways, kept = set(self.reached.features), self.reached.ways, list[bytes]()
        while sum(map(len, kept)) < MOST_KEPT_BYTES:
            script, reached = max(
                runs,
                key=lambda run: (
                    len(run[1].features & left) / (200 + len(run[0])),
                    (run[1].ways & ways).bit_count() / (200 + len(run[0])),
                ),
            )
            if not reached.features & left and not reached.ways & ways:
                break
            left -= reached.features
            ways &= ~reached.ways
            kept.append(script)
        return kept


def keep(fuzzer: Fuzzer, to: Path) -> None:
    """Write a small set of inputs that reaches what was reached, in place of what is there for the target."""
    folder = to / fuzzer.target
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*"):
        path.unlink()
    for script in fuzzer.smallest():
        (folder / hashlib.sha256(script).hexdigest()[:12]).write_bytes(script)


def main() -> None:
    """Fuzz each target for a time, from its corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=TARGETS, action="append", help="default: all, one after the other")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    parser.add_argument("--keep", type=Path, help="write the inputs worth keeping to this corpus")
    parser.add_argument("--replay", type=Path, help="throw one input at one target")
    arguments = parser.parse_args()
    for target in arguments.target or list(TARGETS):
        if arguments.replay:
            throw(target, arguments.replay.read_bytes())
            continue
        fuzzer = Fuzzer(target, arguments.seed)
        fuzzer.replay()
        until = time.monotonic() + arguments.seconds
        while time.monotonic() < until:
            fuzzer.step()
        print(
            f"{target}: {fuzzer.thrown} inputs, {len(fuzzer.found)} of them with something new, "
            f"{len(fuzzer.reached.features)} features, {fuzzer.reached.ways.bit_count()} ways, nothing wrong"
        )
        if arguments.keep:
            keep(fuzzer, arguments.keep)


if __name__ == "__main__":
    main()
