"""Makes plans: one job for each, one at a time, in a process of its own; picked up again after a restart.

The state lives in the row; whoever asks reads stage, score, bound and gap there while the search goes on.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.pairing.solve import Progress
from service.clock import Clock
from service.jobs.queue import JobQueue, MakeQueue
from service.planning.opened import PlanRefusedError, PlanShelf, open_texts
from service.planning.plan_tables import Plan, PlanDocument
from service.planning.solving import Order, Report, SolvingFailedError, SubprocessSolver
from service.storage.database import Database

log = logging.getLogger(__name__)


class Solver(Protocol):
    """Turns an order into the text of a plan."""

    def solve(self, name: str, order: Order, report: Report) -> str:
        """Solve; blocks. Raises SolvingFailedError."""

    def cancel(self, name: str) -> None:
        """End one solve under way, if it is."""

    def stop(self) -> None:
        """End everything under way."""


class Planning:
    """The plans' jobs and the shelf finished plans are read from."""

    def __init__(
        self, database: Database, clock: Clock, solver: Solver | None = None, *, make_queue: MakeQueue = JobQueue
    ) -> None:
        self._database = database
        self._clock = clock
        self._solver = solver or SubprocessSolver()
        self._jobs = make_queue("make_plan", self.make)
        self._stopping = False
        self.shelf = PlanShelf(database)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take jobs, first those a former process left unfinished."""
        async with self._jobs.running():
            for plan_id in await asyncio.to_thread(self._unfinished):
                self._jobs.put(plan_id)
            try:
                yield
            finally:
                self._stopping = True
                await asyncio.to_thread(self._solver.stop)

    def request(self, plan_id: str) -> None:
        """A queued plan waits to be made. From any thread."""
        self._jobs.put(plan_id)

    def cancel(self, plan_id: str) -> None:
        """The plan's row says cancelled: end its search, if it runs."""
        self._solver.cancel(plan_id)

    def make(self, plan_id: str) -> None:
        """Make one plan; runs on the job queue's thread. Failures end in the row."""
        order = self._begin(plan_id)
        if order is None:
            return
        try:
            text = self._solver.solve(plan_id, order, lambda progress: self._tell(plan_id, progress))
            opened = open_texts(order.snapshot, text)
        except (SolvingFailedError, PlanRefusedError) as error:
            if not self._stopping:
                self._finish(plan_id, {"state": "failed", "failure": str(error)[:500]})
            return
        except Exception:
            log.exception("plan %s could not be made", plan_id)
            self._finish(plan_id, {"state": "failed", "failure": "Something went wrong on our side; it was logged."})
            return
        numbers = {
            "state": "done",
            "stage": "done",
            "score": opened.plan.score,
            "bound": opened.plan.bound,
            "gap_pct": float(opened.document["gap_pct"]),
        }
        self._finish(plan_id, numbers, text)

    def _unfinished(self) -> list[str]:
        with self._database.reading() as session:
            statement = select(Plan.id).where(Plan.state.in_(("queued", "running"))).order_by(Plan.created_at)
            return list(session.scalars(statement))

    def _begin(self, plan_id: str) -> Order | None:
        with self._database.unit_of_work() as session:
            plan = session.get(Plan, plan_id)
            if plan is None or plan.state not in ("queued", "running"):
                return None
            plan.state, plan.stage, plan.started_at = "running", "reading", self._clock.now()
            document = session.get_one(PlanDocument, plan_id)
            return Order(document.snapshot, plan.budget_seconds, plan.seed)

    def _tell(self, plan_id: str, progress: Progress) -> None:
        with self._database.unit_of_work() as session:
            values = {
                "stage": progress.stage,
                "score": progress.score,
                "bound": progress.bound,
                "gap_pct": progress.gap_pct,
            }
            self._write(session, plan_id, values)

    def _finish(self, plan_id: str, values: dict[str, object], text: str | None = None) -> None:
        with self._database.unit_of_work() as session:
            if self._write(session, plan_id, values | {"finished_at": self._clock.now()}) and text is not None:
                session.get_one(PlanDocument, plan_id).plan = text

    def _write(self, session: Session, plan_id: str, values: dict[str, object]) -> bool:
        """Only a plan that still runs is written to: a cancelled one stays cancelled."""
        statement = update(Plan).where(Plan.id == plan_id, Plan.state == "running").values(**values)
        return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]
