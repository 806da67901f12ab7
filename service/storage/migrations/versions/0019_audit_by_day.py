"""A month of the audit log is counted from an index alone: its rows are many, and wide."""

from collections.abc import Sequence

from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

phase: str = "expand"


def upgrade() -> None:
    """Bring the schema here."""
    op.create_index("ix_audit_log_at_organisation_path", "audit_log", ["at", "organisation_path"])
    op.drop_index("ix_audit_log_at", "audit_log")


def downgrade() -> None:
    """Go back."""
    op.create_index("ix_audit_log_at", "audit_log", ["at"])
    op.drop_index("ix_audit_log_at_organisation_path", "audit_log")
