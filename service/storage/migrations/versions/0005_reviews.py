"""Notes, critiques, comparisons, sample lessons, and what was watched of recordings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "comparisons",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("locked_by", sa.String(length=10), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("locked_by IN ('time', 'phases')", name=op.f("ck_comparisons_locked_by")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_comparisons_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
    )
    op.create_index(op.f("ix_comparisons_created_by"), "comparisons", ["created_by"], unique=False)
    op.create_table(
        "rubrics",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_rubrics_created_by_users")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_rubrics_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rubrics")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_rubrics_organisation_id_name")),
    )
    op.create_table(
        "watchers",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("reported_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_watchers_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_watchers")),
    )
    op.create_table(
        "compared_lessons",
        sa.Column("comparison_id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("phases", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["comparison_id"],
            ["comparisons.id"],
            name=op.f("fk_compared_lessons_comparison_id_comparisons"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_compared_lessons_lesson_id_lessons")),
        sa.PrimaryKeyConstraint("comparison_id", "lesson_id", name=op.f("pk_compared_lessons")),
    )
    op.create_index(op.f("ix_compared_lessons_lesson_id"), "compared_lessons", ["lesson_id"], unique=False)
    op.create_table(
        "critiques",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("rubric_name", sa.String(length=120), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("comparison_id", sa.String(length=32), nullable=True),
        sa.Column("opened_by", sa.String(length=32), nullable=False),
        sa.Column("opened_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('critique', 'comparison', 'sample')", name=op.f("ck_critiques_purpose")),
        sa.ForeignKeyConstraint(
            ["comparison_id"],
            ["comparisons.id"],
            name=op.f("fk_critiques_comparison_id_comparisons"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name=op.f("fk_critiques_opened_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_critiques")),
    )
    op.create_index(op.f("ix_critiques_comparison_id"), "critiques", ["comparison_id"], unique=False)
    op.create_index(op.f("ix_critiques_opened_by"), "critiques", ["opened_by"], unique=False)
    op.create_table(
        "lesson_notes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('note', 'praise', 'question', 'suggestion')", name=op.f("ck_lesson_notes_kind")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_lesson_notes_author_id_users")),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_notes_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_notes")),
    )
    op.create_index(op.f("ix_lesson_notes_author_id"), "lesson_notes", ["author_id"], unique=False)
    op.create_index("ix_lesson_notes_lesson_id_at", "lesson_notes", ["lesson_id", "at"], unique=False)
    op.create_table(
        "watched_lessons",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("watched_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_watched_lessons_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_watched_lessons_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "lesson_id", name=op.f("pk_watched_lessons")),
    )
    op.create_index(op.f("ix_watched_lessons_lesson_id"), "watched_lessons", ["lesson_id"], unique=False)
    op.create_table(
        "critique_lessons",
        sa.Column("critique_id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["critique_id"],
            ["critiques.id"],
            name=op.f("fk_critique_lessons_critique_id_critiques"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_critique_lessons_lesson_id_lessons")),
        sa.PrimaryKeyConstraint("critique_id", "lesson_id", name=op.f("pk_critique_lessons")),
    )
    op.create_index(op.f("ix_critique_lessons_lesson_id"), "critique_lessons", ["lesson_id"], unique=False)
    op.create_table(
        "critique_reviewers",
        sa.Column("critique_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("handed_in_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["critique_id"],
            ["critiques.id"],
            name=op.f("fk_critique_reviewers_critique_id_critiques"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_critique_reviewers_user_id_users")),
        sa.PrimaryKeyConstraint("critique_id", "user_id", name=op.f("pk_critique_reviewers")),
    )
    op.create_index(op.f("ix_critique_reviewers_user_id"), "critique_reviewers", ["user_id"], unique=False)
    op.create_table(
        "critique_sheets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("critique_id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("reviewer_id", sa.String(length=32), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("remarks", sa.JSON(), nullable=False),
        sa.Column("summary", sa.String(length=4000), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["critique_id"], ["critiques.id"], name=op.f("fk_critique_sheets_critique_id_critiques"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_critique_sheets_lesson_id_lessons")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["users.id"], name=op.f("fk_critique_sheets_reviewer_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_critique_sheets")),
        sa.UniqueConstraint(
            "critique_id", "lesson_id", "reviewer_id", name=op.f("uq_critique_sheets_critique_id_lesson_id_reviewer_id")
        ),
    )
    op.create_table(
        "sample_lessons",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("school_year", sa.Integer(), nullable=False),
        sa.Column("county_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("nominated_by", sa.String(length=32), nullable=False),
        sa.Column("nominated_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("critique_id", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.String(length=1000), nullable=False),
        sa.Column("published_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('nominated', 'in_review', 'selected', 'declined', 'withdrawn')",
            name=op.f("ck_sample_lessons_state"),
        ),
        sa.ForeignKeyConstraint(
            ["county_id"], ["organisations.id"], name=op.f("fk_sample_lessons_county_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["critique_id"], ["critiques.id"], name=op.f("fk_sample_lessons_critique_id_critiques"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_sample_lessons_decided_by_users")),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_sample_lessons_lesson_id_lessons")),
        sa.ForeignKeyConstraint(["nominated_by"], ["users.id"], name=op.f("fk_sample_lessons_nominated_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_lessons")),
        sa.UniqueConstraint("lesson_id", name=op.f("uq_sample_lessons_lesson_id")),
    )
    op.create_index(op.f("ix_sample_lessons_county_id"), "sample_lessons", ["county_id"], unique=False)
    op.create_index(op.f("ix_sample_lessons_critique_id"), "sample_lessons", ["critique_id"], unique=False)
    op.create_index(op.f("ix_sample_lessons_published_at"), "sample_lessons", ["published_at"], unique=False)
    op.create_index(op.f("ix_sample_lessons_school_year"), "sample_lessons", ["school_year"], unique=False)
    op.create_table(
        "critique_replies",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("sheet_id", sa.String(length=32), nullable=False),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_critique_replies_author_id_users")),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["critique_sheets.id"],
            name=op.f("fk_critique_replies_sheet_id_critique_sheets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_critique_replies")),
    )
    op.create_index(op.f("ix_critique_replies_sheet_id"), "critique_replies", ["sheet_id"], unique=False)
    op.create_table(
        "recording_digests",
        sa.Column("stream_id", sa.String(length=32), nullable=False),
        sa.Column("made_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.String(length=200), nullable=True),
        sa.Column("speech", sa.JSON(), nullable=False),
        sa.Column("sheet_key", sa.String(length=200), nullable=True),
        sa.Column("sheet_bytes", sa.Integer(), nullable=False),
        sa.Column("tile_width", sa.Integer(), nullable=False),
        sa.Column("tile_height", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("tiles", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["recording_streams.id"],
            name=op.f("fk_recording_digests_stream_id_recording_streams"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_recording_digests")),
        sa.UniqueConstraint("sheet_key", name=op.f("uq_recording_digests_sheet_key")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("recording_digests")
    op.drop_index(op.f("ix_critique_replies_sheet_id"), table_name="critique_replies")
    op.drop_table("critique_replies")
    op.drop_index(op.f("ix_sample_lessons_school_year"), table_name="sample_lessons")
    op.drop_index(op.f("ix_sample_lessons_published_at"), table_name="sample_lessons")
    op.drop_index(op.f("ix_sample_lessons_critique_id"), table_name="sample_lessons")
    op.drop_index(op.f("ix_sample_lessons_county_id"), table_name="sample_lessons")
    op.drop_table("sample_lessons")
    op.drop_table("critique_sheets")
    op.drop_index(op.f("ix_critique_reviewers_user_id"), table_name="critique_reviewers")
    op.drop_table("critique_reviewers")
    op.drop_index(op.f("ix_critique_lessons_lesson_id"), table_name="critique_lessons")
    op.drop_table("critique_lessons")
    op.drop_index(op.f("ix_watched_lessons_lesson_id"), table_name="watched_lessons")
    op.drop_table("watched_lessons")
    op.drop_index("ix_lesson_notes_lesson_id_at", table_name="lesson_notes")
    op.drop_index(op.f("ix_lesson_notes_author_id"), table_name="lesson_notes")
    op.drop_table("lesson_notes")
    op.drop_index(op.f("ix_critiques_opened_by"), table_name="critiques")
    op.drop_index(op.f("ix_critiques_comparison_id"), table_name="critiques")
    op.drop_table("critiques")
    op.drop_index(op.f("ix_compared_lessons_lesson_id"), table_name="compared_lessons")
    op.drop_table("compared_lessons")
    op.drop_table("watchers")
    op.drop_table("rubrics")
    op.drop_index(op.f("ix_comparisons_created_by"), table_name="comparisons")
    op.drop_table("comparisons")
