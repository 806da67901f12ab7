"""The counters of counted things: rows are locked in one order, compared with what there is, then changed."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, and_, delete, or_, select, text, update
from sqlalchemy.orm import Session

from service.lessons.capacity import BUCKET_S, Counted, CountedKind, bucket_start
from service.lessons.tables import CapacitySlot, LessonAmount
from service.storage.many import insert_rows, one_of

Key = tuple[str, str, int]
"""Kind and id of a counted thing, and the bucket."""
_SLOTS, _AMOUNTS = cast(Table, CapacitySlot.__table__), cast(Table, LessonAmount.__table__)


@dataclass(frozen=True)
class Shortage:
    """Too little of a counted thing is left from `starts_at` to `ends_at` (UTC); `free` is the least of it."""

    counted: Counted
    free: int
    cap: int
    starts_at: datetime
    ends_at: datetime


def change_amounts(session: Session, changes: Mapping[Key, int], caps: Mapping[tuple[str, str], int]) -> list[Shortage]:
    """Add `changes` to the counters, or change nothing and list what is short.

    `caps` says how much there is now of each thing of which more is wanted. A cap below what is in use already stops
    new lessons only; what was booked stays.
    """
    changed = {key: change for key, change in changes.items() if change}
    rising = sorted(key for key, change in changed.items() if change > 0)
    if rising:
        _ensure_rows(session, rising, caps)
    rows = _locked(session, changed)
    short = [(key, caps[key[:2]] - rows[key][0]) for key in rising if rows[key][0] + changed[key] > caps[key[:2]]]
    if short:
        return _shortages(short, caps)
    parameters = [
        {
            "of_kind": key[0],
            "of_id": key[1],
            "of_bucket": key[2],
            "used": rows[key][0] + changed[key],
            "cap": caps[key[:2]] if changed[key] > 0 else rows[key][1],
        }
        for key in sorted(changed)
    ]
    _write(session, parameters)
    return []


def give_back(session: Session, lesson_ids: Iterable[str], after: datetime | None = None) -> None:
    """Give back all that the lessons hold of counted things, or only from a moment on.

    What remains of the moment's own bucket counts as free: lessons that follow each other share it, but not at once.
    """
    first = 0 if after is None else int(after.timestamp()) // BUCKET_S
    changes: Counter[Key] = Counter()
    for held in _held_by(session, lesson_ids):
        kept_until = min(max(first, held.first_bucket), held.end_bucket)
        for bucket in range(kept_until, held.end_bucket):
            changes[held.resource_kind, held.resource_id, bucket] -= held.amount
        _rewrite(session, held, amount=held.amount, end_bucket=kept_until)
    change_amounts(session, changes, {})


def give_back_part(session: Session, lesson_id: str, share: Mapping[tuple[CountedKind, str | None], int]) -> None:
    """Give back a part of what one lesson holds: so much by kind and id, or of the only one of its kind (None)."""
    changes: Counter[Key] = Counter()
    for held in _held_by(session, [lesson_id]):
        part = share.get((held.resource_kind, held.resource_id)) or share.get((held.resource_kind, None)) or 0
        part = min(part, held.amount)
        for bucket in range(held.first_bucket, held.end_bucket):
            changes[held.resource_kind, held.resource_id, bucket] -= part
        _rewrite(session, held, amount=held.amount - part, end_bucket=held.end_bucket)
    change_amounts(session, changes, {})


def _held_by(session: Session, lesson_ids: Iterable[str]) -> Sequence[Row[Any]]:
    return session.execute(select(_AMOUNTS).where(one_of(session, _AMOUNTS.c.lesson_id, list(lesson_ids)))).all()


def _rewrite(session: Session, held: Row[Any], *, amount: int, end_bucket: int) -> None:
    mine = and_(
        _AMOUNTS.c.lesson_id == held.lesson_id,
        _AMOUNTS.c.resource_kind == held.resource_kind,
        _AMOUNTS.c.resource_id == held.resource_id,
    )
    if amount > 0 and end_bucket > held.first_bucket:
        session.execute(update(_AMOUNTS).where(mine).values(amount=amount, end_bucket=end_bucket))
    else:
        session.execute(delete(_AMOUNTS).where(mine))


def used_of(session: Session, things: Iterable[Counted], first: int, end: int) -> dict[Key, int]:
    """How much of each thing is in use in the buckets [first, end); what is not named is unused."""
    same = or_(*(and_(_SLOTS.c.resource_kind == thing.kind, _SLOTS.c.resource_id == thing.id) for thing in things))
    rows = session.execute(select(_SLOTS).where(same, _SLOTS.c.bucket >= first, _SLOTS.c.bucket < end))
    return {(row.resource_kind, row.resource_id, row.bucket): row.used for row in rows}


def _ensure_rows(session: Session, keys: Iterable[Key], caps: Mapping[tuple[str, str], int]) -> None:
    rows = [
        {"resource_kind": kind, "resource_id": identity, "bucket": bucket, "used": 0, "cap": caps[kind, identity]}
        for kind, identity, bucket in keys
    ]
    insert_rows(session, _SLOTS, rows, skip_known=True)


def _locked(session: Session, keys: Collection[Key]) -> dict[Key, tuple[int, int]]:
    if not keys:
        return {}
    if session.get_bind().dialect.name == "postgresql":
        kinds, ids, buckets = zip(*keys, strict=True)
        rows = session.execute(_LOCK_POSTGRESQL, {"kinds": list(kinds), "ids": list(ids), "buckets": list(buckets)})
    else:
        rows = session.execute(_LOCK_SQLITE, {"keys": json.dumps(list(keys))})
    return {(row.resource_kind, row.resource_id, row.bucket): (row.used, row.cap) for row in rows}


_LOCK_POSTGRESQL = text("""
SELECT slot.* FROM capacity_slots AS slot
JOIN unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:buckets AS integer[])) AS wanted (kind, id, bucket)
 ON slot.resource_kind = wanted.kind AND slot.resource_id = wanted.id AND slot.bucket = wanted.bucket
