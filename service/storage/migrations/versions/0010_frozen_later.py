"""Plans are frozen after they were asked for: what was left out of them, and why one failed as a code."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.add_column("plans", sa.Column("failure_code", sa.String(40), nullable=True))
    op.add_column("plans", sa.Column("left_out", sa.Text(), server_default="[]", nullable=False))


def downgrade() -> None:
    """Go back."""
    op.drop_column("plans", "left_out")
    op.drop_column("plans", "failure_code")
