"""Events with sign-ups, notices, and weekly series people book themselves."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("lead_school_id", sa.String(length=32), nullable=False),
        sa.Column("lead_teacher_id", sa.String(length=32), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.Column("waiting_limit", sa.Integer(), nullable=False),
        sa.Column("county_quota", sa.Integer(), nullable=True),
        sa.Column("signup_until", UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('famous_teacher', 'famous_school')", name=op.f("ck_events_kind")),
        sa.CheckConstraint("state IN ('open', 'cancelled')", name=op.f("ck_events_state")),
        sa.CheckConstraint("county_quota IS NULL OR county_quota >= 1", name=op.f("ck_events_county_quota")),
        sa.CheckConstraint("quota >= 1 AND waiting_limit >= 0", name=op.f("ck_events_amounts")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_events_created_by_users")),
        sa.ForeignKeyConstraint(
            ["lead_school_id"], ["organisations.id"], name=op.f("fk_events_lead_school_id_organisations")
        ),
        sa.ForeignKeyConstraint(["lead_teacher_id"], ["users.id"], name=op.f("fk_events_lead_teacher_id_users")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_events_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_lead_school_id"), "events", ["lead_school_id"], unique=False)
    op.create_index(op.f("ix_events_lead_teacher_id"), "events", ["lead_teacher_id"], unique=False)
    op.create_index(op.f("ix_events_organisation_id"), "events", ["organisation_id"], unique=False)
    op.create_table(
        "weekly_series",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("booked_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["booked_by"], ["users.id"], name=op.f("fk_weekly_series_booked_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_series")),
    )
    op.create_table(
        "event_lessons",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_lessons_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_event_lessons_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("lesson_id", name=op.f("pk_event_lessons")),
        sa.UniqueConstraint("event_id", "position", name=op.f("uq_event_lessons_event_id_position")),
    )
    op.create_table(
        "event_signups",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("class_id", sa.String(length=32), nullable=True),
        sa.Column("accompanying_teacher_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("passed_over_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("signed_up_by", sa.String(length=32), nullable=False),
        sa.Column("signed_up_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('seat', 'waiting', 'withdrawn')", name=op.f("ck_event_signups_state")),
        sa.ForeignKeyConstraint(
            ["accompanying_teacher_id"], ["users.id"], name=op.f("fk_event_signups_accompanying_teacher_id_users")
        ),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_event_signups_class_id_classes")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_signups_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_event_signups_room_id_rooms")),
        sa.ForeignKeyConstraint(["signed_up_by"], ["users.id"], name=op.f("fk_event_signups_signed_up_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_signups")),
        sa.UniqueConstraint("event_id", "position", name=op.f("uq_event_signups_event_id_position")),
    )
    op.create_index(op.f("ix_event_signups_room_id"), "event_signups", ["room_id"], unique=False)
    op.create_index(
        "uq_event_signups_counting_room",
        "event_signups",
        ["event_id", "room_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'withdrawn'"),
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("school_id", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=True),
        sa.Column("event_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (school_id IS NULL)", name=op.f("ck_notices_reader")),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_notices_lesson_id_lessons"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["organisations.id"], name=op.f("fk_notices_school_id_organisations"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notices_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_school_id_created_at", "notices", ["school_id", "created_at"], unique=False)
    op.create_index("ix_notices_user_id_created_at", "notices", ["user_id", "created_at"], unique=False)
    op.create_table(
        "weekly_lessons",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("series_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_weekly_lessons_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["weekly_series.id"],
            name=op.f("fk_weekly_lessons_series_id_weekly_series"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("lesson_id", name=op.f("pk_weekly_lessons")),
        sa.UniqueConstraint("series_id", "day", name=op.f("uq_weekly_lessons_series_id_day")),
    )
    op.create_table(
        "notice_reads",
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("read_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_notice_reads_notice_id_notices"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notice_reads_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("notice_id", "user_id", name=op.f("pk_notice_reads")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("notice_reads")
    op.drop_table("weekly_lessons")
    op.drop_index("ix_notices_user_id_created_at", table_name="notices")
    op.drop_index("ix_notices_school_id_created_at", table_name="notices")
    op.drop_table("notices")
    op.drop_index(
        "uq_event_signups_counting_room",
        table_name="event_signups",
        sqlite_where=sa.text("state <> 'withdrawn'"),
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.drop_index(op.f("ix_event_signups_room_id"), table_name="event_signups")
    op.drop_table("event_signups")
    op.drop_table("event_lessons")
    op.drop_table("weekly_series")
    op.drop_index(op.f("ix_events_organisation_id"), table_name="events")
    op.drop_index(op.f("ix_events_lead_teacher_id"), table_name="events")
    op.drop_index(op.f("ix_events_lead_school_id"), table_name="events")
    op.drop_table("events")
