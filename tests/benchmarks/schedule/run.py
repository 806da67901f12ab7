"""Plans generated prefectures; prints a table and a JSON line: bound, score, gap, coverage, worst school, time, memory.

    python tests/benchmarks/schedule/run.py --size 1/20 --size 1/4 --seed 7 --seed 8 --budget 60 [--whole-model 30]

Beside each plan stand plain greedy and, with --whole-model, CP-SAT on the whole instance at once in the same run. Every
number of a plan is that of the independent check: a plan that breaks a rule, or a certificate that fails, ends the run.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
from typing import Any

from scheduler.check.certificate import verify
from scheduler.check.week_plan import count_plan
from scheduler.instance.assumptions import LOOSE, TIGHT
from scheduler.instance.generator import SIZES, generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Budget
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.plan import pairings_of
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.reasons import Explainer
from scheduler.pairing.solve import Progress, gap_pct, solve
from scheduler.pairing.subproblem import Effort, replan

USUAL_SECONDS = {"1/20": 30.0, "1/4": 60.0, "full": 300.0}
COLUMNS = (
    "size", "seed", "bound", "score", "gap_pct", "greedy_gap_pct", "whole_model_gap_pct", "coverage", "worst_school",
    "worst_school_bound", "first_plan_s", "bound_s", "seconds", "cpu_seconds", "verify_s", "explain_s", "peak_mib",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", action="append", choices=sorted(SIZES), help="may be given several times")
    parser.add_argument("--seed", action="append", type=int, help="may be given several times")
    parser.add_argument("--budget", type=float, help="seconds for each plan; usually 30, 60 or 300 by size")
    parser.add_argument("--whole-model", type=float, default=0.0, help="seconds for CP-SAT on the whole instance")
    parser.add_argument("--loose", action="store_true", help="the regime with larger limits and more teachers")
    parser.add_argument("--cpu-clock", action="store_true", help="count CPU seconds: for a machine others use too")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    arguments = parser.parse_args()
    runs: list[dict[str, Any]] = []
    for size in arguments.size or ["1/20", "1/4"]:
        for seed in arguments.seed or [7, 8, 9]:
            # A process of its own, so that its peak memory is its own.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                runs.append(pool.apply(_run, (size, seed, arguments)))
    _print_table(runs)
    print(json.dumps({"runs": runs}))
    return 0


def _run(size: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    snapshot = generate(size, seed, LOOSE if arguments.loose else TIGHT)
    seen: list[Progress] = []
    clock = time.process_time if arguments.cpu_clock else time.monotonic
    started, cpu_started = clock(), time.process_time()

    def report(progress: Progress) -> None:
        if not arguments.quiet and (not seen or progress.stage != seen[-1].stage):
            gap = "" if progress.gap_pct is None else f", gap {progress.gap_pct:.2f} %"
            print(f"{size}/{seed} {progress.seconds:6.1f} s {progress.stage}: {progress.score}{gap}", file=sys.stderr)
        seen.append(progress)

    # The relaxation's own limit is in wall seconds, so where others use the machine too it may have many more of them.
    share = 5.0 if arguments.cpu_clock else 0.5
    budget = Budget(effort=1e9, seconds=arguments.budget or USUAL_SECONDS[size], relaxation_share=share)
    solution = solve(snapshot, budget, seed, elapsed=lambda: clock() - started, report=report)
    seconds, cpu_seconds = clock() - started, time.process_time() - cpu_started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    count = count_plan(snapshot, pairings_of(solution.assignment))
    if count.violations or count.score != solution.assignment.score:
        raise SystemExit(f"the plan is wrong: {count.violations[:5]}, score {count.score}")
    verifying = clock()
    bound = verify(snapshot, solution.certificate)
    explaining = clock()
    explained = Explainer(solution.assignment).unserved()
    done = clock()
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
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_mib": round(peak_mib),
        "greedy_gap_pct": round(gap_pct(bound, _greedy_score(snapshot)), 3),
        "whole_model_gap_pct": _whole_model_gap(snapshot, bound, arguments.whole_model),
        "first_plan_s": round(seen[0].seconds, 2),
        "bound_s": round(next(one.seconds for one in seen if one.bound is not None), 1),
        "verify_s": round(explaining - verifying, 2),
        "explain_s": round(done - explaining, 2),
        "explained": len(explained),
    }


def _greedy_score(snapshot: Any) -> int:
    greedy = Assignment(compile_problem(snapshot))
    fill_weakest_first(greedy)
    return greedy.score


def _whole_model_gap(snapshot: Any, bound: int, seconds: float) -> float | None:
    """CP-SAT on all demands at once, from the greedy plan as its hint, one worker, the same seconds for everyone."""
    if not seconds:
        return None
    assignment = Assignment(compile_problem(snapshot))
    fill_weakest_first(assignment)
    replan(assignment, range(assignment.problem.demands), Effort(1e9, seconds))
    return round(gap_pct(bound, assignment.score), 3)


def _print_table(runs: list[dict[str, Any]]) -> None:
    rows = [list(COLUMNS), *([str(run[name]) for name in COLUMNS] for run in runs)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
