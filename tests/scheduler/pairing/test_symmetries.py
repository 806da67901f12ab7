"""What must not matter and what can only help: plans of tiny instances are optimal, so such laws can be checked."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from scheduler.instance.snapshot import DAY_MINUTES, Interval, Snapshot
from scheduler.pairing.budget import Budget
from scheduler.pairing.solve import Solution, solve

BUDGET = Budget(effort=1.0, small_model=0.2)


def solved(snapshot: Snapshot) -> Solution:
    # Without the quarters and the worst school's precedence the score alone is maximised, as these laws need it.
    return solve(replace(snapshot, weights=replace(snapshot.weights, quarters=(0, 0, 0, 0))), BUDGET, 1)


def best(snapshot: Snapshot, plans: Callable) -> int:
    flat = replace(snapshot, weights=replace(snapshot.weights, quarters=(0, 0, 0, 0)))
    return max(count.score for _, count in plans(flat))


def shifted(spans: tuple[Interval, ...]) -> tuple[Interval, ...]:
    return tuple((start + DAY_MINUTES, end + DAY_MINUTES) for start, end in spans)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_week_a_day_later_is_worth_the_same(seed: int, tiny) -> None:
    snapshot = tiny(seed)
    later = replace(
        snapshot,
        series=tuple(replace(one, times=shifted(one.times)) for one in snapshot.series),
        classes=tuple(replace(one, free=shifted(one.free)) for one in snapshot.classes),
    )
    assert solve(later, BUDGET, 1).assignment.score == solve(snapshot, BUDGET, 1).assignment.score


@pytest.mark.parametrize("seed", range(8))
def test_names_and_the_order_of_demands_do_not_matter(seed: int, tiny) -> None:
    snapshot = tiny(seed)
    renamed = replace(
        snapshot,
        demands=tuple(replace(one, id="x" + one.id, candidates=one.candidates[::-1]) for one in snapshot.demands[::-1]),
    )
    assert solve(renamed, BUDGET, 1).assignment.score == solve(snapshot, BUDGET, 1).assignment.score


MORE: list[Callable[[Snapshot], Snapshot]] = [
    lambda one: replace(one, series=tuple(replace(each, seats=each.seats + 1) for each in one.series)),
    lambda one: replace(
        one, teachers=tuple(replace(each, weekly_limit=each.weekly_limit + 1) for each in one.teachers)
    ),
    lambda one: replace(one, nodes=tuple(replace(each, room_cap=each.room_cap + 1) for each in one.nodes)),
    lambda one: replace(one, schools=tuple(replace(each, kits=each.kits + 1) for each in one.schools)),
    lambda one: replace(one, classes=tuple(replace(each, free=((510, 550), *each.free)) for each in one.classes)),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("more", MORE, ids=["seat", "teacher_hour", "relay_room", "kit", "free_period"])
def test_one_more_of_anything_never_lowers_the_best_score_nor_the_bound(more, seed: int, tiny, plans) -> None:
    snapshot = tiny(seed, demands=3)
    richer = more(snapshot)
    assert best(richer, plans) >= best(snapshot, plans)
    assert solved(richer).bound >= solved(snapshot).assignment.score


@pytest.mark.parametrize("seed", range(6))
def test_a_demand_less_never_raises_the_best_score(seed: int, tiny, plans) -> None:
    snapshot = tiny(seed)
    fewer = replace(snapshot, demands=snapshot.demands[1:])
    assert solved(fewer).assignment.score <= best(snapshot, plans)
