"""Counted things, requests that expire, and no overlap of claims even where nobody checks."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = "resource_kind IN ('kit', 'link_up', 'link_down', 'relay')"

# Two lessons cannot hold one room, teacher or class at one time: the database itself refuses it.
_OTHER_LESSON_HOLDS_IT = (
    "SELECT RAISE(ABORT, 'another lesson holds this at that time') WHERE EXISTS (SELECT 1 FROM lesson_claims AS held "
    "WHERE held.resource_kind = NEW.resource_kind AND held.resource_id = NEW.resource_id AND held.id <> NEW.id "
    "AND held.starts_at < NEW.ends_at AND held.ends_at > NEW.starts_at);"
)
SQLITE_GUARDS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS lesson_claims_refuse_overlap_on_{verb.lower()} BEFORE {verb} ON lesson_claims "
    f"BEGIN {_OTHER_LESSON_HOLDS_IT} END"
    for verb in ("INSERT", "UPDATE")
)
SQLITE_UNGUARDS = tuple(f"DROP TRIGGER lesson_claims_refuse_overlap_on_{verb}" for verb in ("insert", "update"))
POSTGRESQL_GUARDS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    "ALTER TABLE lesson_claims ADD CONSTRAINT ex_lesson_claims_overlap EXCLUDE USING gist "
    "(hashtextextended(resource_kind || '/' || resource_id, 0) WITH =, tstzrange(starts_at, ends_at) WITH &&)",
)
POSTGRESQL_UNGUARDS = ("ALTER TABLE lesson_claims DROP CONSTRAINT ex_lesson_claims_overlap",)


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "capacity_slots",
        sa.Column("resource_kind", sa.String(length=10), nullable=False),
        sa.Column("resource_id", sa.String(length=120), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0 AND used <= cap", name=op.f("ck_capacity_slots_cap")),
        sa.PrimaryKeyConstraint("resource_kind", "resource_id", "bucket", name=op.f("pk_capacity_slots")),
    )
    op.create_table(
        "lesson_amounts",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("resource_kind", sa.String(length=10), nullable=False),
        sa.Column("resource_id", sa.String(length=120), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("first_bucket", sa.Integer(), nullable=False),
        sa.Column("end_bucket", sa.Integer(), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_lesson_amounts_resource_kind")),
        sa.CheckConstraint("amount > 0 AND end_bucket > first_bucket", name=op.f("ck_lesson_amounts_amount")),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_amounts_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lesson_id", "resource_kind", "resource_id", name=op.f("pk_lesson_amounts")),
    )
    # Added in place: a copy of this table would let go of every claim that hangs on it (ON DELETE CASCADE).
    op.add_column("lesson_receivers", sa.Column("answer_by", UtcDateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_lesson_receivers_waiting",
        "lesson_receivers",
        ["answer_by"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    guards = {"sqlite": SQLITE_GUARDS, "postgresql": POSTGRESQL_GUARDS}
    for guard in guards[op.get_bind().dialect.name]:
        op.execute(guard)


def downgrade() -> None:
    """Go back."""
    unguards = {"sqlite": SQLITE_UNGUARDS, "postgresql": POSTGRESQL_UNGUARDS}
    for unguard in unguards[op.get_bind().dialect.name]:
        op.execute(unguard)
    op.drop_index("ix_lesson_receivers_waiting", table_name="lesson_receivers")
    op.drop_column("lesson_receivers", "answer_by")
    op.drop_table("lesson_amounts")
    op.drop_table("capacity_slots")
