"""make bench-fleet: the bell. All lessons are joined within a minute, by rooms with real signalling and DTLS-SRTP.

First the fleet (real PostgreSQL and Redis, two replicas, several relays, a worker), then one process with SQLite with
as many lessons as it holds. `join` is from opening the socket to `welcome`; `media` from when the last room of a
lesson opens its socket until every room has received packets of all tracks of the others; `api` each single request of
those who book and look while the bell rings, and of the bookings before it. Everything, the rooms included, shares
this machine: `cores_used` says who took how much of it. A line for each run goes to standard error, one JSON line to
standard output; ends with 1 when one of the bars is missed.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.fleet.bell import Bell
from fleet.deployment import Deployment, running_deployment
from fleet.processes import Process, cpu_s, tree_cpu_s

from service.storage.database import Database

BARS = {"joined_in_s": 60.0, "join_p99_ms": 300.0, "api_p99_ms": 300.0, "placement_spread_pct": 10.0, "errors": 0}
SHRINK = 0.7
LEAST_LESSONS = 10


def parts_of(deployment: Deployment) -> dict[str, float]:
    """CPU seconds so far of each part, and of the rooms and those who book."""
    used = {process.name: process.cpu_s() for process in deployment.processes}
    used["postgresql"] = tree_cpu_s(deployment.postgresql.pid)
    used["redis"] = cpu_s(deployment.redis.pid)
    return used | generator()


def generator() -> dict[str, float]:
    """CPU seconds so far of what only exists to measure."""
    own = os.times()
    children = os.times().children_user + os.times().children_system
    return {"rooms": children, "bookers": own.user + own.system}


def ring_fleet(arguments: argparse.Namespace) -> dict[str, Any]:
    """The bell over all real parts."""
    with running_deployment(relays=arguments.relays, relay_rooms=3 * arguments.lessons) as deployment:
        addresses = [str(replica.ready["url"]) for replica in deployment.replicas]
        bell = Bell(addresses, deployment.database, arguments.lessons, arguments.seed)
        figures = asyncio.run(bell.run(arguments.bell_seconds, arguments.relays, lambda: parts_of(deployment)))
    return {"parts": f"PostgreSQL, Redis, 2 replicas, {arguments.relays} relays, a worker", **figures}


def ring_embedded(arguments: argparse.Namespace, lessons: int) -> dict[str, Any]:
    """The bell over one process with SQLite."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {"THREE_CLASSROOMS_RELAY_ROOMS": "2000", "THREE_CLASSROOMS_DATA_FOLDER": str(folder / "data")}
        serve = ("serve", "--port", "0", "--udp-port", "0")
        process = Process("embedded", serve, environment, folder / "embedded.log").start()
        database = Database(f"sqlite:///{folder / 'data' / 'three-classrooms.sqlite3'}")
        try:
            bell = Bell([str(process.ready["url"])], database, lessons, arguments.seed)
            parts = lambda: {"embedded": process.cpu_s()} | generator()  # noqa: E731
            figures = asyncio.run(bell.run(arguments.bell_seconds, 1, parts))
        finally:
            database.close()
            process.stop()
    return {"parts": "one process, SQLite", **figures}


def largest_embedded(arguments: argparse.Namespace) -> dict[str, Any]:
    """Ring with fewer and fewer lessons until one process holds them all."""
    lessons = arguments.embedded_lessons
    while True:
        figures = ring_embedded(arguments, lessons)
        show(figures)
        holds = not figures["errors"] and figures["joined_in_s"] <= BARS["joined_in_s"]
        if holds or lessons <= LEAST_LESSONS:
            return figures | {"holds": holds}
        lessons = max(LEAST_LESSONS, int(lessons * SHRINK))


def show(figures: dict[str, Any]) -> None:
    """One run, for people."""
    print(json.dumps(figures, ensure_ascii=False), file=sys.stderr, flush=True)


def main() -> None:
    """Parse the command line, ring, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lessons", type=int, default=250)
    parser.add_argument(
        "--embedded-lessons", type=int, default=250, help="to begin with; 0 leaves the embedded process out"
    )
    parser.add_argument("--relays", type=int, default=max(2, os.cpu_count() or 2))
    parser.add_argument("--bell-seconds", type=float, default=50.0, help="everybody comes within this time")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    machine = {"cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1)}
    fleet = ring_fleet(arguments)
    show(fleet)
    missed = [name for name, bar in BARS.items() if fleet[name] is not None and fleet[name] > bar]
    embedded = largest_embedded(arguments) if arguments.embedded_lessons else None
    line = {"benchmark": "fleet", **fleet, "missed": missed, "embedded": embedded, **machine}
    print(json.dumps(line, ensure_ascii=False), flush=True)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
