"""Who is on stage in an open lesson is remembered, for the next relay that carries it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

phase: str = "expand"


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "lesson_stages",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("party_ids", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_stages_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lesson_id", name=op.f("pk_lesson_stages")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("lesson_stages")
