"""Makes plans: one job for each, one at a time, in processes of its own; picked up again after a restart.

First the instance is frozen and kept, then it is solved; what goes wrong in either is kept with the plan.

The state lives in the row; whoever asks reads stage, score, bound and gap there while the search goes on.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from scheduler.pairing.solve import Progress
from service.clock import Clock
from service.jobs.queue import JobQueue, MakeQueue
from service.planning.freezing_process import FreezeOrder, FreezingFailedError, FrozenInstance, SubprocessFreezer
from service.planning.opened import PlanShelf
from service.planning.plan_tables import Plan, PlanDocument
from service.planning.solving import Order, Report, SolvingFailedError, SubprocessSolver
from service.planning.verifying import PlanRefusedError, Proven, Texts, Verifier
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


class Freezer(Protocol):
    """Turns an order into an instance."""

    def freeze(self, name: str, order: FreezeOrder) -> FrozenInstance:
        """Freeze; blocks. Raises FreezingFailedError."""

    def cancel(self, name: str) -> None:
        """End one under way, if it is."""

    def stop(self) -> None:
        """End everything under way."""


class Planning:
    """The plans' jobs and the shelf finished plans are read from."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        zone: ZoneInfo,
        solver: Solver | None = None,
        freezer: Freezer | None = None,
        *,
        make_queue: MakeQueue = JobQueue,
    ) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._solver = solver or SubprocessSolver()
        self._freezer = freezer or SubprocessFreezer()
        self._jobs = make_queue("make_plan", self.make)
        self._stopping = False
        self._verifier = Verifier()
        self.shelf = PlanShelf(database, verifier=self._verifier)

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
                await asyncio.to_thread(self._freezer.stop)
                await asyncio.to_thread(self._solver.stop)
                await asyncio.to_thread(self._verifier.stop)

    def request(self, plan_id: str) -> None:
        """A queued plan waits to be made. From any thread."""
        self._jobs.put(plan_id)

    def cancel(self, plan_id: str) -> None:
        """The plan's row says cancelled: end its freezing or search, if it runs."""
        self._freezer.cancel(plan_id)
        self._solver.cancel(plan_id)

    def make(self, plan_id: str) -> None:
        """Make one plan; runs on the job queue's thread. Failures end in the row."""
        try:
            made = self._make(plan_id)
        except FreezingFailedError as error:
            self._fail(plan_id, str(error), error.code or "planning_failed")
        except SolvingFailedError as error:
            self._fail(plan_id, str(error), "planning_failed")
        except PlanRefusedError as error:
            self._fail(plan_id, str(error), "plan_refused")
        except OperationalError:
            raise  # the queue comes back to it
        except Exception:
            log.exception("plan %s could not be made", plan_id)
            self._fail(plan_id, "Something went wrong on our side; it was logged.", "internal_error")
        else:
            if made is not None:
                self._keep(plan_id, *made)

    def _make(self, plan_id: str) -> tuple[str, Proven] | None:
        """The plan's text and what it proves; None for a plan that nobody waits for."""
        begun = self._begin(plan_id)
        if isinstance(begun, FreezeOrder):
            self._keep_frozen(plan_id, self._freezer.freeze(plan_id, begun))
            begun = self._begin(plan_id)
        if not isinstance(begun, Order):
            return None
        text = self._solver.solve(plan_id, begun, lambda progress: self._tell(plan_id, progress))
        texts = Texts(begun.snapshot, text)
        proven = self._verifier.verify(texts)
        self.shelf.verified(plan_id, texts)
        return text, proven

    def _keep(self, plan_id: str, text: str, proven: Proven) -> None:
        numbers = {
            "state": "done",
            "stage": "done",
            "score": proven.score,
            "bound": proven.bound,
            "gap_pct": proven.gap_pct,
        }
        self._finish(plan_id, numbers, text)

    def _unfinished(self) -> list[str]:
        with self._database.reading() as session:
            statement = select(Plan.id).where(Plan.state.in_(("queued", "running"))).order_by(Plan.created_at)
            return list(session.scalars(statement))

    def _begin(self, plan_id: str) -> FreezeOrder | Order | None:
        with self._database.unit_of_work() as session:
            plan = session.get(Plan, plan_id)
            if plan is None or plan.state not in ("queued", "running"):
                return None
            document = session.get(PlanDocument, plan_id)
            plan.state, plan.stage = "running", "reading" if document else "freezing"
            plan.started_at = self._clock.now()
            if document is None:
                return self._freeze_order(plan)
            return Order(document.snapshot, plan.budget_seconds, plan.seed)

    def _freeze_order(self, plan: Plan) -> FreezeOrder:
        return FreezeOrder(
            self._database.engine.url.render_as_string(hide_password=False),
            plan.organisation_id,
            plan.term_id,
            self._zone.key,
            plan.created_at.astimezone(self._zone).date(),
        )

    def _keep_frozen(self, plan_id: str, frozen: FrozenInstance) -> None:
        left_out = json.dumps(frozen.left_out, ensure_ascii=False)
        with self._database.unit_of_work() as session:
            if self._write(session, plan_id, {"instance": frozen.fingerprint, "left_out": left_out}):
                session.add(PlanDocument(plan_id=plan_id, snapshot=frozen.text))

    def _tell(self, plan_id: str, progress: Progress) -> None:
        with self._database.unit_of_work() as session:
            values = {
                "stage": progress.stage,
                "score": progress.score,
                "bound": progress.bound,
                "gap_pct": progress.gap_pct,
            }
            self._write(session, plan_id, values)

    def _fail(self, plan_id: str, failure: str, code: str) -> None:
        if not self._stopping:
            self._finish(plan_id, {"state": "failed", "failure": failure[:500], "failure_code": code})

    def _finish(self, plan_id: str, values: dict[str, object], text: str | None = None) -> None:
        with self._database.unit_of_work() as session:
            if self._write(session, plan_id, values | {"finished_at": self._clock.now()}) and text is not None:
                session.get_one(PlanDocument, plan_id).plan = text

    def _write(self, session: Session, plan_id: str, values: dict[str, object]) -> bool:
        """Only a plan that still runs is written to: a cancelled one stays cancelled."""
        statement = update(Plan).where(Plan.id == plan_id, Plan.state == "running").values(**values)
        return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]
