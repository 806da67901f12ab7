"""Claims of a long series are written without being looked at first: the exclusion constraint finds out.

Claims for no receiver, half of all, are in no index of receivers; what one person attended has an index.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

phase: str = "expand"

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


def upgrade() -> None:
    """Bring the schema here."""
    _replace(MAKE_PROCEDURE)
    op.drop_index("ix_lesson_claims_receiver_id", "lesson_claims")
    of_a_receiver = sa.text("receiver_id IS NOT NULL")
    op.create_index(
        "ix_lesson_claims_receiver_id",
        "lesson_claims",
        ["receiver_id"],
        sqlite_where=of_a_receiver,
        postgresql_where=of_a_receiver,
    )
    op.create_index("ix_usage_attendance_party_id", "usage_attendance", ["party_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_usage_attendance_party_id", "usage_attendance")
    _replace(context.script.get_revision("0011").module.MAKE_PROCEDURE)
    op.drop_index("ix_lesson_claims_receiver_id", "lesson_claims")
    op.create_index("ix_lesson_claims_receiver_id", "lesson_claims", ["receiver_id"])


def _replace(procedure: str) -> None:
    # With the same arguments: replicas of both versions call it while they are exchanged one by one.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(procedure.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))
