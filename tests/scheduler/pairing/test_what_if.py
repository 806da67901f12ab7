from dataclasses import replace

import pytest

from scheduler.errors import SnapshotError
from scheduler.instance.generator import generate
from scheduler.pairing.what_if import QUESTIONS, eased, outlook


@pytest.mark.parametrize("question", QUESTIONS)
def test_easing_a_scarcity_never_lowers_what_can_be_reached(question: str) -> None:
    snapshot = generate("1/20", 3)
    assert outlook(eased(snapshot, question)).bound >= outlook(snapshot).bound * (1 - 2e-4)


def test_deleting_a_demand_never_raises_the_bound_by_more_than_the_tolerance() -> None:
    snapshot = generate("1/20", 3)
    fewer = replace(snapshot, demands=snapshot.demands[::2])
    # The need of a school shrinks with it, so its quarters get cheaper: compare without that bonus.
    flat = replace(snapshot.weights, quarters=(0, 0, 0, 0))
    assert outlook(replace(fewer, weights=flat)).bound <= outlook(replace(snapshot, weights=flat)).bound


def test_an_unknown_question_is_refused() -> None:
    with pytest.raises(SnapshotError, match="no_teacher_limit"):
        eased(generate("1/20", 3), "more_money")
