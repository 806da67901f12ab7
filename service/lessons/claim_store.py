"""Takes and gives back claims and amounts: for any number of lessons at once, everything or nothing.

On SQLite the caller's BEGIN IMMEDIATE keeps other writers away. On PostgreSQL the claimed resources are locked first
(`pg_advisory_xact_lock`, sorted), then looked at, then written; counters are locked by row, sorted. New lessons are
held there by one call (`claim_procedure`). All of it happens behind a savepoint, so a refused booking lets go of its
locks at once. What the check should miss, the constraints of the tables refuse (`claim_guards`, the counters' CHECK);
that, and a deadlock, is met by looking again.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, delete, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from scheduler.clashes import Claim, Clash, Resource, find_clashes
from service.lessons.amounts import Shortage, change_amounts
from service.lessons.capacity import Amount, buckets_of
from service.lessons.claim_guards import OVERLAP_MESSAGE
from service.lessons.claim_procedure import Outcome, call_procedure
from service.lessons.overlaps import overlapping
from service.lessons.tables import LessonAmount, LessonClaim
from service.problems import Conflict
from service.storage.base import new_id
from service.storage.many import insert_rows, one_of

ATTEMPTS = 3
MOST_LOCKS = 500
"""PostgreSQL keeps locks in a memory of fixed size; who needs more of them, a whole plan, locks the table."""
_CLAIMS, _AMOUNTS = cast(Table, LessonClaim.__table__), cast(Table, LessonAmount.__table__)
EXCLUSION_VIOLATED, CHECK_VIOLATED, DEADLOCK_FOUND = "23P01", "23514", "40P01"


@dataclass(frozen=True)
class Hold:
    """All that one lesson shall hold: claims, each with the receiver it is for, and amounts; both over its time."""

    lesson_id: str
    claims: tuple[tuple[Claim, str | None], ...]
    amounts: tuple[Amount, ...] = ()


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """Something is not free. Nothing was changed, and the transaction can go on."""

    def __init__(self, clashes: Sequence[Clash], shortages: Sequence[Shortage]) -> None:
        super().__init__(f"{len(clashes)} clashes, {len(shortages)} shortages")
        self.clashes = tuple(clashes)
        self.shortages = tuple(shortages)


def hold(session: Session, holds: Sequence[Hold]) -> None:
    """Make what each of these lessons holds exactly what is said.

    The lessons must be in the database. Raises Refused with the clashes, or if there are none with what is short.
    """
    for _attempt in range(ATTEMPTS):
        outcome = _call(session, holds)
        if outcome == "held":
            return
        if outcome != "lost":
            break
    _hold_step_by_step(session, holds)


def _hold_step_by_step(session: Session, holds: Sequence[Hold]) -> None:
    """The same with a statement for each step: what is held is given back, and what is short can be said."""
    for _attempt in range(ATTEMPTS):
        try:
            with session.begin_nested():
                _exchange(session, holds)
        except DBAPIError as error:
            if not lost_a_race(error):
                raise
        else:
            return
    raise Conflict("Too many want the same at this moment; try again.", code="conflict")


def _call(session: Session, holds: Sequence[Hold]) -> Outcome:
    """Hold it by the database's own procedure; "exchange" where only the steps can. Raises Refused for a clash."""
    if session.get_bind().dialect.name != "postgresql":
        return "exchange"
    claims = [pair for hold in holds for pair in hold.claims]
    amounts = [(hold.claims[0][0], amount) for hold in holds for amount in hold.amounts]
    keys = _lock_keys(holds)
    outcome, in_the_way = call_procedure(
        session, keys if len(keys) <= MOST_LOCKS else None, [hold.lesson_id for hold in holds], claims, amounts
    )
    if outcome == "clash":
        raise Refused(find_clashes((claim for claim, _receiver in claims), in_the_way), ())
    return outcome


def lock_key(session: Session, name: str) -> None:
    """On PostgreSQL, wait until no other transaction holds `name`; take it before any resource."""
    _lock(session, [_lock_number(name)])


