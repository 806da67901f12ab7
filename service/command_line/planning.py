"""The planning commands: generate an instance, plan it, check a plan. Files in, files out; no service and no database.

Results go to a file or standard output, progress to standard error; what is wrong with a file is one sentence.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from scheduler.check.plan_check import check_plan, describe, read_plan
from scheduler.errors import SchedulerError
from scheduler.instance.document import dump, load
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.budget import Budget
from scheduler.pairing.plan import plan_document
from scheduler.pairing.solve import Progress, solve
from service.command_line.terminal import fail, say

LARGEST_FILE_BYTES = 1 << 30
SECONDS_BETWEEN_LINES = 5.0
NO_LIMIT = 1e12


def make_instance(size: str, seed: int, out: Path | None) -> None:
    """Draws an instance under the published assumptions and writes it to the file, or to standard output."""
    with scheduler_errors():
        text = dump(generate(size, seed))
    if out is None:
        typer.echo(text)
        return
    _write(out, text)
    say(f"{out}: size {size}, seed {seed}")


def make_plan(instance: Path, budget_s: float, seed: int, workers: int, out: Path | None) -> None:
    """Plans the instance for so many seconds, or until Ctrl-C, and writes the plan."""
    snapshot = _read_instance(instance)
    started = time.monotonic()
    with _interrupts() as interrupted, scheduler_errors():
        solution = solve(
            snapshot,
            Budget(effort=NO_LIMIT, seconds=budget_s),
            seed,
            elapsed=lambda: time.monotonic() - started,
            report=_Lines(),
            stop=interrupted,
            workers=workers,
        )
        document = plan_document(solution)
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if out is None:
        typer.echo(text)
    else:
        _write(out, text)
    say(
        f"score {document['score']}, bound {document['bound']}, gap {document['gap_pct']:.2f} %, "
        f"coverage {document['coverage']:.3f}, worst school {document['worst_school']:.3f} "
        f"of at most {document['worst_school_bound']:.3f}, {len(document['unserved'])} demands short, "
        f"{time.monotonic() - started:.1f} s"
    )


def judge_plan(instance: Path, plan: Path) -> bool:
    """Prints the verdict of the independent check; whether everything the plan states is true."""
    snapshot = _read_instance(instance)
    with scheduler_errors(plan):
        document = read_plan(_read(plan))
    verdict = check_plan(snapshot, document)
    for line in describe(verdict):
        typer.echo(line)
    return not verdict.faults


@contextmanager
def scheduler_errors(about: Path | None = None) -> Iterator[None]:
    """Turns what is wrong with a file or an option into one sentence and exit code 2."""
    try:
        yield
    except SchedulerError as error:
        raise fail(f"{about}: {error}" if about else str(error)) from None


def _read_instance(path: Path) -> Snapshot:
    with scheduler_errors(path):
        return load(_read(path))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise fail(f"{path}: larger than {LARGEST_FILE_BYTES >> 20} MiB; this is no instance or plan")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise fail(f"{path}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise fail(f"{path}: {error.strerror or error}") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise fail(f"{path}: {error.strerror or error}") from None


class _Lines:
    """Progress as lines: every stage, and every few seconds of the search."""

    def __init__(self) -> None:
        self._stage = ""
        self._last_s = 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.stage == self._stage and progress.seconds < self._last_s + SECONDS_BETWEEN_LINES:
            return
        self._stage, self._last_s = progress.stage, progress.seconds
        gap = "bound not known yet" if progress.gap_pct is None else f"gap {progress.gap_pct:.2f} %"
        say(f"{progress.seconds:7.1f} s  {progress.stage:<12}  score {progress.score}, {gap}")


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends the search and the plan so far is written; the second one ends the program."""
    seen: list[int] = []

    def note(number: int, _: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        say("stopping; the plan found so far will be written (Ctrl-C again to give it up)")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, before)
