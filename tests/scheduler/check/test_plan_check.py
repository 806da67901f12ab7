import json
from pathlib import Path

import jsonschema_rs
import pytest

import scheduler.check
from scheduler.check.plan_check import check_plan, describe, read_plan
from scheduler.errors import SnapshotError
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.budget import Budget
from scheduler.pairing.plan import plan_document
from scheduler.pairing.solve import solve


@pytest.fixture(scope="module")
def small() -> Snapshot:
    return generate("1/20", 3)


@pytest.fixture(scope="module")
def document(small: Snapshot) -> dict:
    return json.loads(json.dumps(plan_document(solve(small, Budget(effort=0.1, small_model=0.1), 1))))


def faults(small: Snapshot, document: dict) -> list[str]:
    return [fault.split(":")[0] for fault in check_plan(small, read_plan(json.dumps(document))).faults]


def test_a_plan_of_the_engine_is_right_and_carries_all_it_must(small: Snapshot, document: dict) -> None:
    assert faults(small, document) == []
    wanted = {"bound", "score", "gap_pct", "coverage", "worst_school", "worst_school_bound", "pairings", "unserved"}
    assert wanted | {"certificate", "metrics"} <= set(document)
    verdict = check_plan(small, read_plan(json.dumps(document)))
    assert verdict.gap_pct == pytest.approx(document["gap_pct"], abs=1e-3)
    assert float(verdict.count.coverage) == pytest.approx(document["coverage"], abs=1e-5)
    assert list(describe(verdict))[-1] == "the plan is right"


def test_a_plan_obeys_the_published_schema_and_a_damaged_one_does_not(document: dict) -> None:
    path = Path(scheduler.check.__file__).with_name("plan.schema.json")
    validator = jsonschema_rs.validator_for(json.loads(path.read_text(encoding="utf-8")))
    validator.validate(document)
    certificate = document["certificate"]
    for damage in (
        {"pairings": [{"demand": "d"}]},
        {"coverage": 2},
        {"certificate": certificate | {"seats": [-1]}},
        {"certificate": certificate | {"together": [["d", "c", [0], 1]]}},
        {"certificate": certificate | {"worst_school": {"below": [1, 2], "schools": []}}},
        {"unserved": [document["unserved"][0] | {"status": "x"}]},
    ):
        assert not validator.is_valid(document | damage)


def test_metrics_by_school_county_and_subject_add_up(document: dict) -> None:
    metrics = document["metrics"]
    for part in ("schools", "counties", "subjects"):
        for name in ("demands", "lessons_needed", "lessons_served"):
            assert sum(one[name] for one in metrics[part].values()) == metrics["total"][name]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda d: d.update(score=d["score"] + 1), "score"),
        (lambda d: d.update(bound=d["bound"] - 1), "bound"),
        (lambda d: d.update(certificate=None), "certificate"),
        (lambda d: d["certificate"].update(bound=0), "certificate"),
        (lambda d: d.update(instance="0" * 64), "instance"),
        (lambda d: d["pairings"].append(d["pairings"][0]), "one_lead"),
        (lambda d: d.update(gap_pct=d["gap_pct"] - 0.5), "gap_pct"),
        (lambda d: d.update(coverage=d["coverage"] + 0.01), "coverage"),
        (lambda d: d.update(worst_school=d["worst_school"] + 0.01), "worst_school"),
        (lambda d: d.update(worst_school_bound=d["worst_school"] - 0.01), "worst_school_bound"),
        (lambda d: d["unserved"].pop(), "unserved"),
        (lambda d: d["unserved"].append(d["unserved"][0]), "unserved"),
    ],
)
def test_each_false_statement_is_found(small: Snapshot, document: dict, damage, fault: str) -> None:
    changed = json.loads(json.dumps(document))
    damage(changed)
    assert fault in faults(small, changed)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nul", '{"format":"three-classrooms-plan","version":1}', "[" * 100_000],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(SnapshotError):
        read_plan(text)


@pytest.mark.parametrize(
    "change",
    [
        {"pairings": [7]},
        {"pairings": {}},
        {"score": 1.0},
        {"bound": True},
        {"instance": 1},
        {"gap_pct": "1"},
        {"coverage": None},
        {"worst_school": float("nan")},
        {"unserved": None},
        {"unserved": [{}]},
    ],
)
def test_a_malformed_plan_is_refused(document: dict, change: dict) -> None:
    with pytest.raises(SnapshotError):
        read_plan(json.dumps(document | change))


def test_a_pairing_with_odd_times_is_refused(document: dict) -> None:
    odd = {"demand": "d", "series": "c", "times": [True]}
    with pytest.raises(SnapshotError, match=r"pairings\[0\]"):
        read_plan(json.dumps(document | {"pairings": [odd]}))
