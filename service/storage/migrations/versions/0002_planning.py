"""What is to be planned, plans and changes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "pacts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("one_id", sa.String(length=32), nullable=False),
        sa.Column("other_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.CheckConstraint("one_id < other_id", name=op.f("ck_pacts_order")),
        sa.ForeignKeyConstraint(["one_id"], ["organisations.id"], name=op.f("fk_pacts_one_id_organisations")),
        sa.ForeignKeyConstraint(["other_id"], ["organisations.id"], name=op.f("fk_pacts_other_id_organisations")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pacts")),
        sa.UniqueConstraint("one_id", "other_id", name=op.f("uq_pacts_one_id_other_id")),
    )
    with op.batch_alter_table("pacts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pacts_other_id"), ["other_id"], unique=False)

    op.create_table(
        "school_capacities",
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("receiving_kits", sa.Integer(), nullable=False),
        sa.Column("down_kbps", sa.Integer(), nullable=False),
        sa.Column("up_kbps", sa.Integer(), nullable=False),
        sa.Column("relay", sa.String(length=60), nullable=False),
        sa.CheckConstraint(
            "receiving_kits >= 0 AND down_kbps >= 0 AND up_kbps >= 0", name=op.f("ck_school_capacities_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_school_capacities_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_school_capacities")),
    )
    op.create_table(
        "season_periods",
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts", sa.String(length=5), nullable=False),
        sa.Column("ends", sa.String(length=5), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 30", name=op.f("ck_season_periods_number")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_season_periods_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "from_day", "number", name=op.f("pk_season_periods")),
    )
    op.create_table(
        "special_days",
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=True),
        sa.Column("of_week", sa.String(length=4), nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.CheckConstraint("of_week IS NULL OR of_week IN ('odd', 'even')", name=op.f("ck_special_days_of_week")),
        sa.CheckConstraint("runs IS NULL OR runs BETWEEN 0 AND 6", name=op.f("ck_special_days_runs")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_special_days_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "day", name=op.f("pk_special_days")),
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("target_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_calendar_feeds_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feeds_token_hash")),
    )
    with op.batch_alter_table("calendar_feeds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calendar_feeds_user_id"), ["user_id"], unique=False)

    op.create_table(
        "class_periods",
        sa.Column("class_id", sa.String(length=32), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.CheckConstraint("period BETWEEN 1 AND 30", name=op.f("ck_class_periods_period")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_class_periods_weekday")),
        sa.ForeignKeyConstraint(
            ["class_id"], ["classes.id"], name=op.f("fk_class_periods_class_id_classes"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("class_id", "weekday", "period", name=op.f("pk_class_periods")),
    )
    op.create_table(
        "demands",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("class_id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("edition", sa.String(length=60), nullable=False),
        sa.Column("lessons", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.String(length=32), nullable=True),
        sa.Column("accompanying_teacher_id", sa.String(length=32), nullable=True),
        sa.Column("last_lead_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("lessons >= 1", name=op.f("ck_demands_lessons")),
        sa.ForeignKeyConstraint(
            ["accompanying_teacher_id"], ["users.id"], name=op.f("fk_demands_accompanying_teacher_id_users")
        ),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_demands_class_id_classes")),
        sa.ForeignKeyConstraint(["last_lead_id"], ["users.id"], name=op.f("fk_demands_last_lead_id_users")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_demands_room_id_rooms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demands")),
        sa.UniqueConstraint("class_id", "subject", name=op.f("uq_demands_class_id_subject")),
    )
    op.create_table(
        "lead_series",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("teacher_id", sa.String(length=32), nullable=False),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("class_id", sa.String(length=32), nullable=True),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("edition", sa.String(length=60), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("lessons", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('fixed', 'dedicated')", name=op.f("ck_lead_series_kind")),
        sa.CheckConstraint("seats >= 1 AND lessons >= 1", name=op.f("ck_lead_series_amounts")),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_lead_series_class_id_classes")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_lead_series_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_lead_series_room_id_rooms")),
        sa.ForeignKeyConstraint(["teacher_id"], ["users.id"], name=op.f("fk_lead_series_teacher_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_series")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_lead_series_organisation_id_code")),
    )
    with op.batch_alter_table("lead_series", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lead_series_room_id"), ["room_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lead_series_teacher_id"), ["teacher_id"], unique=False)

    op.create_table(
        "lead_teachers",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("weekly_limit", sa.Integer(), nullable=False),
        sa.CheckConstraint("weekly_limit >= 0", name=op.f("ck_lead_teachers_weekly_limit")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_lead_teachers_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_lead_teachers")),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("term_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("base_plan_id", sa.String(length=32), nullable=True),
        sa.Column("assumptions", sa.Text(), nullable=False),
        sa.Column("budget_seconds", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("instance", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("bound", sa.Integer(), nullable=True),
        sa.Column("gap_pct", sa.Double(), nullable=True),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.String(length=32), nullable=True),
        sa.Column("accepted_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'accepted', 'replaced')",
            name=op.f("ck_plans_state"),
        ),
        sa.ForeignKeyConstraint(["accepted_by"], ["users.id"], name=op.f("fk_plans_accepted_by_users")),
        sa.ForeignKeyConstraint(["base_plan_id"], ["plans.id"], name=op.f("fk_plans_base_plan_id_plans")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_plans_created_by_users")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_plans_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["term_id"], ["terms.id"], name=op.f("fk_plans_term_id_terms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
    )
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plans_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "lead_series_times",
        sa.Column("series_id", sa.String(length=32), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("weeks", sa.String(length=5), nullable=False),
        sa.CheckConstraint("weeks IN ('every', 'odd', 'even')", name=op.f("ck_lead_series_times_weeks")),
        sa.CheckConstraint("period BETWEEN 1 AND 30", name=op.f("ck_lead_series_times_period")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_lead_series_times_weekday")),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["lead_series.id"],
            name=op.f("fk_lead_series_times_series_id_lead_series"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("series_id", "weekday", "period", name=op.f("pk_lead_series_times")),
    )
    op.create_table(
        "plan_changes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("accepted_proposal_id", sa.String(length=32), nullable=True),
        sa.Column("idempotency_key", sa.String(length=100), nullable=True),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'accepted', 'withdrawn')", name=op.f("ck_plan_changes_state")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_plan_changes_created_by_users")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_plan_changes_decided_by_users")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_changes_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_changes")),
    )
    with op.batch_alter_table("plan_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_changes_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "plan_documents",
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.id"], name=op.f("fk_plan_documents_plan_id_plans"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan_documents")),
    )
    op.create_table(
        "planned_lessons",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("series_id", sa.String(length=32), nullable=False),
        sa.Column("time_index", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_planned_lessons_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_planned_lessons_plan_id_plans")),
        sa.ForeignKeyConstraint(
            ["series_id"], ["lead_series.id"], name=op.f("fk_planned_lessons_series_id_lead_series")
        ),
        sa.PrimaryKeyConstraint("lesson_id", name=op.f("pk_planned_lessons")),
        sa.UniqueConstraint(
            "plan_id",
            "series_id",
            "day",
            "time_index",
            name=op.f("uq_planned_lessons_plan_id_series_id_day_time_index"),
        ),
    )
    with op.batch_alter_table("planned_lessons", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_planned_lessons_series_id"), ["series_id"], unique=False)

    op.create_table(
        "plan_proposals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("change_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("diff", sa.Text(), nullable=False),
        sa.Column("undo", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('substitute', 'fewest_changes', 'best')", name=op.f("ck_plan_proposals_kind")),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["plan_changes.id"],
            name=op.f("fk_plan_proposals_change_id_plan_changes"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_proposals")),
    )
    with op.batch_alter_table("plan_proposals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_proposals_change_id"), ["change_id"], unique=False)

    op.create_table(
        "planned_receivers",
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("demand_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["demand_id"], ["demands.id"], name=op.f("fk_planned_receivers_demand_id_demands")),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["lesson_receivers.id"],
            name=op.f("fk_planned_receivers_receiver_id_lesson_receivers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("receiver_id", name=op.f("pk_planned_receivers")),
    )
    with op.batch_alter_table("planned_receivers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_planned_receivers_demand_id"), ["demand_id"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("planned_receivers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_planned_receivers_demand_id"))

    op.drop_table("planned_receivers")
    with op.batch_alter_table("plan_proposals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_proposals_change_id"))

    op.drop_table("plan_proposals")
    with op.batch_alter_table("planned_lessons", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_planned_lessons_series_id"))

    op.drop_table("planned_lessons")
    op.drop_table("plan_documents")
    with op.batch_alter_table("plan_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plan_changes_plan_id"))

    op.drop_table("plan_changes")
    op.drop_table("lead_series_times")
    with op.batch_alter_table("plans", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_plans_organisation_id"))

    op.drop_table("plans")
    op.drop_table("lead_teachers")
    with op.batch_alter_table("lead_series", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lead_series_teacher_id"))
        batch_op.drop_index(batch_op.f("ix_lead_series_room_id"))

    op.drop_table("lead_series")
    op.drop_table("demands")
    op.drop_table("class_periods")
    with op.batch_alter_table("calendar_feeds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calendar_feeds_user_id"))

    op.drop_table("calendar_feeds")
    op.drop_table("special_days")
    op.drop_table("season_periods")
    op.drop_table("school_capacities")
    with op.batch_alter_table("pacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pacts_other_id"))

    op.drop_table("pacts")