def lost_a_race(error: DBAPIError) -> bool:
    """Whether a constraint or the deadlock detector spoke because somebody else was faster."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        message = str(error.orig)
        return OVERLAP_MESSAGE in message or "ck_capacity_slots_cap" in message
    return state in (EXCLUSION_VIOLATED, CHECK_VIOLATED, DEADLOCK_FOUND)


def _exchange(session: Session, holds: Sequence[Hold]) -> None:
    ids = {hold.lesson_id for hold in holds}
    _lock(session, _lock_keys(holds))
    _refuse_clashes(session, holds)
    session.execute(delete(_CLAIMS).where(one_of(session, _CLAIMS.c.lesson_id, ids)))
    rows = [_row(claim, receiver) for hold in holds for claim, receiver in hold.claims]
    insert_rows(session, _CLAIMS, rows)
    shortages = _exchange_amounts(session, holds, ids)
    if shortages:
        raise Refused((), shortages)


def _refuse_clashes(session: Session, holds: Sequence[Hold]) -> None:
    claims = [claim for hold in holds for claim, _receiver in hold.claims]
    clashes = overlapping(session, claims, except_lessons={hold.lesson_id for hold in holds})
    if clashes:
        raise Refused(clashes, ())


def _exchange_amounts(session: Session, holds: Sequence[Hold], ids: set[str]) -> list[Shortage]:
    before = session.execute(select(_AMOUNTS).where(one_of(session, _AMOUNTS.c.lesson_id, ids))).all()
    rows = [_amount_row(hold, amount) for hold in holds for amount in hold.amounts]
    if not before and not rows:
        return []
    changes: Counter[tuple[str, str, int]] = Counter()
    for held in before:
        for bucket in range(held.first_bucket, held.end_bucket):
            changes[held.resource_kind, held.resource_id, bucket] -= held.amount
    for row in rows:
        for bucket in range(row["first_bucket"], row["end_bucket"]):
            changes[row["resource_kind"], row["resource_id"], bucket] += row["amount"]
    caps: dict[tuple[str, str], int] = {(a.counted.kind, a.counted.id): a.cap for hold in holds for a in hold.amounts}
    shortages = change_amounts(session, changes, caps)
    if shortages:
        return shortages
    if before:
        session.execute(delete(_AMOUNTS).where(one_of(session, _AMOUNTS.c.lesson_id, ids)))
    insert_rows(session, _AMOUNTS, rows)
    return []


def lock_name(resource: Resource) -> str:
    """Under which name a resource is locked."""
    return f"{resource.kind}:{resource.id}"


def _lock_keys(holds: Sequence[Hold]) -> list[int]:
    """The locks of all claimed resources, in the order in which everybody takes them."""
    resources = {claim.resource for hold in holds for claim, _receiver in hold.claims}
    return sorted({_lock_number(lock_name(resource)) for resource in resources})


def _lock(session: Session, keys: Sequence[int]) -> None:
    if session.get_bind().dialect.name != "postgresql":
        return
    if len(keys) > MOST_LOCKS:
        session.execute(text("LOCK TABLE lesson_claims IN SHARE ROW EXCLUSIVE MODE"))
        return
    # The cast matters: without it the driver sends small numbers as another type, and there is no such function.
    session.execute(
        text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"), {"keys": list(keys)}
    )


def _lock_number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _row(claim: Claim, receiver_id: str | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "lesson_id": claim.lesson_id,
        "receiver_id": receiver_id,
        "resource_kind": claim.resource.kind,
        "resource_id": claim.resource.id,
        "starts_at": claim.starts_at,
        "ends_at": claim.ends_at,
    }


def _amount_row(hold: Hold, amount: Amount) -> dict[str, Any]:
    claim = hold.claims[0][0]
    buckets = buckets_of(claim.starts_at, claim.ends_at)
    return {
        "lesson_id": hold.lesson_id,
        "resource_kind": amount.counted.kind,
        "resource_id": amount.counted.id,
        "amount": amount.amount,
        "first_bucket": buckets.start,
        "end_bucket": buckets.stop,
    }
