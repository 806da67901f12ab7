"""Takes teachers away from a planned prefecture; measures the proposals: time, lessons recovered, others touched.

    python tests/benchmarks/schedule/changes.py --size full --seed 7 --draws 30

The plan is searched for --seconds; with --seconds 0 it is greedy, which leaves more free seats than a finished one.
With --plan it is read from what run.py wrote with --out for the same size and seed.
Each proposal is accepted and counted by the independent check; the first broken rule ends the run.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from random import Random

from scheduler.change.events import TeacherAbsent
from scheduler.change.proposals import Desk, Proposal, accept
from scheduler.check.plan_check import read_plan
from scheduler.check.week_plan import count_plan
from scheduler.instance.generator import SIZES, generate
from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.budget import Budget
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.plan import assignment_of
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.solve import solve
from scheduler.pairing.subproblem import Effort


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1/4", choices=sorted(SIZES))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--effort", type=float, default=0.3, help="CP-SAT's deterministic time for the best proposal")
    parser.add_argument("--seconds", type=float, help="for the plan; usually 60, full 240")
    parser.add_argument("--plan", type=Path, help="a plan of this size and seed, instead of searching for one")
    arguments = parser.parse_args()
    snapshot = generate(arguments.size, arguments.seed)
    assignment = _plan(snapshot, arguments)
    desk = Desk(assignment)
    busy = [one.id for at, one in enumerate(snapshot.teachers) if assignment.teacher_lessons[at]]
    rows = []
    for teacher in Random(arguments.seed).sample(busy, min(arguments.draws, len(busy))):
        event = TeacherAbsent(teacher)
        rows.append(
            {
                "substitute": _timed(lambda event=event: desk.substitutes(event)),
                "fewest_changes": _timed(lambda event=event: desk.fewest_changes(event)),
                "best": _timed(lambda event=event: desk.best(event, Effort(arguments.effort, 1.5))),
            }
        )
        for _, proposal in rows[-1].values():
            if proposal and count_plan(snapshot, accept(desk.plan, proposal).pairings).violations:
                raise SystemExit(f"a proposal for {teacher} breaks a rule")
    summary = {kind: _summary([row[kind] for row in rows]) for kind in rows[0]}
    for kind, values in summary.items():
        print(f"{kind:>15}  " + "  ".join(f"{name} {value}" for name, value in values.items()))
    print(json.dumps({"size": arguments.size, "seed": arguments.seed, "draws": len(rows), "proposals": summary}))
    return 0


def _plan(snapshot: Snapshot, arguments: argparse.Namespace) -> Assignment:
    if arguments.plan is not None:
        return assignment_of(compile_problem(snapshot), read_plan(arguments.plan.read_text()).pairings)
    seconds = arguments.seconds if arguments.seconds is not None else (240.0 if arguments.size == "full" else 60.0)
    if not seconds:
        assignment = Assignment(compile_problem(snapshot))
        fill_weakest_first(assignment)
        return assignment
    started = time.monotonic()
    budget = Budget(effort=1e9, seconds=seconds)
    solution = solve(snapshot, budget, arguments.seed, elapsed=lambda: time.monotonic() - started, workers=2)
    print(f"plan with a gap of {solution.gap_pct:.2f} %", file=sys.stderr)
    return solution.assignment


def _timed(make) -> tuple[float, Proposal | None]:
    started = time.monotonic()
    proposal = make()
    return 1000 * (time.monotonic() - started), proposal


def _summary(found: list[tuple[float, Proposal | None]]) -> dict[str, float | int]:
    times = sorted(milliseconds for milliseconds, _ in found)
    made = [proposal for _, proposal in found if proposal]
    lost = sum(one.lost for one in made)
    return {
        "made": len(made),
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[int(0.95 * (len(times) - 1))], 1),
        "recovered": round(sum(one.recovered for one in made) / lost, 3) if lost else 0.0,
        "others_changed_median": statistics.median(one.others_changed for one in made) if made else 0,
    }


if __name__ == "__main__":
    sys.exit(main())
