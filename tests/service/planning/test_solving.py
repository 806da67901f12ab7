"""The real solver in a process of its own: progress comes back, failures end, a restart picks plans up again."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from service.planning.plan_tables import PlanDocument
from service.planning.production import Planning
from service.planning.solving import Order, SolvingFailedError, SubprocessSolver


@pytest.fixture
def queued(pairable: Any, signed_in: Callable[[str], Any]) -> str:
    body = {"term_id": pairable.term_id, "name": "秋季配对", "budget_seconds": 5}
    asked = signed_in("county_north").post("/api/plans", json=body)
    assert asked.status_code == 202, asked.text
    return str(asked.json()["id"])


@pytest.fixture
def order(queued: str, parts: Any) -> Order:
    with parts.database.reading() as session:
        return Order(session.get_one(PlanDocument, queued).snapshot, 5, 1)


def test_a_spawned_process_solves_and_tells_how_far_it_is(order: Order) -> None:
    told: list[Any] = []
    text = SubprocessSolver().solve("one", order, told.append)
    assert '"format":"three-classrooms-plan"' in text
    assert told
    assert told[-1].score is not None


def test_nonsense_ends_as_a_failure_and_not_as_a_hanging_process() -> None:
    solver = SubprocessSolver()
    with pytest.raises(SolvingFailedError):
        solver.solve("one", Order("{}", 5, 1), lambda progress: None)
    solver.stop()
    with pytest.raises(SolvingFailedError, match="stops"):
        solver.solve("two", Order("{}", 5, 1), lambda progress: None)


def test_a_plan_left_running_by_a_former_process_is_made_after_a_restart(
    queued: str, parts: Any, signed_in: Callable[[str], Any]
) -> None:
    assert parts.planning._begin(queued) is not None
    caller = signed_in("county_north")
    assert caller.get(f"/api/plans/{queued}").json()["state"] == "running"

    async def restart() -> None:
        async with Planning(parts.database, parts.clock).running():
            deadline = time.monotonic() + 60
            while caller.get(f"/api/plans/{queued}").json()["state"] == "running":
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)

    asyncio.run(restart())
    assert caller.get(f"/api/plans/{queued}").json()["state"] == "done"
