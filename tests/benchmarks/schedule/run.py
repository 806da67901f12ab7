"""Plans generated prefectures; prints a table and a JSON line: bound, score, gap, coverage, worst school, time, memory.

    python tests/benchmarks/schedule/run.py --size 1/20 --size 1/4 --seed 7 --seed 8 --budget 60 [--whole-model 30]

Beside each plan stand plain greedy and CP-SAT on the whole instance at once, on as many cores and from the greedy plan
as its hint, in the same run. Every number of a plan is that of the independent check: a plan that breaks a rule, or a
certificate that fails, ends the run. Memory is the largest sum over the plan's processes, shared pages counted once.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from explanations import try_relaxations

from scheduler.check.certificate import verify
from scheduler.check.week_plan import count_plan
from scheduler.check.worst_school import worst_share_proven
from scheduler.instance.assumptions import LOOSE, TIGHT
from scheduler.instance.generator import SIZES, generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Budget
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.plan import pairings_of, plan_document
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.reasons import Explainer
from scheduler.pairing.solve import Progress, gap_pct, solve
from scheduler.pairing.subproblem import Effort, replan

LOOK_AT_MEMORY_EVERY_S = 1.0  # often enough: the relaxation lasts longer, and each look costs a big process something
USUAL_SECONDS = {"1/20": 30.0, "1/4": 60.0, "full": 300.0}
COLUMNS = (
    "size", "seed", "bound", "score", "gap_pct", "greedy_gap_pct", "whole_model_gap_pct", "coverage", "worst_school",
    "worst_school_bound", "first_plan_s", "bound_s", "seconds", "verify_s", "explain_s", "peak_mib",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", action="append", choices=sorted(SIZES), help="may be given several times")
    parser.add_argument("--seed", action="append", type=int, help="may be given several times")
    parser.add_argument("--budget", type=float, help="seconds for each plan; usually 30, 60 or 300 by size")
    parser.add_argument("--workers", type=int, default=2, help="processes that search, threads of the relaxation")
    parser.add_argument(
        "--whole-model", type=float, help="seconds for CP-SAT on the whole instance; usually 20, full 0"
    )
    parser.add_argument("--loose", action="store_true", help="the regime with larger limits and more teachers")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    parser.add_argument("--relaxations", type=int, default=5, help="how many of the stated relaxations are applied")
    parser.add_argument("--out", type=Path, help="a folder for the plans, as SIZE-SEED.plan.json")
    arguments = parser.parse_args()
    sizes, seeds = arguments.size or ["1/20", "1/4"], arguments.seed or [7, 11]
    runs = [_watched(size, seed, arguments) for size in sizes for seed in seeds]
    _print_table(runs)
    print(json.dumps({"runs": runs}))
    return 0


def _watched(size: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One run in a process of its own, its memory looked at from outside; CP-SAT on everything in another one."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool:
        pid = pool.submit(os.getpid).result()
        run = pool.submit(_run, size, seed, arguments)
        peak_mib = 0.0
        while not run.done():
            peak_mib = max(peak_mib, _memory_mib(pid))
            time.sleep(LOOK_AT_MEMORY_EVERY_S)
        found = run.result() | {"peak_mib": round(peak_mib)}
    seconds = arguments.whole_model if arguments.whole_model is not None else (0.0 if size == "full" else 20.0)
    with ProcessPoolExecutor(1, spawn) as pool:
        whole = pool.submit(_whole_model_gap, size, seed, found["bound"], seconds, arguments).result()
    return found | {"whole_model_gap_pct": whole}


def _memory_mib(pid: int) -> float:
    """The proportional set sizes of a process and its children together; 0 once it is gone."""
    total = 0.0
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    total += next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
    return total + sum(_memory_mib(int(child)) for child in children)


def _run(size: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    snapshot = generate(size, seed, LOOSE if arguments.loose else TIGHT)
    seen: list[Progress] = []
    started = time.monotonic()

    def report(progress: Progress) -> None:
        if not arguments.quiet and (not seen or progress.stage != seen[-1].stage):
            gap = "" if progress.gap_pct is None else f", gap {progress.gap_pct:.2f} %"
            print(f"{size}/{seed} {progress.seconds:6.1f} s {progress.stage}: {progress.score}{gap}", file=sys.stderr)
        seen.append(progress)

    budget = Budget(effort=1e9, seconds=arguments.budget or USUAL_SECONDS[size])
    elapsed = lambda: time.monotonic() - started  # noqa: E731 - it reads better where it is used
    solution = solve(snapshot, budget, seed, elapsed=elapsed, report=report, workers=arguments.workers)
    seconds = elapsed()
    count = count_plan(snapshot, pairings_of(solution.assignment))
    if count.violations or count.score != solution.assignment.score:
        raise SystemExit(f"the plan is wrong: {count.violations[:5]}, score {count.score}")
    verifying = time.monotonic()
    bound = verify(snapshot, solution.certificate)
    worst_proven = worst_share_proven(snapshot, solution.certificate["worst_school"])
    explaining = time.monotonic()
    if worst_proven != solution.worst_school_bound:
        raise SystemExit(f"the worst school's bound {solution.worst_school_bound} is proven only as {worst_proven}")
    explained = Explainer(solution.assignment).unserved()
    done = time.monotonic()
    if arguments.out is not None:
        name = f"{size.replace('/', '-')}-{seed}.plan.json"
        (arguments.out / name).write_text(json.dumps(plan_document(solution), ensure_ascii=False))
    return {
        "size": size,
        "seed": seed,
        "bound": bound,
        "score": count.score,
        "gap_pct": round(gap_pct(bound, count.score), 3),
        "coverage": round(float(count.coverage), 4),
        "worst_school": round(float(solution.worst_school), 4),
        "worst_school_bound": round(float(solution.worst_school_bound), 4),
        "seconds": round(seconds, 1),
        "greedy_gap_pct": round(gap_pct(bound, _greedy_score(snapshot)), 3),
        "first_plan_s": round(seen[0].seconds, 2),
        "bound_s": round(next(one.seconds for one in seen if one.bound is not None), 1),
        "verify_s": round(explaining - verifying, 2),
        "explain_s": round(done - explaining, 2),
        "explained": len(explained),
        "relaxations_tried": try_relaxations(solution.assignment, explained, arguments.relaxations),
    }


def _greedy_score(snapshot: Any) -> int:
    greedy = Assignment(compile_problem(snapshot))
    fill_weakest_first(greedy)
    return greedy.score


def _whole_model_gap(size: str, seed: int, bound: int, seconds: float, arguments: argparse.Namespace) -> float | None:
    """CP-SAT on all demands at once, from the greedy plan as its complete hint; None where it is not tried."""
    if not seconds:
        return None
    assignment = Assignment(compile_problem(generate(size, seed, LOOSE if arguments.loose else TIGHT)))
    fill_weakest_first(assignment)
    replan(assignment, range(assignment.problem.demands), Effort(1e9, seconds, arguments.workers))
    return round(gap_pct(bound, assignment.score), 3)


def _print_table(runs: list[dict[str, Any]]) -> None:
    rows = [list(COLUMNS), *([str(run[name]) for name in COLUMNS] for run in runs)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
