"""The whole step of taking claims as one procedure inside PostgreSQL: one call instead of ten, and whoever waits for a
lock waits for the database alone, not for another client's Python.

It does what `claim_store` does statement by statement where there is no such procedure: lock, look, exchange claims,
raise counters; refused, it undoes itself and lets go of its locks at once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import DDL, event, text
from sqlalchemy.orm import Session

from scheduler.clashes import Claim, Resource
from service.lessons.overlaps import IN_THE_WAY
from service.lessons.tables import LessonClaim
from service.storage.many import as_json

Outcome = Literal["held", "clash", "scarce", "exchange", "lost"]
"""`scarce`: too little is left of something counted; `exchange`: the lessons hold amounts already, which must be given
back first; `lost`: somebody else was faster, or the deadlock detector spoke: try again."""

# Every statement of the procedure sees what was committed until it begins, hence after the locks were had.
MAKE_PROCEDURE = f"""
CREATE FUNCTION hold_lessons(lock_keys bigint[], asked json) RETURNS json LANGUAGE plpgsql AS $procedure$
DECLARE
 ids text[] := ARRAY(SELECT json_array_elements_text(asked -> 'lessons'));
 in_the_way json;
 raised integer;
BEGIN
 IF EXISTS (SELECT FROM lesson_amounts WHERE lesson_id = ANY (ids)) THEN
  RETURN json_build_object('outcome', 'exchange');
 END IF;
 BEGIN
  IF lock_keys IS NULL THEN
   LOCK TABLE lesson_claims IN SHARE ROW EXCLUSIVE MODE;
  ELSE
   PERFORM pg_advisory_xact_lock(lock_key) FROM unnest(lock_keys) AS lock_key;
  END IF;
  SELECT json_agg(DISTINCT jsonb_build_array(
   held.resource_kind, held.resource_id, held.starts_at, held.ends_at, held.lesson_id)) INTO in_the_way
  FROM json_to_recordset(asked -> 'claims')
   AS wanted (kind text, id text, earliest timestamptz, starts_at timestamptz, ends_at timestamptz)
  CROSS JOIN LATERAL (SELECT held.* FROM lesson_claims AS held WHERE {IN_THE_WAY} OFFSET 0) AS held
  WHERE held.lesson_id <> ALL (ids);
  IF in_the_way IS NOT NULL THEN
   RAISE EXCEPTION USING ERRCODE = 'TC001';
  END IF;
  DELETE FROM lesson_claims WHERE lesson_id = ANY (ids);
  INSERT INTO lesson_claims (id, lesson_id, receiver_id, resource_kind, resource_id, starts_at, ends_at)
  SELECT claim, lesson, receiver, kind, id, starts_at, ends_at FROM json_to_recordset(asked -> 'claims')
   AS wanted (claim text, lesson text, receiver text, kind text, id text, starts_at timestamptz, ends_at timestamptz);
  IF json_array_length(asked -> 'counters') > 0 THEN
   INSERT INTO capacity_slots AS slot (resource_kind, resource_id, bucket, used, cap)
   SELECT kind, id, bucket, used, cap FROM json_to_recordset(asked -> 'counters')
    AS given (kind text, id text, bucket integer, used integer, cap integer) ORDER BY kind, id, bucket
   ON CONFLICT (resource_kind, resource_id, bucket)
   DO UPDATE SET used = slot.used + excluded.used, cap = excluded.cap
   WHERE slot.used + excluded.used <= excluded.cap;
   GET DIAGNOSTICS raised = ROW_COUNT;
   IF raised < json_array_length(asked -> 'counters') THEN
    RAISE EXCEPTION USING ERRCODE = 'TC002';
   END IF;
   INSERT INTO lesson_amounts (lesson_id, resource_kind, resource_id, amount, first_bucket, end_bucket)
   SELECT lesson_id, resource_kind, resource_id, amount, first_bucket, end_bucket
   FROM json_populate_recordset(CAST(NULL AS lesson_amounts), asked -> 'amounts');
  END IF;
  RETURN json_build_object('outcome', 'held');
 EXCEPTION
  WHEN SQLSTATE 'TC001' THEN RETURN json_build_object('outcome', 'clash', 'held', in_the_way);
  WHEN SQLSTATE 'TC002' THEN RETURN json_build_object('outcome', 'scarce');
  WHEN exclusion_violation OR check_violation OR deadlock_detected THEN RETURN json_build_object('outcome', 'lost');
 END;
END
$procedure$"""  # noqa: S608 - nothing in it comes from outside
event.listen(LessonClaim.__table__, "after_create", DDL(MAKE_PROCEDURE).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]

_CALL = text("SELECT hold_lessons(CAST(:lock_keys AS bigint[]), CAST(:asked AS json))")


def call_procedure(
    session: Session,
    lock_keys: Sequence[int] | None,
    claims: Sequence[Mapping[str, Any]],
    counters: Sequence[Mapping[str, Any]],
    amounts: Sequence[Mapping[str, Any]],
    lesson_ids: Sequence[str],
) -> tuple[Outcome, list[Claim]]:
    """Take all of it or nothing; with the outcome `clash` come the claims in the way.

    `lock_keys` are the locks in their order, None: the whole table. `claims` have claim, lesson, receiver, kind, id,
    earliest (see `overlaps`), starts_at and ends_at; `counters` kind, id, bucket, used and cap, each once and with more
    than nothing used; `amounts` are rows of `lesson_amounts`.
    """
    asked = {"lessons": lesson_ids, "claims": claims, "counters": counters, "amounts": amounts}
    parameters = {"lock_keys": lock_keys, "asked": as_json(asked)}
    answer = session.connection().execute(_CALL, parameters).scalar_one()
    held = [_claim(*row) for row in answer.get("held", ())]
    return answer["outcome"], held


def _claim(kind: Any, identity: str, starts_at: str, ends_at: str, lesson_id: str) -> Claim:
    times = datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at)
    return Claim(Resource(kind, identity), *times, lesson_id)
