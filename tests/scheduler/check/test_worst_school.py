import json
from fractions import Fraction

import pytest

from scheduler.check.plan_check import check_plan, read_plan
from scheduler.check.week_plan import servable_schools
from scheduler.check.worst_school import worst_share_proven
from scheduler.errors import CertificateError
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.budget import Budget
from scheduler.pairing.fair_proof import prove_unreachable, prove_worst_share
from scheduler.pairing.fair_share import possible_shares
from scheduler.pairing.fairness import most_alone, weakest_alone
from scheduler.pairing.plan import plan_document
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.solve import solve
from scheduler.pairing.subproblem import Effort

# A seed where each school could have 3/11 alone, yet not all of them more than 5/22 at once.
SHARED, ALONE, AT_ONCE = 5, Fraction(3, 11), Fraction(5, 22)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return generate("1/20", SHARED)


@pytest.fixture(scope="module")
def document(snapshot: Snapshot) -> dict:
    return json.loads(json.dumps(plan_document(solve(snapshot, Budget(effort=0.5, small_model=0.1), 1))))


@pytest.fixture(scope="module")
def proof(document: dict) -> dict:
    return document["certificate"]["worst_school"]


@pytest.mark.parametrize("seed", range(15))
def test_no_plan_has_a_worst_school_above_what_is_proven(seed: int, tiny, plans) -> None:
    snapshot = tiny(seed)
    schools = servable_schools(snapshot)
    best = max(min((count.shares[one] for one in schools), default=Fraction(1)) for _, count in plans(snapshot))
    problem = compile_problem(snapshot)
    for share in possible_shares(problem):
        proof = prove_unreachable(problem, list(most_alone(problem)), share)
        assert proof is None or worst_share_proven(snapshot, proof) >= best
    proven, proof = prove_worst_share(problem, best, best, weakest_alone(problem, Effort(1.0)))
    assert proven >= best
    assert worst_share_proven(snapshot, proof) == proven


def test_what_no_school_alone_rules_out_is_proven_for_all_together(snapshot: Snapshot, document: dict) -> None:
    proven = worst_share_proven(snapshot, document["certificate"]["worst_school"])
    assert proven == AT_ONCE
    assert document["worst_school"] == document["worst_school_bound"] == pytest.approx(float(AT_ONCE), abs=1e-6)
    problem = compile_problem(snapshot)
    assert not any(prove_unreachable(problem, [school], ALONE) for school in most_alone(problem))


def faults(snapshot: Snapshot, document: dict) -> list[str]:
    return [fault.split(":")[0] for fault in check_plan(snapshot, read_plan(json.dumps(document))).faults]


def test_a_worst_school_bound_below_its_proof_or_without_one_is_a_fault(snapshot: Snapshot, document: dict) -> None:
    assert faults(snapshot, document) == []
    bare = document | {"certificate": document["certificate"] | {"worst_school": None}}
    assert faults(snapshot, bare) == ["worst_school_bound"]
    assert faults(snapshot, bare | {"worst_school_bound": 1.0}) == []


def test_forged_proofs_are_refused(snapshot: Snapshot, document: dict, proof: dict) -> None:
    unreachable = next(school.id for school in snapshot.schools if school.id not in servable_schools(snapshot))
    forgeries = [
        proof | {"below": [proof["below"][0] - 1, proof["below"][1]]},
        proof | {"below": [1, 100]},
        proof | {"below": [0, 1]},
        proof | {"below": [3, 2]},
        proof | {"below": [True, True]},
        proof | {"below": "0.1"},
        proof | {"schools": proof["schools"][1:]},
        proof | {"schools": [*proof["schools"], unreachable]},
        proof | {"schools": [*proof["schools"], "nobody"]},
        proof | {"schools": None},
        proof | {"schools": [[1]]},
        proof | {"seats": [-1, *proof["seats"][1:]]},
        proof | {"seats": [0] * len(proof["seats"])},
        proof | {"teacher_week": {one: -price for one, price in proof["teacher_week"].items()} or {"nobody": 1}},
        proof | {"quarter": dict.fromkeys(proof["quarter"], 0)},
        {name: value for name, value in proof.items() if name != "quarter"},
        [],
        "proof",
    ]
    for forgery in forgeries:
        with pytest.raises(CertificateError):
            pytest.fail(f"{str(forgery)[:80]} proves {worst_share_proven(snapshot, forgery)}")
    forged = document | {"certificate": document["certificate"] | {"worst_school": forgeries[1]}}
    assert faults(snapshot, forged | {"worst_school_bound": document["worst_school_bound"]}) == ["certificate"]
