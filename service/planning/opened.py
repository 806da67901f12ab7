"""Finished plans, opened: parsed, verified by the independent checker, ready for questions. The last few are kept.

Nothing of a plan is shown before its pairings are counted and its certificate is verified against the stored instance;
a plan that states more than it proves is refused.
"""

import gc
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.check.plan_check import PlanDocument, read_plan
from scheduler.instance.document import load
from scheduler.instance.snapshot import Snapshot
from scheduler.pairing.assignment import Assignment
from scheduler.pairing.plan import assignment_of
from scheduler.pairing.problem import compile_problem
from scheduler.pairing.reasons import Explainer
from service.planning import plan_tables
from service.planning.verifying import PlanRefusedError, Texts, Verifier, verify_here
from service.problems import Conflict
from service.storage.database import Database

KEPT = 4
TRUSTED_S = 10.0
"""How long an open plan is given without comparing it with the database again."""
Answer = TypeVar("Answer")


@dataclass(eq=False)
class OpenedPlan:
    """A verified plan with its instance."""

    snapshot: Snapshot
    plan: PlanDocument
    document: dict[str, Any]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[str, Any] = field(default_factory=dict)

    def asking(self, question: Callable[[Assignment], Answer]) -> Answer:
        """Ask something that tries out changes on the assignment; one at a time, and each gives it back as it was."""
        with self._lock:
            return question(self._assignment)

    def worked_out(self, name: str, work: Callable[["OpenedPlan"], Answer]) -> Answer:
        """What follows from the plan alone, worked out once as long as the plan is open."""
        with self._lock:
            if name not in self._known:
                self._known[name] = work(self)
            known: Answer = self._known[name]
            return known

    def why(self, demand_id: str) -> dict[str, Any]:
        """The full explanation of one demand of the instance."""
        at = self._demand_at[demand_id]
        return self.asking(lambda assignment: Explainer(assignment).why(at))

    @cached_property
    def unserved(self) -> dict[str, dict[str, Any]]:
        """Summaries of the demands that get less than they need, by demand."""
        return {entry["demand"]: entry for entry in self.document["unserved"]}

    @cached_property
    def served(self) -> dict[str, int]:
        """Lessons a week of each paired demand."""
        return {one.demand: len(one.times) for one in self.plan.pairings}

    @cached_property
    def _demand_at(self) -> dict[str, int]:
        return {demand.id: at for at, demand in enumerate(self.snapshot.demands)}

    @cached_property
    def _assignment(self) -> Assignment:
        return assignment_of(compile_problem(self.snapshot), self.plan.pairings)


def open_texts(snapshot_text: str, plan_text: str) -> OpenedPlan:
    """Verify and parse. Raises PlanRefusedError."""
    texts = Texts(snapshot_text, plan_text)
    verify_here(texts)
    return _parsed(texts)


def _parsed(texts: Texts) -> OpenedPlan:
    """Parse texts that were verified."""
    snapshot, plan = load(texts.snapshot), read_plan(texts.plan)
    return OpenedPlan(snapshot, plan, json.loads(texts.plan))


class PlanShelf:
    """Opens plans of the database; those used last stay open, and are compared with it again every few seconds."""

    def __init__(self, database: Database, trusted_s: float = TRUSTED_S, verifier: Verifier | None = None) -> None:
        self._database = database
        self._trusted_s = trusted_s
        self._verifier = verifier or Verifier()
        self._open: OrderedDict[tuple[str, str], OpenedPlan] = OrderedDict()
        self._compared: dict[str, tuple[float, OpenedPlan]] = {}
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._verified: dict[str, str] = {}

    def verified(self, plan_id: str, texts: Texts) -> None:
        """These texts of a plan were verified by this process: they need not be once more to be opened."""
        self._verified[plan_id] = sha256(f"{texts.snapshot}\n{texts.plan}".encode()).hexdigest()

    def instance_text(self, plan_id: str) -> str:
        """The instance of a plan, finished or not. Raises Conflict `plan_unfinished` if there is none."""
        with self._database.reading() as session:
            texts = session.get(plan_tables.PlanDocument, plan_id)
        if texts is None:
            raise Conflict("This plan has no instance.", code="plan_unfinished")
        return texts.snapshot

    def plan_text(self, plan_id: str) -> str:
        """The text of a finished plan, verified. Raises as `open` does."""
        self.open(plan_id)
        with self._database.reading() as session:
            return session.get_one(plan_tables.PlanDocument, plan_id).plan or ""

    def open(self, plan_id: str) -> OpenedPlan:
        """The finished plan. Raises Conflict `plan_unfinished` or `plan_refused`."""
        known = self._trusted(plan_id)
        if known is not None:
            return known
        with self._opening:  # whoever asks for the same plan meanwhile waits for the one that opens it
            known = self._trusted(plan_id)
            if known is not None:
                return known
            opened = self._compare(plan_id)
        with self._lock:
            kept = {identity for identity, _ in self._open}
            self._compared = {one: seen for one, seen in self._compared.items() if one in kept}
            self._compared[plan_id] = time.monotonic(), opened
        return opened

    def _trusted(self, plan_id: str) -> OpenedPlan | None:
        compared_at, known = self._compared.get(plan_id, (0.0, None))
        return known if time.monotonic() - compared_at < self._trusted_s else None

    def _compare(self, plan_id: str) -> OpenedPlan:
        """Open the texts if they are not the ones that are open."""
        with self._database.reading() as session:
            key = plan_id, _digest_of(session, plan_id)
            with self._lock:
                if key in self._open:
                    self._open.move_to_end(key)
                    return self._open[key]
            row = session.get_one(plan_tables.PlanDocument, plan_id)
            texts = Texts(row.snapshot, row.plan or "")
        try:
            if self._verified.get(plan_id) != key[1]:
                self._verifier.verify(texts)
        except PlanRefusedError as error:
            raise Conflict(
                f"This plan is refused, it does not prove what it states: {error}", code="plan_refused"
            ) from error
        with _sparing_collections(texts):
            opened = _parsed(texts)
        with self._lock:
            self._open[key] = opened
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
        return opened


def _digest_of(session: Session, plan_id: str) -> str:
    """Stands for a finished plan's texts. PostgreSQL works it out itself: they are megabytes. Raises Conflict."""
    row = plan_tables.PlanDocument
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    texts = row.snapshot + "\n" + row.plan
    wanted = func.encode(func.sha256(func.convert_to(texts, "UTF8")), "hex") if is_postgresql else texts
    found = session.scalar(select(wanted).where(row.plan_id == plan_id, row.plan.is_not(None)))
    if found is None:
        raise Conflict("This plan is not finished.", code="plan_unfinished")
    return str(found) if is_postgresql else sha256(found.encode()).hexdigest()


@contextmanager
def _sparing_collections(texts: Texts) -> Iterator[None]:
    """Let the garbage collector pass over what is made in the block: a plan is a million objects without any cycle.

    Looking through them took a third of a second each time, in the midst of other people's requests.
    """
    if not texts.are_large:
        yield
        return
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
