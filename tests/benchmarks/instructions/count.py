"""Counts the instructions the packet core spends for each forwarded packet, by callgrind: the same on every repeat.

Wants no quiet machine. `count.py` prints the counts beside the recorded baseline; `count.py --record` records them.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
BASELINE = HERE / "baseline.json"
FAN_OUTS = (3, 50)
FRAMES = {3: 120, 50: 30}
_RECEIVE = "__pyx_pw_*4core_4Core_*receive"
_POSITION = re.compile(r"[+\-*\d]")


def count(fan_out: int) -> dict[str, float]:
    """Instructions for each forwarded packet: our own code's, and with libcrypto and libc.

    Raises RuntimeError when valgrind is missing or the load fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        command = [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={out}",
            "--collect-atstart=no",
            f"--toggle-collect={_RECEIVE}",
            sys.executable,
            str(HERE / "core_load.py"),
            str(fan_out),
            str(FRAMES[fan_out]),
        ]
        repository = str(HERE.parents[2])
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": repository}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        except FileNotFoundError:
            raise RuntimeError("valgrind is missing; on Debian: apt-get install valgrind") from None
        if done.returncode:
            raise RuntimeError(f"the load failed under valgrind:\n{done.stderr[-2000:]}")
        by_object = _instructions_by_object(out.read_text())
    packets = int(done.stdout)
    own = sum(spent for name, spent in by_object.items() if "forwarder/native/core" in name)
    if not own:
        raise RuntimeError("the profile does not show the packet core: is it built without symbols?")
    return {"own": round(own / packets, 1), "all": round(sum(by_object.values()) / packets, 1)}


def _instructions_by_object(profile: str) -> dict[str, int]:
    """Exclusive costs of a callgrind profile, summed by shared object."""
    names: dict[str, str] = {}
    spent: dict[str, int] = {}
    current, after_call = "", False
    for line in profile.splitlines():
        if line.startswith(("ob=", "cob=")):  # a name is told once, wherever its object comes first
            number, _, name = line.partition("=")[2].partition(" ")
            names.setdefault(number, name)
            current = names[number] if line.startswith("ob=") else current
        elif line.startswith("calls="):
            after_call = True  # the next line's cost is the callee's
        elif _POSITION.match(line):
            if not after_call:
                spent[current] = spent.get(current, 0) + int(line.split()[1])
            after_call = False
    return spent


def main() -> None:
    """Count, and compare or record."""
    counts = {str(fan_out): count(fan_out) for fan_out in FAN_OUTS}
    if "--record" in sys.argv[1:]:
        BASELINE.write_text(json.dumps(counts, indent=2) + "\n")
    baseline = json.loads(BASELINE.read_text())
    for fan_out, spent in counts.items():
        was = baseline[fan_out]
        print(
            f"fan-out {fan_out}: {spent['own']:.0f} of our own (baseline {was['own']:.0f}), {spent['all']:.0f} in all"
        )
    print(json.dumps({"instructions_per_packet": counts}))


if __name__ == "__main__":
    main()
