"""The migrations lead to exactly what the models say, and a foreign database is refused in words."""

import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from postgresql_server import Server
from sqlalchemy import text

from service.storage.database import Database
from service.storage.schema import SchemaError, prepare_schema, whole_metadata


def schema_of(database: Database) -> set[str]:
    with database.reading() as session:
        rows = session.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
        return {" ".join(sql.split()) for sql in rows if "alembic_version" not in sql}


def objects_of(database: Database) -> set[tuple[str, str]]:
    with database.reading() as session:
        rows = session.execute(text("SELECT type, name FROM sqlite_master")).all()
        return {(row[0], row[1]) for row in rows if "alembic_version" not in row[1]}


@pytest.fixture
def migrated(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'migrated.sqlite3'}")
    prepare_schema(database)
    return database


def test_migrations_make_what_the_models_say(migrated: Database) -> None:
    with migrated.engine.connect() as connection, warnings.catch_warnings():
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, whole_metadata()) == []


def test_migrations_make_every_index_constraint_and_trigger(migrated: Database, tmp_path: Path) -> None:
    created = Database(f"sqlite:///{tmp_path / 'created.sqlite3'}")
    with created.engine.execution_options(writes=True).begin() as connection:
        whole_metadata().create_all(connection)
    assert objects_of(migrated) == objects_of(created)
    triggers = {sql for sql in schema_of(created) if sql.startswith("CREATE TRIGGER")}
    assert triggers
    assert triggers <= schema_of(migrated)
    unique_indexes = {sql for sql in schema_of(created) if sql.startswith("CREATE UNIQUE INDEX")}
    assert unique_indexes <= schema_of(migrated)
    created.close()


def test_preparing_again_changes_nothing(migrated: Database) -> None:
    before = schema_of(migrated)
    prepare_schema(migrated)
    assert schema_of(migrated) == before


def test_a_database_of_a_newer_program_that_serves_this_one_no_more_is_refused(migrated: Database) -> None:
    with migrated.unit_of_work() as session:
        session.execute(text("UPDATE schema_support SET oldest = '9999'"))
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="9999"):
        prepare_schema(migrated)


def test_a_database_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    with database.unit_of_work() as session:
        session.execute(text("CREATE TABLE users (id INTEGER)"))
    with pytest.raises(SchemaError, match="users"):
        prepare_schema(database)
    assert objects_of(database) == {("table", "users")}


def test_a_database_that_counts_letters_as_bytes_is_refused(postgresql: Server) -> None:
    """What a server makes whose machine has no locale."""
    postgresql.run("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    database = Database(postgresql.url("bytes"))
    try:
        with pytest.raises(SchemaError, match=r"SQL_ASCII.*ENCODING 'UTF8'"):
            prepare_schema(database)
    finally:
        database.close()
        postgresql.run("DROP DATABASE bytes WITH (FORCE)")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, " * 100)
    with pytest.raises(SchemaError, match="not a database"):
        prepare_schema(Database(f"sqlite:///{tmp_path / 'notes.txt'}"))
