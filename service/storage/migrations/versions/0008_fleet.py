"""Relays as a fleet: which there are, which carries each open lesson, and how far their events are in the log."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "relays",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relays")),
    )
    op.create_table(
        "lesson_placements",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("relay_id", sa.String(length=64), nullable=False),
        sa.Column("placed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_placements_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lesson_id", name=op.f("pk_lesson_placements")),
    )
    op.create_table(
        "usage_log_positions",
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("position", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_usage_log_positions")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("usage_log_positions")
    op.drop_table("lesson_placements")
    op.drop_table("relays")
