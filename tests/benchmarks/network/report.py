"""From lessons to the table, the bars that were missed, and the JSON line."""

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.network import figures
from benchmarks.network.figures import Seen, Span
from benchmarks.network.lines import Scenario
from benchmarks.network.rooms import Lesson
from rich.table import Table

DEMAND_BPS = 1_660_000.0
"Of one room: 1.5 Mbit/s of picture and 40 kbit/s of sound with the headers of their packets."
JSON_KEYS = ("concealed_pct", "freeze_s", "height_p50", "step_down_s", "step_up_s", "used_pct")
LONGEST_FREEZE_S = 2.0
RECOVERED_WITHIN_S = 10.0
MOVES_WITHIN_S = 3.0
SLIDE_WITHIN_S = 5.0
WITNESS_FREEZE_S = 1.0
WITNESS_CONCEALED_PCT = 2.0


@dataclass(frozen=True)
class Figures:
    """Of one line with one server. None: does not apply, or never came."""

    concealed_pct: float | None
    freezes: int
    freeze_s: float
    longest_freeze_s: float
    height_p50: int | None
    fps: float
    step_down_s: float | None
    step_up_s: float | None
    used_pct: float
    queue_p95_ms: float | None
    delay_ms: float | None
    slide_s: float | None
    "The slowest slide."
    first_frame_s: float | None
    witness_height_p50: int | None
    "What a room on fibre saw meanwhile, in lines,"
    witness_freeze_s: float | None
    "for how long it stood there,"
    witness_concealed_pct: float | None
    "and what it heard."
    back_s: float | None
    "How long after an outage the picture moved again."
    cpu_limited_s: float
    "How long the lead's browser sent less for want of CPU."
    codec: str

    def as_json(self) -> dict[str, Any]:
        """All of them, the asked ones first."""
        values = asdict(self)
        return {name: _rounded(values[name]) for name in (*JSON_KEYS, *(one for one in values if one not in JSON_KEYS))}


def figures_of(scenario: Scenario, lesson: Lesson) -> Figures:
    """The worst room's figures; what is used is that of all rooms together."""
    span = lesson.span
    settled = Span(span.begin + figures.SETTLE_S, span.end)
    worst = [_of_room(scenario, room, lesson, settled) for room in lesson.rooms]
    queue = [
        queue_ms
        for at, queue_ms in figures.queues_ms(lesson.passed, "down", settled)
        if not _in_step(scenario, at - span.begin)
    ]
    low = Span(span.begin + scenario.low[0], span.begin + scenario.low[1]) if scenario.low else None
    video = [one for one in lesson.sent if one["kind"] == "video"]
    return Figures(
        concealed_pct=_most(one["concealed_pct"] for one in worst),
        freezes=max(one["freezes"] for one in worst),
        freeze_s=max(one["freeze_s"] for one in worst),
        longest_freeze_s=max(one["longest_freeze_s"] for one in worst),
        height_p50=min((one["height_p50"] for one in worst if one["height_p50"]), default=None),
        fps=min(one["fps"] for one in worst),
        step_down_s=figures.stepped_down_s(lesson.passed, low) if low and not scenario.cut else None,
        step_up_s=_most([figures.restored_s(room.frames, Span(low.end, span.end)) for room in lesson.rooms])
        if low
        else None,
        used_pct=_used_pct(scenario, lesson, settled),
        queue_p95_ms=figures.percentile(queue, 0.95),
        delay_ms=_most(one["delay_ms"] for one in worst),
        slide_s=_most(one["slide_s"] for one in worst),
        first_frame_s=_most([room.frames[0][0] - lesson.joined_at if room.frames else None for room in lesson.rooms]),
        witness_height_p50=figures.median_height(lesson.witness.frames, settled) if lesson.witness else None,
        witness_freeze_s=sum(gap for _, gap in figures.freezes(lesson.witness.frames, settled))
        if lesson.witness
        else None,
        witness_concealed_pct=figures.concealed_pct(lesson.witness, span) if lesson.witness else None,
        back_s=_most([figures.moves_again_s(room.frames, Span(low.end, span.end)) for room in lesson.rooms])
        if low and scenario.cut
        else None,
        cpu_limited_s=max((float((one.get("limited_s") or {}).get("cpu", 0.0)) for one in video), default=0.0),
        codec=next((str(one["codec"]) for one in video if one.get("codec")), "?"),
    )


