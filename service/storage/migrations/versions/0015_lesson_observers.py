"""People who signed up to watch the lessons of an event."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "lesson_observers",
        sa.Column("lesson_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("signed_up_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_observers_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_lesson_observers_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lesson_id", "user_id", name=op.f("pk_lesson_observers")),
    )
    op.create_index(op.f("ix_lesson_observers_user_id"), "lesson_observers", ["user_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("lesson_observers")
