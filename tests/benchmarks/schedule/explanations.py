"""Looks at the explanations of a plan that run.py wrote with --out: are all there, does each stated relaxation help?

    python tests/benchmarks/schedule/explanations.py --size full --seed 7 --plan FOLDER/full-7.plan.json

Prints how long the certificate took to verify and all demands to explain, and one JSON line. The first stated
relaxation that does not admit a lesson ends the run.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from scheduler.check.certificate import verify
from scheduler.check.plan_check import check_plan, read_plan
from scheduler.instance.generator import SIZES, generate
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.plan import assignment_of
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.reasons import Explainer
from scheduler.pairing.relaxations import Relaxation, relax
from scheduler.pairing.rules import Rule


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="full", choices=sorted(SIZES))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--relaxations", type=int, default=40, help="how many of the stated ones are applied")
    arguments = parser.parse_args()
    snapshot = generate(arguments.size, arguments.seed)
    plan = read_plan(arguments.plan.read_text())
    verdict = check_plan(snapshot, plan)
    if verdict.faults:
        raise SystemExit(f"the plan is wrong: {verdict.faults[:5]}")
    began = time.process_time()
    verify(snapshot, plan.certificate)
    verified = time.process_time()
    assignment = assignment_of(compile_problem(snapshot), plan.pairings)
    explaining = time.process_time()
    explained = Explainer(assignment).unserved()
    done = time.process_time()
    result = {
        "size": arguments.size,
        "seed": arguments.seed,
        "verify_cpu_s": round(verified - began, 2),
        "explain_cpu_s": round(done - explaining, 2),
        "explained": len(explained),
        "without_reason": sum(1 for one in explained if one["status"] == "insertable"),
        "with_single_remedy": sum(1 for one in explained if one["remedies"]),
        "relaxations_tried": try_relaxations(assignment, explained, arguments.relaxations),
    }
    print(json.dumps(result))
    return 1 if result["without_reason"] else 0


def try_relaxations(assignment: Assignment, explained: list[dict[str, Any]], most: int) -> int:
    """Applies so many stated relaxations, evenly chosen; ends the run if one of them does not admit a lesson."""
    problem = assignment.problem
    at = {demand.id: index for index, demand in enumerate(problem.snapshot.demands)}
    stated = [(at[one["demand"]], remedy) for one in explained for remedy in one["remedies"]]
    chosen = stated[:: max(1, len(stated) // most)][:most] if most else []
    for demand, remedy in chosen:
        relaxed = relax(problem.snapshot, Relaxation(Rule(remedy["rule"]), remedy["resource"]))
        # One more of something changes no option, only whether it fits.
        plan = Assignment.of(compile_problem(relaxed), assignment.options())
        if not any(plan.fits(option) for option in plan.problem.options_of_demand(demand)):
            raise SystemExit(f"the relaxation {remedy} does not admit demand {problem.snapshot.demands[demand].id}")
    return len(chosen)


if __name__ == "__main__":
    sys.exit(main())
