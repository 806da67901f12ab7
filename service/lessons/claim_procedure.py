"""The whole step of taking claims as one procedure inside PostgreSQL: one call instead of ten, and whoever waits for a
lock waits for the database alone, not for another client's Python.

It does what `claim_store` does statement by statement where there is no such procedure: lock, look, exchange claims,
raise counters; refused, it undoes itself and lets go of its locks at once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import DDL, event, text
from sqlalchemy.orm import Session

from scheduler.clashes import Claim, Resource
from service.lessons.capacity import Amount, buckets_of
from service.lessons.tables import LessonClaim
from service.lessons.times import LONGEST

Outcome = Literal["held", "clash", "scarce", "exchange", "lost"]
"""`scarce`: too little is left of something counted; `exchange`: the lessons hold amounts already, which must be given
back first; `lost`: somebody else was faster, or the deadlock detector spoke: try again."""

# Few claims are looked at first: others often want the same, and a refusal should cost little. A long series or a plan
# rarely meets anybody: the exclusion constraint finds out while it is written, and only then is looked at what it was.
# Every statement of the procedure sees what was committed until it begins, hence after the locks were had. Claims get
# ids that rise with time: the index of random ones would touch, and log, another page for each.
MAKE_PROCEDURE = """
CREATE FUNCTION hold_lessons(
 lock_keys bigint[], lesson_ids text[], reach interval,
 claim_lessons text[], claim_receivers text[], claim_kinds text[], claim_resources text[],
 claim_starts timestamptz[], claim_ends timestamptz[],
 amount_lessons text[], amount_kinds text[], amount_resources text[],
 amount_values integer[], amount_caps integer[], amount_firsts integer[], amount_ends integer[]
) RETURNS json LANGUAGE plpgsql AS $procedure$
DECLARE
 in_the_way json;
 moment text := lpad(to_hex(CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)), 16, '0');
 wanted_counters bigint;
 raised_counters bigint;
BEGIN
 IF EXISTS (SELECT FROM lesson_amounts WHERE lesson_id = ANY (lesson_ids)) THEN
  RETURN json_build_object('outcome', 'exchange');
 END IF;
 BEGIN
  IF lock_keys IS NULL THEN
   LOCK TABLE lesson_claims IN SHARE ROW EXCLUSIVE MODE;
  ELSE
   PERFORM pg_advisory_xact_lock(lock_key) FROM unnest(lock_keys) AS lock_key;
  END IF;
  IF cardinality(claim_kinds) <= 20 THEN
   SELECT json_agg(DISTINCT jsonb_build_array(
    held.resource_kind, held.resource_id, held.starts_at, held.ends_at, held.lesson_id)) INTO in_the_way
   FROM unnest(claim_kinds, claim_resources, claim_starts, claim_ends) AS wanted (kind, id, starts_at, ends_at)
   CROSS JOIN LATERAL (
    SELECT held.* FROM lesson_claims AS held WHERE held.resource_kind = wanted.kind AND held.resource_id = wanted.id
     AND held.starts_at > wanted.starts_at - reach AND held.starts_at < wanted.ends_at
     AND held.ends_at > wanted.starts_at
    OFFSET 0) AS held
   WHERE held.lesson_id <> ALL (lesson_ids);
  END IF;
  IF in_the_way IS NOT NULL THEN
   RAISE EXCEPTION USING ERRCODE = 'TC001';
  END IF;
  DELETE FROM lesson_claims WHERE lesson_id = ANY (lesson_ids);
  INSERT INTO lesson_claims (id, lesson_id, receiver_id, resource_kind, resource_id, starts_at, ends_at)
  SELECT moment || substr(replace(CAST(gen_random_uuid() AS text), '-', ''), 17), wanted.*
  FROM unnest(claim_lessons, claim_receivers, claim_kinds, claim_resources, claim_starts, claim_ends) AS wanted;
  IF cardinality(amount_lessons) > 0 THEN
   WITH wanted AS MATERIALIZED (
    SELECT kind, id, bucket, SUM(amount) AS used, MAX(cap) AS cap
    FROM unnest(amount_kinds, amount_resources, amount_values, amount_caps, amount_firsts, amount_ends)
     AS given (kind, id, amount, cap, first_bucket, end_bucket)
    CROSS JOIN LATERAL generate_series(first_bucket, end_bucket - 1) AS bucket
    GROUP BY kind, id, bucket
   ), raised AS (
    INSERT INTO capacity_slots AS slot (resource_kind, resource_id, bucket, used, cap)
    SELECT kind, id, bucket, used, cap FROM wanted WHERE used <= cap ORDER BY kind, id, bucket
    ON CONFLICT (resource_kind, resource_id, bucket)
    DO UPDATE SET used = slot.used + excluded.used, cap = excluded.cap
    WHERE slot.used + excluded.used <= excluded.cap
    RETURNING 1
   )
   SELECT (SELECT COUNT(*) FROM wanted), (SELECT COUNT(*) FROM raised) INTO wanted_counters, raised_counters;
   IF raised_counters < wanted_counters THEN
    RAISE EXCEPTION USING ERRCODE = 'TC002';
   END IF;
   INSERT INTO lesson_amounts (lesson_id, resource_kind, resource_id, amount, first_bucket, end_bucket)
   SELECT * FROM unnest(
    amount_lessons, amount_kinds, amount_resources, amount_values, amount_firsts, amount_ends);
  END IF;
  RETURN json_build_object('outcome', 'held');
 EXCEPTION
  WHEN SQLSTATE 'TC001' THEN RETURN json_build_object('outcome', 'clash', 'held', in_the_way);
  WHEN SQLSTATE 'TC002' THEN RETURN json_build_object('outcome', 'scarce');
  WHEN exclusion_violation THEN
   SELECT json_agg(DISTINCT jsonb_build_array(
    held.resource_kind, held.resource_id, held.starts_at, held.ends_at, held.lesson_id)) INTO in_the_way
   FROM unnest(claim_kinds, claim_resources, claim_starts, claim_ends) AS wanted (kind, id, starts_at, ends_at)
   CROSS JOIN LATERAL (
    SELECT held.* FROM lesson_claims AS held WHERE held.resource_kind = wanted.kind AND held.resource_id = wanted.id
     AND held.starts_at > wanted.starts_at - reach AND held.starts_at < wanted.ends_at
     AND held.ends_at > wanted.starts_at
    OFFSET 0) AS held
   WHERE held.lesson_id <> ALL (lesson_ids);
   IF in_the_way IS NULL THEN RETURN json_build_object('outcome', 'lost'); END IF;
   RETURN json_build_object('outcome', 'clash', 'held', in_the_way);
  WHEN check_violation OR deadlock_detected THEN RETURN json_build_object('outcome', 'lost');
 END;
