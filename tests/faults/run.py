"""make test-faults: parts of a deployment are killed, frozen for 30 s, and parted, under live lessons with real media.

One JSON line for each fault: time to picture again, what was logged, booked or recorded and got lost, what an operator
saw. Ends with 1 when something was lost, or a room that had nothing to do with the fault was interrupted.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from typing import Any

import httpx
from faults.drill import INTERRUPTION_S, LESSONS, Drill
from faults.plan import Fault, all_faults
from fleet.county import build_county
from fleet.deployment import Deployment, running_deployment
from school_network import SchoolNetwork, school_network

RECOVERED_P95_S = 3.0
"""For a killed relay."""
SHOWN_WITHIN_S = 10.0
MOST_LOUD_LINES = 8
"""Warnings and errors of any one process for one fault: each absence is said once, and once that it is over."""


def faults_of(found: dict[str, Any], reason: str | None) -> list[str]:
    """In which ways a fault did more harm than promised."""
    shown = found["shown_after_s"]
    wrong = {
        "slow to recover": found["fault"] == "kill relay" and found["recover_p95_s"] >= RECOVERED_P95_S,
        "others interrupted": found["others_interrupted"] > 0,
        "rows lost": found["lost_rows"] > 0,
        "rows doubled": found["doubled_rows"] > 0,
        "bookings lost": found["lost_bookings"] > 0,
        "recordings lost": found["lost_recorded_s"] is None or found["lost_recorded_s"] >= INTERRUPTION_S,
        "carried by two relays": found["carried_twice"] != 0,
        "thrown out again": found["thrown_out_again"] > 0,
        "not shown in health": reason is not None and (shown is None or shown > SHOWN_WITHIN_S),
        "not well again": found["well_after_s"] is None,
        "ended by itself": bool(found["ended"]),
        "health without answer": found["health_unanswered"] > 0,
        "said too often": found["loud_lines"] > MOST_LOUD_LINES,
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


async def drill(deployment: Deployment, faults: list[Fault], *, logs: bool) -> bool:
    """All faults; whether all went well."""
    county = build_county(deployment.database, LESSONS + 1)
    good = True
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        one = Drill(deployment, client, county)
        for fault in faults:
            print(f"{fault.name} ...", file=sys.stderr, flush=True)
            found = await one.run(fault)
            told = found.pop("told")
            wrong = faults_of(found, fault.reason)
            good &= not wrong
            print(json.dumps({"benchmark": "faults", **found, "wrong": wrong}), flush=True)
            if logs or wrong:
                print("\n".join(told), file=sys.stderr, flush=True)
    return good


@contextlib.contextmanager
def network_apart() -> Any:
    """A network for the first relay, where this is root; without, it cannot be parted from Redis."""
    if os.getuid() != 0:
        print("not root: the relay is not parted from Redis", file=sys.stderr)
        yield None
        return
    with school_network(only_443=False) as network:
        yield network


def main() -> None:
    """Parse the command line and drill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[""], help="faults whose name contains one of these")
    parser.add_argument("--freeze-seconds", type=float, default=30.0)
    parser.add_argument("--logs", action="store_true", help="print the warnings and errors of each fault")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; nothing is left running"))
    network: SchoolNetwork | None
    with network_apart() as network:
        every = all_faults(arguments.freeze_seconds, network)
        faults = [one for one in every if any(only in one.name for only in arguments.only)]
        if not faults:
            parser.error(f"there are only: {', '.join(one.name for one in every)}")
        with running_deployment(apart=network) as deployment:
            good = asyncio.run(drill(deployment, faults, logs=arguments.logs))
    sys.exit(not good)


if __name__ == "__main__":
    main()
