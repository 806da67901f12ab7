"""The database remembers which programs it serves, so that replicas are upgraded one after the other."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

phase: str = "expand"


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "schema_support",
        sa.Column("oldest", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("oldest", name=op.f("pk_schema_support")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("schema_support")
