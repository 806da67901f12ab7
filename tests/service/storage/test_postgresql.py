"""The migrations on a real PostgreSQL: they make what the models say, and go down and up again with data in it."""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from service.organisation.tables import Organisation
from service.organisation.tree import add_organisation
from service.storage.database import Database
from service.storage.schema import migration_configuration, prepare_schema, whole_metadata

NOW = datetime(2026, 9, 7, tzinfo=UTC)
CLAIM = "INSERT INTO lesson_claims VALUES (:id, :lesson, NULL, 'room', 'r', '2026-09-07 01:00Z', '2026-09-07 02:00Z')"


@pytest.fixture
def migrated(postgresql: Any) -> Iterator[Database]:
    with postgresql.copy_of_template(f"t_{uuid4().hex}") as url:
        database = Database(url)
        yield database
        database.close()


def test_migrations_make_what_the_models_say(migrated: Database) -> None:
    with migrated.engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, whole_metadata())
    # The exclusion constraint shows itself as an index the models do not name; its own test is below.
    assert [it for it in differences if getattr(it[1], "name", "") != "ex_lesson_claims_overlap"] == []


def test_preparing_again_changes_nothing(migrated: Database) -> None:
    prepare_schema(migrated)
    with migrated.reading() as session:
        assert session.execute(text("SELECT COUNT(*) FROM alembic_version")).scalar_one() == 1


def test_all_the_way_down_and_up_again_with_data(migrated: Database) -> None:
    with migrated.unit_of_work() as session:
        add_organisation(session, None, "青禾州", "prefecture", NOW)
    with migrated.engine.begin() as connection:
        command.downgrade(migration_configuration(connection), "0002")
    with migrated.reading() as session:
        assert session.scalars(select(Organisation.name)).all() == ["青禾州"]
    prepare_schema(migrated)
    with migrated.reading() as session:
        assert session.scalars(select(Organisation.name)).all() == ["青禾州"]
    with migrated.engine.begin() as connection:
        command.downgrade(migration_configuration(connection), "base")
        left = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert connection.execute(left).scalars().all() == ["alembic_version"]
    prepare_schema(migrated)
    with migrated.reading() as session:
        assert session.scalars(select(Organisation.name)).all() == []


def test_the_exclusion_constraint_is_there(migrated: Database) -> None:
    with migrated.engine.connect() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # no lessons needed for this
        connection.execute(text(CLAIM), {"id": "1", "lesson": "a"})
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text(CLAIM), {"id": "2", "lesson": "b"})
    assert refused.value.orig.sqlstate == "23P01"  # type: ignore[union-attr]


def test_the_usage_log_is_append_only(migrated: Database) -> None:
    with pytest.raises(DBAPIError, match="append-only"), migrated.unit_of_work() as session:
        session.execute(text("TRUNCATE usage_log"))


def test_replicas_started_together_migrate_once(postgresql: Any) -> None:
    name = f"t_{uuid4().hex}"
    postgresql.run(f"CREATE DATABASE {name}")
    databases = [Database(postgresql.url(name)) for _ in range(4)]
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(prepare_schema, databases))
        with databases[0].reading() as session:
            assert session.execute(text("SELECT COUNT(*) FROM alembic_version")).scalar_one() == 1
    finally:
        for database in databases:
            database.close()
        postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_connection_that_died_while_idle_is_replaced(
    migrated: Database, postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.storage.database.FRESH_S", 0.0)
    own = text("SELECT pg_backend_pid()")
    with migrated.reading() as session:
        first = session.execute(own).scalar_one()
    postgresql.run(f"SELECT pg_terminate_backend({first}, 5000)")
    with migrated.reading() as session:
        assert session.execute(own).scalar_one() != first
