"""Whether a plan's lessons are recorded, and passwords that are handed out once."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.add_column("plans", sa.Column("recorded", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("users", sa.Column("one_time_password", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Go back."""
    op.drop_column("users", "one_time_password")
    op.drop_column("plans", "recorded")
