"""One measurement: warm up, be quiet, run while CPU and packets are counted, drain, and tell what came of it."""

import math
import os
from dataclasses import dataclass
from typing import Protocol

from benchmarks.forward.child import Child, softirq_thread_cpu_s
from benchmarks.forward.generator import Delays, Generator
from benchmarks.forward.loads import Load

WARM_UP_S = 1.0
QUIET_S = 0.2
MOST_QUIETS = 20
MOST_LOSS = 0.001
MOST_P99_MS = 100.0
SAMPLES_PER_S = 20_000


class Server(Protocol):
    """Something that forwards, in a process of its own."""

    name: str
    profile: str
    encodes_anew: bool
    "Whether what receivers get are other packets than what was published: loss and delay cannot be told then."
    child: Child

    async def start(self) -> None:
        """Start the process and wait until it takes clients."""

    async def connect(self, generator: Generator, load: Load) -> None:
        """Bring all parties of the load in, so that only media is missing."""

    async def stop(self) -> None:
        """End the process."""


@dataclass(frozen=True)
class Result:
    """What one run yielded."""

    server: str
    load: str
    saturated: bool
    lessons: int
    us_per_packet: float
    "User and system time of the server for each packet that a receiver got."
    packets_per_s: float
    loss: float
    p50_ms: float
    p99_ms: float
    server_busy: float
    "Share of its core."
    softirq_us_per_packet: float
    "Of that core's ksoftirqd (all its work, not only ours)."
    generator_busy: float
    generator_stalled: float
    "Share of the time in which others had its core: what came then is told as delay of the server."
    rss_mib: float
    machine_load: float
    forged: int
    segments: float
    "Packets that arrived in one piece by GSO, on average."

    @property
    def held(self) -> bool:
        """Whether the server carried the load."""
        return self.loss < MOST_LOSS and self.p99_ms < MOST_P99_MS


async def drain(generator: Generator) -> None:
    """Receive until nothing more comes."""
    before = -1
    for _ in range(MOST_QUIETS):
        if generator.counters().received == before:
            return
        before = generator.counters().received
        await generator.run(QUIET_S, 0)


async def measure(
    server: Server, generator: Generator, *, seconds: float, lessons: int, window: int = 0, warm_up_s: float = WARM_UP_S
) -> Result:
    """Run the first `lessons` lessons by the timetable, or (`window` > 0) as fast as the server takes them."""
    load = generator.load
    expected_per_s = load.packets_out_per_s * lessons / load.lessons
    await generator.run(warm_up_s, lessons, window)
    await drain(generator)
    generator.reset(max(1, round((500_000 if window else expected_per_s) / SAMPLES_PER_S)))
    cpu_s, softirq_s = server.child.cpu_s(), softirq_thread_cpu_s()
    await generator.run(seconds, lessons, window)
    cpu_s, softirq_s = server.child.cpu_s() - cpu_s, softirq_thread_cpu_s() - softirq_s
    counted = generator.counters()
    await drain(generator)
    after = generator.counters()
    delays = Delays(math.nan, math.nan, 0) if server.encodes_anew else generator.delays()
    elapsed_s = counted.elapsed_ns / 1e9
    received = max(counted.received, 1)
    return Result(
        server=server.name,
        load=load.name,
        saturated=window > 0,
        lessons=lessons,
        us_per_packet=cpu_s * 1e6 / received,
        packets_per_s=counted.received / elapsed_s,
        loss=math.nan if server.encodes_anew else 1 - after.received / max(after.expected, 1),
        p50_ms=delays.p50_ms,
        p99_ms=delays.p99_ms,
        server_busy=cpu_s / elapsed_s,
        softirq_us_per_packet=softirq_s * 1e6 / received,
        generator_busy=1 - counted.idle_ns / counted.elapsed_ns,
        generator_stalled=counted.stalled_ns / counted.elapsed_ns,
        rss_mib=server.child.rss_mib(),
        machine_load=os.getloadavg()[0],
        forged=0 if server.encodes_anew else after.forged,
        segments=counted.received / max(counted.messages, 1),
    )
