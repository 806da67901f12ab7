"""How many lessons one core holds: all join once, then ever other numbers of them send until loss or delay shows.

The lessons that do not send stay connected, and cost what connected silent clients cost.
"""

import math
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.forward.generator import Generator
from benchmarks.forward.loads import Load
from benchmarks.forward.measure import Result, Server, measure

CONFIRMATIONS = 3
HOPELESS_LOSS = 0.05
STEP_SHARE = 0.03
"The search ends when the bounds are this near, or one lesson apart."


@dataclass(frozen=True)
class Held:
    """What a server carried on one core."""

    server: str
    lessons: int
    at_limit: bool
    "All lessons that joined were held: the true figure is higher."
    full_load: Result
    half_load: Result
    "The run with the median p99 at half of the lessons held."
    rss_per_lesson_mib: float
    "Growth of resident memory from the start to all lessons joined and run, for each."
    joined: int


async def find_held(
    server: Server,
    generator: Generator,
    load: Load,
    *,
    empty_rss_mib: float,
    seconds: float,
    told: Callable[[Result], None],
) -> Held:
    """Find the most lessons of `load` that the connected server holds in the median of three runs."""

    async def run(lessons: int) -> Result:
        result = await measure(server, generator, seconds=seconds, lessons=lessons)
        told(result)
        return result

    good, bad = await search(run, load.lessons)
    while good > 0 and not await _confirmed(run, good):
        bad = good
        good = math.floor(good * (1 - STEP_SHARE)) if good > 1 else 0
    full_load = await run(max(good, 1))
    halves = [await run(max(good // 2, 1)) for _ in range(CONFIRMATIONS)]
    half_load = sorted(halves, key=lambda result: result.p99_ms)[len(halves) // 2]
    return Held(
        server=server.name,
        lessons=good,
        at_limit=bad > load.lessons and good > 0,
        full_load=full_load,
        half_load=half_load,
        rss_per_lesson_mib=(server.child.rss_mib() - empty_rss_mib) / load.lessons,
        joined=load.lessons,
    )


async def search(run: Callable[[int], Awaitable[Result]], most: int) -> tuple[int, int]:
    """A number of lessons that was held once, and a near one that was not (or one more than there are)."""
    good, bad = 0, most + 1
    while bad - good > max(1, STEP_SHARE * good):
        trial = (good + bad) // 2
        # Twice if it was near: one bad moment of the machine must not halve the figure.
        result = await run(trial)
        if result.held or (result.loss < HOPELESS_LOSS and (await run(trial)).held):
            good = trial
        else:
            bad = trial
    return good, bad


async def _confirmed(run: Callable[[int], Awaitable[Result]], lessons: int) -> bool:
    results = [await run(lessons) for _ in range(CONFIRMATIONS)]
    return statistics.median(result.held for result in results) == 1
