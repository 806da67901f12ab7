"""Reports of connection tests are kept."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "connection_reports",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.String(32), nullable=False),
        sa.Column("place_id", sa.String(120), nullable=False),
        sa.Column("place", sa.String(120), nullable=False),
        sa.Column("receives", sa.String(10), nullable=False),
        sa.Column("sends", sa.String(10), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_connection_reports_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_reports")),
    )
    op.create_index(op.f("ix_connection_reports_at"), "connection_reports", ["at"])
    op.create_index(op.f("ix_connection_reports_place_id"), "connection_reports", ["place_id"])
    op.create_index(op.f("ix_connection_reports_organisation_id_at"), "connection_reports", ["organisation_id", "at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("connection_reports")
