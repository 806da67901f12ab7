"""The first schema."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.storage.base import UtcDateTime

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Rows of the usage log are only ever added: the database itself refuses anything else.
SQLITE_GUARDS = (
    "CREATE TRIGGER IF NOT EXISTS usage_log_refuses_update BEFORE UPDATE ON usage_log BEGIN SELECT "
    "RAISE(ABORT, 'the usage log is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS usage_log_refuses_delete BEFORE DELETE ON usage_log BEGIN SELECT "
    "RAISE(ABORT, 'the usage log is append-only'); END",
)
POSTGRESQL_GUARDS = (
    "CREATE OR REPLACE FUNCTION refuse_change_of_usage_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'the usage log is append-only'; END $$",
    "CREATE OR REPLACE TRIGGER usage_log_refuses_change BEFORE UPDATE OR DELETE ON usage_log FOR EACH ROW "
    "EXECUTE FUNCTION refuse_change_of_usage_log()",
    "CREATE OR REPLACE TRIGGER usage_log_refuses_truncate BEFORE TRUNCATE ON usage_log FOR EACH STATEMENT "
    "EXECUTE FUNCTION refuse_change_of_usage_log()",
)


def upgrade() -> None:
    """Bring the schema here."""
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("parent_id", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("path", sa.String(length=166), nullable=False),
        sa.Column("is_root", sa.Boolean(), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('nation', 'province', 'prefecture', 'county', 'school')", name=op.f("ck_organisations_kind")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organisations.id"], name=op.f("fk_organisations_parent_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("is_root", name=op.f("uq_organisations_is_root")),
        sa.UniqueConstraint("parent_id", "name", name=op.f("uq_organisations_parent_id_name")),
        sa.UniqueConstraint("path", name=op.f("uq_organisations_path")),
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisations_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "usage_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=True),
        sa.Column("party_id", sa.String(length=120), nullable=True),
        sa.Column("connection_id", sa.String(length=32), nullable=True),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_log")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("usage_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_usage_log_at"), ["at"], unique=False)
        batch_op.create_index("ix_usage_log_lesson_id_id", ["lesson_id", "id"], unique=False)

    op.create_table(
        "classes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_classes_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classes")),
        sa.UniqueConstraint("organisation_id", "grade", "name", name=op.f("uq_classes_organisation_id_grade_name")),
    )
    op.create_table(
        "periods",
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts", sa.String(length=5), nullable=False),
        sa.Column("ends", sa.String(length=5), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_periods_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "number", name=op.f("pk_periods")),
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("can_lead", sa.Boolean(), nullable=False),
        sa.Column("recording_consent", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_rooms_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_rooms_organisation_id_name")),
    )
    op.create_table(
        "terms",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_terms_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_terms_organisation_id_name")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("username_key", sa.String(length=128), nullable=False),
        sa.Column("display_name", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_users_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username_key", name=op.f("uq_users_username_key")),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_users_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "lessons",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("class_id", sa.String(length=32), nullable=True),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.String(length=500), nullable=True),
        sa.Column("lead_school_id", sa.String(length=32), nullable=False),
        sa.Column("lead_room_id", sa.String(length=32), nullable=True),
        sa.Column("lead_teacher_id", sa.String(length=32), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("booked_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('synchronous', 'famous_teacher', 'famous_school')", name=op.f("ck_lessons_kind")),
        sa.CheckConstraint("state IN ('booked', 'live', 'ended', 'cancelled')", name=op.f("ck_lessons_state")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_lessons_times")),
        sa.ForeignKeyConstraint(["booked_by"], ["users.id"], name=op.f("fk_lessons_booked_by_users")),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_lessons_class_id_classes")),
        sa.ForeignKeyConstraint(["lead_room_id"], ["rooms.id"], name=op.f("fk_lessons_lead_room_id_rooms")),
        sa.ForeignKeyConstraint(
            ["lead_school_id"], ["organisations.id"], name=op.f("fk_lessons_lead_school_id_organisations")
        ),
        sa.ForeignKeyConstraint(["lead_teacher_id"], ["users.id"], name=op.f("fk_lessons_lead_teacher_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lessons")),
    )
    with op.batch_alter_table("lessons", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lessons_lead_room_id"), ["lead_room_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lessons_lead_school_id"), ["lead_school_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lessons_lead_teacher_id"), ["lead_teacher_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lessons_starts_at"), ["starts_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_lessons_state"), ["state"], unique=False)

    op.create_table(
        "room_devices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("paired_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("paired_by", sa.String(length=32), nullable=True),
        sa.Column("last_seen_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["paired_by"], ["users.id"], name=op.f("fk_room_devices_paired_by_users")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_room_devices_room_id_rooms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_devices")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_room_devices_token_hash")),
    )
    with op.batch_alter_table("room_devices", schema=None) as batch_op:
        batch_op.create_index(
            "uq_room_devices_one_per_room",
            ["room_id"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )

    op.create_table(
        "user_sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
    )
    with op.batch_alter_table("user_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_idempotency_keys_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "lesson_receivers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("accompanying_teacher_id", sa.String(length=32), nullable=True),
        sa.Column("class_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_lesson_receivers_state")
        ),
        sa.ForeignKeyConstraint(
            ["accompanying_teacher_id"], ["users.id"], name=op.f("fk_lesson_receivers_accompanying_teacher_id_users")
        ),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_lesson_receivers_class_id_classes")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_lesson_receivers_decided_by_users")),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_receivers_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_lesson_receivers_room_id_rooms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_receivers")),
    )
    with op.batch_alter_table("lesson_receivers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_lesson_receivers_accompanying_teacher_id"), ["accompanying_teacher_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_lesson_receivers_lesson_id"), ["lesson_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lesson_receivers_room_id"), ["room_id"], unique=False)
        batch_op.create_index(
            "uq_lesson_receivers_counting_room",
            ["lesson_id", "room_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('pending', 'accepted')"),
            postgresql_where=sa.text("state IN ('pending', 'accepted')"),
        )

    op.create_table(
        "recordings",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("problem_detail", sa.String(length=500), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("origin_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ready_at", UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('recording', 'processing', 'ready', 'failed')", name=op.f("ck_recordings_state")),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_recordings_lesson_id_lessons")),
        sa.PrimaryKeyConstraint("lesson_id", name=op.f("pk_recordings")),
    )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recordings_state"), ["state"], unique=False)

    op.create_table(
        "room_pairings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["room_devices.id"], name=op.f("fk_room_pairings_device_id_room_devices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_pairings")),
        sa.UniqueConstraint("code", name=op.f("uq_room_pairings_code")),
    )
    with op.batch_alter_table("room_pairings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_room_pairings_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "usage_attendance",
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("party_id", sa.String(length=120), nullable=False),
        sa.Column("party_role", sa.String(length=10), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_path", sa.String(length=200), nullable=False),
        sa.Column("county", sa.String(length=120), nullable=False),
        sa.Column("school", sa.String(length=120), nullable=False),
        sa.Column("room_or_person", sa.String(length=120), nullable=False),
        sa.Column("joined_at", sa.Float(), nullable=True),
        sa.Column("left_at", sa.Float(), nullable=True),
        sa.Column("open_connection", sa.String(length=32), nullable=True),
        sa.Column("open_since", sa.Float(), nullable=True),
        sa.Column("last_seen_at", sa.Float(), nullable=True),
        sa.Column("joins", sa.Integer(), nullable=False),
        sa.Column("connected_ms", sa.BigInteger(), nullable=False),
        sa.Column("lead_picture_ms", sa.BigInteger(), nullable=False),
        sa.Column("lead_sound_ms", sa.BigInteger(), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["lesson_id"], ["lessons.id"], name=op.f("fk_usage_attendance_lesson_id_lessons")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_usage_attendance_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("lesson_id", "party_id", name=op.f("pk_usage_attendance")),
    )
    with op.batch_alter_table("usage_attendance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_usage_attendance_organisation_path"), ["organisation_path"], unique=False)

    op.create_table(
        "lesson_claims",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=True),
        sa.Column("resource_kind", sa.String(length=10), nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "resource_kind IN ('room', 'teacher', 'class')", name=op.f("ck_lesson_claims_resource_kind")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_lesson_claims_times")),
        sa.ForeignKeyConstraint(
            ["lesson_id"], ["lessons.id"], name=op.f("fk_lesson_claims_lesson_id_lessons"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["lesson_receivers.id"],
            name=op.f("fk_lesson_claims_receiver_id_lesson_receivers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_claims")),
        sa.UniqueConstraint(
            "lesson_id",
            "resource_kind",
            "resource_id",
            name=op.f("uq_lesson_claims_lesson_id_resource_kind_resource_id"),
        ),
    )
    with op.batch_alter_table("lesson_claims", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lesson_claims_receiver_id"), ["receiver_id"], unique=False)
        batch_op.create_index("ix_lesson_claims_resource", ["resource_kind", "resource_id", "starts_at"], unique=False)

    op.create_table(
        "recording_streams",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("lesson_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.String(length=200), nullable=False),
        sa.Column("party_id", sa.String(length=120), nullable=False),
        sa.Column("party_name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("content_type", sa.String(length=60), nullable=False),
        sa.Column("offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("has_picture", sa.Boolean(), nullable=False),
        sa.Column("has_sound", sa.Boolean(), nullable=False),
        sa.Column("video_codec", sa.String(length=20), nullable=True),
        sa.Column("audio_codec", sa.String(length=20), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesson_id"],
            ["recordings.lesson_id"],
            name=op.f("fk_recording_streams_lesson_id_recordings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_streams")),
        sa.UniqueConstraint("object_key", name=op.f("uq_recording_streams_object_key")),
    )
    with op.batch_alter_table("recording_streams", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recording_streams_lesson_id"), ["lesson_id"], unique=False)

    guards = {"sqlite": SQLITE_GUARDS, "postgresql": POSTGRESQL_GUARDS}
    for guard in guards[op.get_bind().dialect.name]:
        op.execute(guard)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("recording_streams", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recording_streams_lesson_id"))

    op.drop_table("recording_streams")
    with op.batch_alter_table("lesson_claims", schema=None) as batch_op:
        batch_op.drop_index("ix_lesson_claims_resource")
        batch_op.drop_index(batch_op.f("ix_lesson_claims_receiver_id"))

    op.drop_table("lesson_claims")
    with op.batch_alter_table("usage_attendance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usage_attendance_organisation_path"))

    op.drop_table("usage_attendance")
    with op.batch_alter_table("room_pairings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_room_pairings_expires_at"))

    op.drop_table("room_pairings")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recordings_state"))

    op.drop_table("recordings")
    with op.batch_alter_table("lesson_receivers", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_lesson_receivers_counting_room",
            sqlite_where=sa.text("state IN ('pending', 'accepted')"),
            postgresql_where=sa.text("state IN ('pending', 'accepted')"),
        )
        batch_op.drop_index(batch_op.f("ix_lesson_receivers_room_id"))
        batch_op.drop_index(batch_op.f("ix_lesson_receivers_lesson_id"))
        batch_op.drop_index(batch_op.f("ix_lesson_receivers_accompanying_teacher_id"))

    op.drop_table("lesson_receivers")
    op.drop_table("idempotency_keys")
    with op.batch_alter_table("user_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_sessions_user_id"))

    op.drop_table("user_sessions")
    with op.batch_alter_table("room_devices", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_room_devices_one_per_room",
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )

    op.drop_table("room_devices")
    with op.batch_alter_table("lessons", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lessons_state"))
        batch_op.drop_index(batch_op.f("ix_lessons_starts_at"))
        batch_op.drop_index(batch_op.f("ix_lessons_lead_teacher_id"))
        batch_op.drop_index(batch_op.f("ix_lessons_lead_school_id"))
        batch_op.drop_index(batch_op.f("ix_lessons_lead_room_id"))

    op.drop_table("lessons")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_users_organisation_id"))

    op.drop_table("users")
    op.drop_table("terms")
    op.drop_table("rooms")
    op.drop_table("periods")
    op.drop_table("classes")
    with op.batch_alter_table("usage_log", schema=None) as batch_op:
        batch_op.drop_index("ix_usage_log_lesson_id_id")
        batch_op.drop_index(batch_op.f("ix_usage_log_at"))

    op.drop_table("usage_log")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisations_parent_id"))

    op.drop_table("organisations")
