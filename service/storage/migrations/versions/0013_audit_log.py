"""What people change is kept in an append-only log."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.append_only import guards_of
from service.storage.base import UtcDateTime

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the table and what keeps it append-only."""
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("person", sa.String(120), nullable=False),
        sa.Column("role", sa.String(30), nullable=False),
        sa.Column("organisation_path", sa.String(200), nullable=False),
        sa.Column("operation", sa.String(60), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("client", sa.String(60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_at"), "audit_log", ["at"])
    op.create_index(op.f("ix_audit_log_user_id"), "audit_log", ["user_id"])
    op.create_index("ix_audit_log_organisation_path_id", "audit_log", ["organisation_path", "id"])
    for guard in guards_of("audit_log", "the audit log is append-only", op.get_bind().dialect.name):
        op.execute(guard)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("audit_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_audit_log()")
