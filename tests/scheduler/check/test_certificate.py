import json
from random import Random

import numpy as np
import pytest

from scheduler.check.certificate import SCALE, verify
from scheduler.errors import CertificateError
from scheduler.instance.generator import generate
from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.certificate import certify, proven_bound
from scheduler.pairing.greedy import fill_weakest_first
from scheduler.pairing.linear_program import build
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.relaxation import solve_relaxation


@pytest.fixture(scope="module")
def small() -> Snapshot:
    return generate("1/20", 3)


@pytest.fixture(scope="module")
def certificate(small: Snapshot) -> dict:
    problem = compile_problem(small)
    program = build(problem)
    return certify(problem, program, solve_relaxation(program).prices)


def test_a_certificate_survives_json_and_proves_what_it_states(small: Snapshot, certificate: dict) -> None:
    assert verify(small, json.loads(json.dumps(certificate))) == certificate["bound"]


def test_whole_number_prices_prove_as_much_as_the_relaxation_itself(small: Snapshot, certificate: dict) -> None:
    program = build(compile_problem(small))
    relaxed = solve_relaxation(program)
    assert certificate["bound"] <= relaxed.bound * 1.0005


@pytest.mark.parametrize("seed", range(10))
def test_no_prices_however_wrong_prove_less_than_the_best_of_all_plans(seed: int, tiny, plans) -> None:
    snapshot = tiny(seed)
    best = max(count.score for _, count in plans(snapshot))
    problem = compile_problem(snapshot)
    program = build(problem)
    random = np.random.default_rng(seed)
    for scale in (0.0, 1.0, 30.0, 200.0):
        prices = scale * random.random(program.rows) * (random.random(program.rows) < 0.5)
        assert certify(problem, program, prices)["bound"] >= best
    assert certify(problem, program, solve_relaxation(program).prices)["bound"] >= best


def test_a_bound_below_what_the_prices_prove_is_refused(small: Snapshot, certificate: dict) -> None:
    with pytest.raises(CertificateError, match="only prove"):
        verify(small, certificate | {"bound": certificate["bound"] - 1})


def test_a_certificate_of_another_instance_is_refused(certificate: dict) -> None:
    with pytest.raises(CertificateError, match="another instance"):
        verify(generate("1/20", 4), certificate)


@pytest.mark.parametrize("family", ["seats", "teacher_week", "quarter", "class_at", "studio_at"])
def test_a_flipped_sign_is_refused(small: Snapshot, certificate: dict, family: str) -> None:
    forged = json.loads(json.dumps(certificate))
    prices = forged[family]
    if isinstance(prices, dict):
        prices[next(iter(prices))] *= -1
    elif family == "seats":
        prices[next(at for at, price in enumerate(prices) if price)] *= -1
    else:
        prices[0][2] *= -1
    with pytest.raises(CertificateError, match="at least 0"):
        verify(small, forged)


def test_a_flipped_sign_of_lessons_together_is_refused(small: Snapshot, certificate: dict) -> None:
    forged = json.loads(json.dumps(certificate))
    forged["together"][0][3] *= -1
    with pytest.raises(CertificateError, match="at least 0"):
        verify(small, forged)


def test_a_price_of_lessons_together_left_out_or_changed_proves_another_bound(
    small: Snapshot, certificate: dict
) -> None:
    assert (
        proven_bound(small, {name: value for name, value in certificate.items() if name != "together"})
        > (certificate["bound"])
    )
    greedy = Assignment(compile_problem(small))
    fill_weakest_first(greedy)
    for factor in (0, 2, 50):
        changed = [[*entry[:3], factor * entry[3]] for entry in certificate["together"]]
        proven = proven_bound(small, certificate | {"together": changed})
        assert proven > certificate["bound"]
        with pytest.raises(CertificateError, match="only prove"):
            verify(small, certificate | {"together": changed})


def _forgeries(snapshot: Snapshot, certificate: dict) -> dict[str, list]:
    demand, series, times, price = certificate["together"][0]
    stranger = next(one.id for one in snapshot.series if one.id not in snapshot.demand_of[demand].candidates)
    fixed_of, fixed = next(
        (one.id, candidate)
        for one in snapshot.demands
        for candidate in one.candidates
        if snapshot.series_of[candidate].kind == "fixed" and len(snapshot.series_of[candidate].times) > 1
    )
    return {
        "no candidate": [demand, stranger, times, price],
        "unknown demand": ["nobody", series, times, price],
        "unhashable demand": [[demand], series, times, price],
        "fixed series": [fixed_of, fixed, [0, 1], price],
        "one time": [demand, series, times[:1], price],
        "a time twice": [demand, series, [times[0], times[0]], price],
        "no such time": [demand, series, [times[0], 99], price],
        "time before the first": [demand, series, [times[0], -1], price],
        "truth for a time": [demand, series, [True, False], price],
        "no times": [demand, series, None, price],
        "no price": [demand, series, times],
        "fraction": [demand, series, times, 0.5],
        "priced twice": certificate["together"][0],
    }


def test_every_malformed_price_of_lessons_together_is_refused(small: Snapshot, certificate: dict) -> None:
    for name, entry in _forgeries(small, certificate).items():
        with pytest.raises(CertificateError, match="together"):
            pytest.fail(f"{name}: {verify(small, certificate | {'together': [*certificate['together'], entry]})}")
    for value in ({}, "all", 7, None):
        with pytest.raises(CertificateError, match="together"):
            verify(small, certificate | {"together": value})


@pytest.mark.parametrize("seed", range(8))
def test_changed_prices_prove_a_bound_that_still_holds_and_a_kept_statement_is_refused(
    small: Snapshot, certificate: dict, seed: int
) -> None:
    forged = json.loads(json.dumps(certificate))
    random = Random(seed)
    for identity in random.sample(sorted(forged["teacher_week"]), 10):
        forged["teacher_week"][identity] += random.choice((-1, 1)) * forged["teacher_week"][identity] // 2
    greedy = Assignment(compile_problem(small))
    fill_weakest_first(greedy)
    assert proven_bound(small, forged) >= greedy.score
    if proven_bound(small, forged) > certificate["bound"]:
        with pytest.raises(CertificateError):
            verify(small, forged)


@pytest.mark.parametrize(
    "damage",
    [
        {"format": "something"},
        {"bound": 1.5},
        {"bound": "1"},
        {"bound": None},
        {"seats": []},
        {"seats": {}},
        {"teacher_week": {"nobody": 1}},
        {"teacher_week": []},
        {"teacher_week": {"x": float("nan")}},
        {"class_at": [["nobody", 0, 1]]},
        {"class_at": [[1, 2]]},
        {"class_at": "all"},
        {"quarter": {"county1-town1": 10**40}},
    ],
)
def test_malformed_certificates_are_refused_with_a_reason(small: Snapshot, certificate: dict, damage: dict) -> None:
    with pytest.raises(CertificateError):
        verify(small, certificate | damage)


def test_a_moment_priced_twice_is_refused(small: Snapshot, certificate: dict) -> None:
    entry = certificate["class_at"][0]
    with pytest.raises(CertificateError, match="priced twice"):
        verify(small, certificate | {"class_at": [*certificate["class_at"], entry]})


@pytest.mark.parametrize("value", [None, [], "certificate", 7])
def test_what_is_no_certificate_at_all_is_refused(small: Snapshot, value: object) -> None:
    with pytest.raises(CertificateError, match="not a certificate"):
        verify(small, value)


def test_prices_are_whole_millionths(certificate: dict) -> None:
    assert SCALE == 1_000_000
    assert all(isinstance(price, int) for price in certificate["seats"])
