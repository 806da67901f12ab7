"""The search for the most lessons held."""

import asyncio
from dataclasses import dataclass

import pytest
from benchmarks.forward.held import search


@dataclass(frozen=True)
class Outcome:
    held: bool
    loss: float = 0.01


@pytest.mark.parametrize("true_limit", [0, 1, 2, 17, 100, 163, 199, 200])
def test_the_search_ends_next_to_the_true_limit(true_limit):
    tried = []

    async def run(lessons):
        tried.append(lessons)
        return Outcome(lessons <= true_limit)

    good, bad = asyncio.run(search(run, 200))
    assert good <= true_limit < bad
    assert bad - good <= max(1, 0.03 * good)
    assert len(tried) <= 18
    assert all(1 <= lessons <= 200 for lessons in tried)


def test_one_bad_moment_for_each_number_does_not_lower_the_figure():
    tried = []

    async def run(lessons):
        tried.append(lessons)
        return Outcome(tried.count(lessons) > 1 and lessons <= 150)

    good, bad = asyncio.run(search(run, 200))
    assert good <= 150 < bad


def test_what_is_far_beyond_the_limit_is_not_tried_again():
    tried = []

    async def run(lessons):
        tried.append(lessons)
        return Outcome(lessons <= 10, loss=0.0 if lessons <= 10 else 0.3)

    asyncio.run(search(run, 200))
    assert len(tried) == len(set(tried))
