"""The real solver in a process of its own: progress comes back, failures end, a restart picks plans up again."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from service.planning.freezing_process import FreezeOrder, FreezingFailedError, SubprocessFreezer
from service.planning.production import Planning
from service.planning.solving import Order, SolvingFailedError, SubprocessSolver
from service.planning.tables import LeadSeries


@pytest.fixture
def queued(pairable: Any, signed_in: Callable[[str], Any]) -> str:
    body = {"term_id": pairable.term_id, "name": "秋季配对", "budget_seconds": 5}
    asked = signed_in("county_north").post("/api/plans", json=body)
    assert asked.status_code == 202, asked.text
    return str(asked.json()["id"])


def freeze_order(parts: Any, plan_id: str) -> FreezeOrder:
    order = parts.planning._begin(plan_id)
    assert isinstance(order, FreezeOrder)
    return order


def test_spawned_processes_freeze_and_solve_and_tell_how_far_they_are(queued: str, parts: Any) -> None:
    frozen = SubprocessFreezer().freeze("one", freeze_order(parts, queued))
    assert '"format":"three-classrooms-instance"' in frozen.text.replace(" ", "")
    told: list[Any] = []
    text = SubprocessSolver(workers=2).solve("one", Order(frozen.text, 5, 1), told.append)
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
    assert parts.planning._begin(queued) is not None
    caller = signed_in("county_north")
    assert caller.get(f"/api/plans/{queued}").json()["state"] == "running"

    async def restart() -> None:
        async with Planning(parts.database, parts.clock, parts.configuration.zone).running():
            deadline = time.monotonic() + 60
            while caller.get(f"/api/plans/{queued}").json()["state"] == "running":
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)

    asyncio.run(restart())
    assert caller.get(f"/api/plans/{queued}").json()["state"] == "done"


def test_what_cannot_be_frozen_says_so_with_a_code(queued: str, parts: Any, pairable: Any) -> None:
    order = freeze_order(parts, queued)
    with parts.database.unit_of_work() as session:
        for series in pairable.series.values():
            session.get_one(LeadSeries, series).active = False
    with pytest.raises(FreezingFailedError) as raised:
        SubprocessFreezer().freeze("one", order)
    assert raised.value.code == "nothing_to_plan"


def test_freezing_ends_when_the_service_stops(queued: str, parts: Any) -> None:
    freezer = SubprocessFreezer()
    freezer.stop()
    with pytest.raises(FreezingFailedError, match="stops"):
        freezer.freeze("one", freeze_order(parts, queued))