ORDER BY slot.resource_kind, slot.resource_id, slot.bucket FOR UPDATE OF slot""")
_LOCK_SQLITE = text("""
SELECT slot.* FROM json_each(:keys) AS wanted CROSS JOIN capacity_slots AS slot
 ON slot.resource_kind = json_extract(wanted.value, '$[0]') AND slot.resource_id = json_extract(wanted.value, '$[1]')
 AND slot.bucket = json_extract(wanted.value, '$[2]')""")


def _write(session: Session, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_WRITE_POSTGRESQL, {name: [row[name] for row in rows] for name in rows[0]})
    else:
        session.connection().execute(_WRITE_SQLITE, rows)


_WRITE_POSTGRESQL = text("""
UPDATE capacity_slots AS slot SET used = given.used, cap = given.cap
FROM unnest(CAST(:of_kind AS text[]), CAST(:of_id AS text[]), CAST(:of_bucket AS integer[]), CAST(:used AS integer[]),
 CAST(:cap AS integer[])) AS given (kind, id, bucket, used, cap)
WHERE slot.resource_kind = given.kind AND slot.resource_id = given.id AND slot.bucket = given.bucket""")
_WRITE_SQLITE = text(
    "UPDATE capacity_slots SET used = :used, cap = :cap "
    "WHERE resource_kind = :of_kind AND resource_id = :of_id AND bucket = :of_bucket"
)


def _shortages(short: list[tuple[Key, int]], caps: Mapping[tuple[str, str], int]) -> list[Shortage]:
    by_thing: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for (kind, identity, bucket), free in short:
        by_thing.setdefault((kind, identity), []).append((bucket, free))
    return [
        Shortage(
            Counted(kind, identity),  # type: ignore[arg-type]
            max(min(free for _bucket, free in places), 0),
            caps[kind, identity],
            bucket_start(min(bucket for bucket, _free in places)),
            bucket_start(max(bucket for bucket, _free in places) + 1),
        )
        for (kind, identity), places in sorted(by_thing.items())
    ]
