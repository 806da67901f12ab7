"""The lines that are measured: what the lead's and the rooms' lines do, and for how long."""

from dataclasses import dataclass

from benchmarks.network.line_model import LineSettings

MBIT = 1_000_000.0
RTT_S = 0.04
"Of a village's line; half of it in each direction."


def _line(
    *rates: tuple[float, float], rtt_s: float = RTT_S, queue_s: float = 0.3, **impairments: float
) -> LineSettings:
    """A line whose queue holds `queue_s` of its first rate, as routers' queues do."""
    queue_bytes = max(24_000, int(rates[0][1] * queue_s / 8)) if rates else 1_000_000
    return LineSettings(
        rates=rates or ((0.0, 0.0),),
        queue_bytes=queue_bytes,
        delay_s=rtt_s / 2,
        jitter_s=0.001,
        **impairments,  # type: ignore[arg-type]
    )


FIBRE = LineSettings(rates=((0.0, 100 * MBIT),), queue_bytes=1_000_000, delay_s=0.004, jitter_s=0.0005)


@dataclass(frozen=True)
class Scenario:
    """One line of the benchmark. Times are seconds from the moment that all take part."""

    name: str
    down: LineSettings = FIBRE
    "From the server to the rooms, which share it."
    up: LineSettings = FIBRE
    lead_up: LineSettings = FIBRE
    rooms: int = 1
    slides: bool = False
    "The lead shares slides as well."
    witness: bool = False
    "One more room, on fibre: it must not feel the others' line."
    low: tuple[float, float] | None = None
    "From when until when the line is worse."
    seconds: float | None = None
    "None: as long as is asked for."
    most_concealed_pct: float | None = 2.0
    "The bar; None without."
    full_height: bool = False
    "Whether the lead must be seen at full height, half of the time at least."

    @property
    def cut(self) -> bool:
        """Whether nothing passes while the line is worse: then a standing picture is no fault."""
        return any(rate < 0 for _, rate in self.down.rates)


def _steps(before: float, low: float, begin: float, end: float) -> tuple[tuple[float, float], ...]:
    return ((0.0, before), (begin, low), (end, before))


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("fibre", full_height=True),
    Scenario("shared10", down=_line((0.0, 10 * MBIT)), up=_line((0.0, 10 * MBIT)), rooms=3, full_height=True),
    Scenario("4mbit", down=_line((0.0, 4 * MBIT)), up=_line((0.0, 2 * MBIT)), full_height=True),
    Scenario("2mbit", down=_line((0.0, 2 * MBIT)), up=_line((0.0, 1 * MBIT))),
    Scenario("0.5mbit", down=_line((0.0, 0.5 * MBIT)), up=_line((0.0, 0.5 * MBIT)), slides=True, witness=True),
    Scenario(
        "loss5", down=_line((0.0, 10 * MBIT), rtt_s=0.15, loss=0.05), up=_line((0.0, 10 * MBIT), rtt_s=0.15, loss=0.05)
    ),
    Scenario(
        "burst15",
        down=_line((0.0, 10 * MBIT), loss=0.15, burst=4.0),
        up=_line((0.0, 10 * MBIT), loss=0.15, burst=4.0),
        witness=True,
        most_concealed_pct=4.0,
    ),
    Scenario(
        "step",
        down=_line(*_steps(10 * MBIT, 1 * MBIT, 12, 27), queue_s=0.08),
        up=_line(*_steps(10 * MBIT, 1 * MBIT, 12, 27)),
        witness=True,
        low=(12, 27),
        seconds=42,
    ),
    Scenario(
        "outage",
        down=_line(*_steps(10 * MBIT, -1, 8, 38)),
        up=_line(*_steps(10 * MBIT, -1, 8, 38)),
        low=(8, 38),
        seconds=55,
        most_concealed_pct=None,
    ),
    Scenario("uplink1", lead_up=_line((0.0, 1 * MBIT))),
)
