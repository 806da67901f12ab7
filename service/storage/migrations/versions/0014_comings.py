"""Who came to lessons and went when is found without reading everything that was delivered."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_index(
        "ix_usage_log_comings",
        "usage_log",
        ["party_id", "lesson_id"],
        sqlite_where=sa.text("type IN ('party_joined', 'party_left')"),
        postgresql_where=sa.text("type IN ('party_joined', 'party_left')"),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_usage_log_comings", "usage_log")