END
$procedure$"""
event.listen(LessonClaim.__table__, "after_create", DDL(MAKE_PROCEDURE).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]

SEPARATOR = "\x1f"
# Each column travels as one text: the driver is much slower with arrays.
_COLUMNS = {
    "claim_lessons": "text",
    "claim_receivers": "text",
    "claim_kinds": "text",
    "claim_resources": "text",
    "claim_starts": "timestamptz",
    "claim_ends": "timestamptz",
    "amount_lessons": "text",
    "amount_kinds": "text",
    "amount_resources": "text",
    "amount_values": "integer",
    "amount_caps": "integer",
    "amount_firsts": "integer",
    "amount_ends": "integer",
}
_CALL = text(
    "SELECT hold_lessons(CAST(:lock_keys AS bigint[]), string_to_array(:lesson_ids, chr(31)), :reach, "
    + ", ".join(f"CAST(string_to_array(:{name}, chr(31), '') AS {kind}[])" for name, kind in _COLUMNS.items())
    + ")"
)


def call_procedure(
    session: Session,
    lock_keys: Sequence[int] | None,
    lesson_ids: Iterable[str],
    claims: Sequence[tuple[Claim, str | None]],
    amounts: Sequence[tuple[Claim, Amount]],
) -> tuple[Outcome, list[Claim]]:
    """Take all of it or nothing; with the outcome `clash` come the claims in the way.

    `lock_keys` are the locks in their order, None: the whole table. Claims come with the receiver they are for, amounts
    with a claim of their lesson, over whose time they are taken.
    """
    buckets = [buckets_of(claim.starts_at, claim.ends_at) for claim, _amount in amounts]
    columns: dict[str, Iterable[str]] = {
        "lesson_ids": lesson_ids,
        "claim_lessons": [claim.lesson_id for claim, _receiver in claims],
        "claim_receivers": [receiver or "" for _claim, receiver in claims],
        "claim_kinds": [claim.resource.kind for claim, _receiver in claims],
        "claim_resources": [claim.resource.id for claim, _receiver in claims],
        "claim_starts": [claim.starts_at.isoformat() for claim, _receiver in claims],
        "claim_ends": [claim.ends_at.isoformat() for claim, _receiver in claims],
        "amount_lessons": [claim.lesson_id for claim, _amount in amounts],
        "amount_kinds": [amount.counted.kind for _claim, amount in amounts],
        "amount_resources": [amount.counted.id for _claim, amount in amounts],
        "amount_values": [str(amount.amount) for _claim, amount in amounts],
        "amount_caps": [str(amount.cap) for _claim, amount in amounts],
        "amount_firsts": [str(own.start) for own in buckets],
        "amount_ends": [str(own.stop) for own in buckets],
    }
    parameters: dict[str, Any] = {name: SEPARATOR.join(values) for name, values in columns.items()}
    parameters |= {"lock_keys": lock_keys, "reach": LONGEST}
    answer = session.connection().execute(_CALL, parameters).scalar_one()
    return answer["outcome"], [_claim(*row) for row in answer.get("held", ())]


def _claim(kind: Any, identity: str, starts_at: str, ends_at: str, lesson_id: str) -> Claim:
    times = datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at)
    return Claim(Resource(kind, identity), *times, lesson_id)
