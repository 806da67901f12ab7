"""Claims of lessons are taken by one procedure inside PostgreSQL; SQLite needs none."""

from collections.abc import Sequence

from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MAKE_PROCEDURE = """
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
  CROSS JOIN LATERAL (
   SELECT held.* FROM lesson_claims AS held WHERE held.resource_kind = wanted.kind AND held.resource_id = wanted.id
    AND held.starts_at > wanted.earliest AND held.starts_at < wanted.ends_at AND held.ends_at > wanted.starts_at
   OFFSET 0) AS held
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
$procedure$"""


def upgrade() -> None:
    """Bring the schema here."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(MAKE_PROCEDURE)


def downgrade() -> None:
    """Go back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION hold_lessons")