def missed_bars(scenario: Scenario, found: Figures) -> list[str]:
    """What the relay's figures ask for and did not get; empty is well."""
    missed = []

    def hold(met: bool, what: str) -> None:
        if not met:
            missed.append(f"{scenario.name}: {what}")

    if scenario.most_concealed_pct is not None:
        heard = found.concealed_pct is not None and found.concealed_pct < scenario.most_concealed_pct
        hold(heard, f"concealed sound {_shown(found.concealed_pct)} %, not under {scenario.most_concealed_pct:g} %")
    if scenario.full_height:
        hold(
            found.height_p50 == figures.FULL_HEIGHT, f"the lead at {found.height_p50} lines, not {figures.FULL_HEIGHT}"
        )
    if scenario.witness:
        # Beside slides the lead is shown small: half of it is enough.
        enough = figures.FULL_HEIGHT / 2 if scenario.slides else figures.FULL_HEIGHT
        high = (found.witness_height_p50 or 0) >= enough
        spared = high and (found.witness_freeze_s or 0.0) < WITNESS_FREEZE_S
        hold(
            spared, f"a room on fibre at {found.witness_height_p50} lines, standing {_shown(found.witness_freeze_s)} s"
        )
        heard = found.witness_concealed_pct is not None and found.witness_concealed_pct < WITNESS_CONCEALED_PCT
        hold(heard, f"a room on fibre with concealed sound {_shown(found.witness_concealed_pct)} %")
    if scenario.slides:
        quick = found.slide_s is not None and found.slide_s <= SLIDE_WITHIN_S
        hold(quick, f"a slide after {_shown(found.slide_s)} s, not within {SLIDE_WITHIN_S:g} s")
    if scenario.low:
        back = found.step_up_s is not None and found.step_up_s <= RECOVERED_WITHIN_S
        hold(back, f"full quality after {_shown(found.step_up_s)} s, not within {RECOVERED_WITHIN_S:g} s")
    if scenario.cut:
        moves = found.back_s is not None and found.back_s < MOVES_WITHIN_S
        hold(moves, f"the picture moves {_shown(found.back_s)} s after the outage, not within {MOVES_WITHIN_S:g} s")
    if found.step_down_s is not None:
        hold(found.longest_freeze_s <= LONGEST_FREEZE_S, f"a freeze of {found.longest_freeze_s:.1f} s")
    hold(found.used_pct >= 75, f"{found.used_pct:.0f} % of the line used")
    hold(
        found.queue_p95_ms is None or found.queue_p95_ms < figures.QUEUE_BAR_MS,
        f"queue {_shown(found.queue_p95_ms)} ms",
    )
    return missed


COLUMNS = {
    "concealed %": "concealed_pct",
    "freezes": "freezes",
    "frozen s": "freeze_s",
    "longest s": "longest_freeze_s",
    "height": "height_p50",
    "fps": "fps",
    "down s": "step_down_s",
    "up s": "step_up_s",
    "moves s": "back_s",
    "delay ms": "delay_ms",
    "queue ms": "queue_p95_ms",
    "used %": "used_pct",
    "slide s": "slide_s",
    "first s": "first_frame_s",
    "other height": "witness_height_p50",
    "other frozen s": "witness_freeze_s",
    "other concealed %": "witness_concealed_pct",
    "cpu s": "cpu_limited_s",
}


def table(results: Mapping[str, Mapping[str, Figures]]) -> Table:
    """For people."""
    drawn = Table("line", "server", *COLUMNS, title="weak lines")
    for name, servers in results.items():
        for server, one in servers.items():
            drawn.add_row(name, server, *(_shown(getattr(one, field)) for field in COLUMNS.values()))
    return drawn


def _of_room(scenario: Scenario, room: Seen, lesson: Lesson, settled: Span) -> dict[str, Any]:
    found = figures.freezes(room.frames, lesson.span)
    if scenario.low and scenario.cut:
        begin, end = (lesson.span.begin + at for at in scenario.low)
        found = [(at, gap) for at, gap in found if not (at < end and at + gap > begin)]
    queue = [queue_ms for _, queue_ms in figures.queues_ms(lesson.passed, "down", settled)]
    buffered = figures.buffered_ms(room, "video", settled) or figures.buffered_ms(room, "audio", settled)
    way_ms = 1000 * (scenario.down.delay_s + scenario.lead_up.delay_s)
    return {
        "concealed_pct": figures.concealed_pct(room, lesson.span),
        "freezes": len(found),
        "freeze_s": sum(gap for _, gap in found),
        "longest_freeze_s": max((gap for _, gap in found), default=0.0),
        "height_p50": figures.median_height(room.frames, settled),
        "fps": figures.frame_rate(room.frames, settled),
        "delay_ms": None if buffered is None else way_ms + buffered + (statistics.fmean(queue) if queue else 0.0),
        "slide_s": max(figures.slide_delays_s(lesson.turned, room, lesson.span), default=None),
    }


def _used_pct(scenario: Scenario, lesson: Lesson, settled: Span) -> float:
    """What came of the lesser of what the line carries and what is wanted."""
    could = 0.0
    step_s = 0.1
    at = settled.begin
    while at < settled.end:
        rates = [_rate(line, at - lesson.span.begin) for line in (scenario.down, scenario.lead_up)]
        could += step_s * max(0.0, min(rates[0], min(rates[1], DEMAND_BPS) * len(lesson.rooms)))
        at += step_s
    came = sum(figures.received_bits(room, settled) for room in lesson.rooms)
    return 100 * came / could if could else 0.0


def _rate(line: Any, at: float) -> float:
    rate = next(rate for since, rate in reversed(line.rates) if since <= at)
    return rate if rate != 0 else float("inf")


def _in_step(scenario: Scenario, at: float) -> bool:
    """Just after the line became worse its queue is that of the step itself."""
    return scenario.low is not None and scenario.low[0] <= at < scenario.low[0] + 3.0


def _most(values: Any) -> float | None:
    found = list(values)
    return None if not found or any(one is None for one in found) else max(found)


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if isinstance(value, int) or abs(value) >= 100 else f"{value:.1f}"
