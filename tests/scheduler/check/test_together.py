from itertools import combinations
from random import Random

import pytest

from scheduler.check.together import best_attended, best_held, countable, lesson_sets, mask_of_lessons


def drawn(seed: int) -> tuple[dict[int, int], dict[int, int], int, dict[int, int]]:
    random = Random(seed)
    days = {lesson: random.randrange(4) for lesson in range(random.randint(1, 6))}
    worths = {lesson: random.randint(-50, 100) for lesson in days}
    lists = [random.sample(sorted(days), random.randint(2, len(days))) for _ in range(4) if len(days) > 1]
    prices = {mask_of_lessons(one): random.randint(0, 60) for one in lists}
    return worths, days, random.randint(1, 3), prices


def every_set(days: dict[int, int], most: int) -> list[tuple[int, ...]]:
    sets = [chosen for size in range(1, most + 1) for chosen in combinations(sorted(days), size)]
    return [chosen for chosen in sets if len({days[lesson] for lesson in chosen}) == len(chosen)]


@pytest.mark.parametrize("seed", range(30))
def test_the_sets_are_all_choices_of_one_lesson_a_day(seed: int) -> None:
    _, days, most, _ = drawn(seed)
    expected = every_set(days, most)
    assert sorted(lesson_sets(days, most)) == sorted(expected)
    assert countable(list(days.values()), most) is (len(expected) + 1 <= 2_000)


def test_a_series_with_too_many_choices_is_not_countable() -> None:
    assert countable([0, 0, 1, 2, 3, 3, 4, 4], 3)
    assert not countable(list(range(7)) * 6, 5)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_a_demand_attends_of_what_is_held_its_payments_never_exceed_what_the_series_earns(seed: int) -> None:
    worths, days, most, prices = drawn(seed)
    alone = dict.fromkeys(days, 0)
    for held in every_set(days, most):
        # Only these lessons can be worth holding: all others cost more than any price brings.
        costs = {lesson: 0 if lesson in held else -10_000 for lesson in days}
        earned = best_held(costs, days, most, prices)
        for size in range(1, len(held) + 1):
            for attended in combinations(held, size):
                own = {lesson: alone[lesson] for lesson in attended}
                paid = sum(price * ((mask_of_lessons(attended) & wanted).bit_count() - 1)
                           for wanted, price in prices.items())  # fmt: skip
                assert earned >= paid
                assert best_attended(own, days, most, prices) >= -paid
    assert best_held(worths, days, most, prices) >= 0


@pytest.mark.parametrize("seed", range(30))
def test_without_prices_the_best_is_the_best_sum(seed: int) -> None:
    worths, days, most, _ = drawn(seed)
    sums = [sum(worths[lesson] for lesson in chosen) for chosen in every_set(days, most)]
    assert best_attended(worths, days, most, {}) == max(sums)
    assert best_held(worths, days, most, {}) == max(0, *sums)


def test_attending_nothing_at_all_is_not_a_choice() -> None:
    with pytest.raises(ValueError, match="no lesson"):
        best_attended({}, {}, 2, {})
