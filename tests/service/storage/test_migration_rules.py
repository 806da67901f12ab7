"""Migrations say whether they add or take away, and those that say they add keep to it: former replicas go on."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import event, text

from service.storage.database import Database
from service.storage.schema import SchemaError, migration_configuration, prepare_schema
from service.storage.support import FIRST

DESTRUCTIVE = (
    (
        r"\bDROP\s+(?!INDEX\b|TRIGGER\b|CONSTRAINT\b|NOT\s+NULL\b|DEFAULT\b)\w+",
        "takes away what the former program uses",
    ),
    (r"\bRENAME\b", "renames what the former program uses"),
    (r"\bALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE\b", "changes a type under the former program"),
    (r"\bSET\s+NOT\s+NULL\b", "asks for what the former program does not write"),
    (r"\b(TRUNCATE|DELETE\s+FROM)\b(?!.*alembic_version)", "deletes"),
    (r"\bADD\s+COLUMN\b(?=.*\bNOT\s+NULL\b)(?!.*\bDEFAULT\b)", "asks for what the former program does not write"),
    (r"\bADD\s+CONSTRAINT\b(?!.*\bNOT\s+VALID\b)", "may refuse what the former program writes"),
    (r"\bCREATE\s+UNIQUE\s+INDEX\b", "may refuse what the former program writes"),
)
REPLACED = re.compile(r"CREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|TRIGGER)\b", re.IGNORECASE)
"""What a function does when it is called is no change of the schema; its arguments are its migration's care."""
NEW_TABLE = re.compile(r"\bCREATE\s+TABLE\s+(\w+)", re.IGNORECASE)


def harm_of(statement: str, new_tables: set[str]) -> str | None:
    """What a statement does to a program that does not know of it; None: nothing."""
    flat = " ".join(statement.split())
    if REPLACED.match(flat):
        return None
    if any(re.search(rf"\b(ON|TABLE)\s+(ONLY\s+)?{table}\b", flat, re.IGNORECASE) for table in new_tables):
        return None  # nobody but the new program knows the table
    return next((harm for pattern, harm in DESTRUCTIVE if re.search(pattern, flat, re.IGNORECASE)), None)


def harms_of(statements: list[str]) -> list[str]:
    """Everything in a migration that an expanding one must not do."""
    new_tables = {found[1] for one in statements if (found := NEW_TABLE.search(one))}
    harms = ((harm_of(one, new_tables), one) for one in statements)
    return [f"{harm}: {one}" for harm, one in harms if harm]


@pytest.fixture
def migrating(postgresql: Any) -> Iterator[Database]:
    """A database that stands where rules begin."""
    name = f"t_{uuid4().hex}"
    postgresql.run(f"CREATE DATABASE {name}")
    database = Database(postgresql.url(name))
    with database.engine.begin() as connection:
        before = ScriptDirectory.from_config(migration_configuration(connection)).get_revision(FIRST).down_revision
        command.upgrade(migration_configuration(connection), str(before))
    yield database
    database.close()
    postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_every_migration_says_its_phase_and_keeps_to_it(migrating: Database) -> None:
    said: list[str] = []
    event.listen(migrating.engine, "before_cursor_execute", lambda *them: said.append(them[2]))
    with migrating.engine.begin() as connection:
        configuration = migration_configuration(connection)
        scripts = list(ScriptDirectory.from_config(configuration).walk_revisions(FIRST, "head"))[::-1]
        assert scripts[0].revision == FIRST
        for script in scripts:
            phase = getattr(script.module, "phase", None)
            assert phase in {"expand", "contract"}, f"{script.revision} must say phase = 'expand' or 'contract'"
            said.clear()
            command.upgrade(configuration, script.revision)
            assert said, script.revision
            if phase == "expand":
                assert harms_of(said) == [], f"{script.revision} belongs into a contract phase"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE lessons DROP COLUMN title",
        "DROP TABLE lessons",
        "ALTER TABLE lessons RENAME COLUMN title TO name",
        "ALTER TABLE lessons RENAME TO courses",
        "ALTER TABLE lessons ALTER COLUMN title TYPE TEXT",
        "ALTER TABLE lessons ALTER COLUMN note SET NOT NULL",
        "ALTER TABLE lessons ADD COLUMN note VARCHAR(20) NOT NULL",
        "ALTER TABLE lessons ADD CONSTRAINT ck_lessons_note CHECK (note <> '')",
        "CREATE UNIQUE INDEX ix_lessons_title ON lessons (title)",
        "DELETE FROM lessons",
        "TRUNCATE lessons",
        "DROP SEQUENCE lesson_numbers",
        "DROP FUNCTION hold_lessons",
    ],
)
def test_what_takes_something_away_is_recognised(statement: str) -> None:
    assert harms_of([statement])


@pytest.mark.parametrize(
    "statements",
    [
        ["ALTER TABLE lessons ADD COLUMN note VARCHAR(20)"],
        ["ALTER TABLE lessons ADD COLUMN note VARCHAR(20) DEFAULT '' NOT NULL"],
        ["CREATE INDEX ix_lessons_note ON lessons (note)"],
        ["CREATE TABLE notes (id INTEGER NOT NULL)", "CREATE UNIQUE INDEX ix_notes_id ON notes (id)"],
        ["CREATE OR REPLACE FUNCTION tidy() RETURNS void LANGUAGE sql AS $$ DELETE FROM lessons $$"],
        ["UPDATE alembic_version SET version_num='0017'", "DROP INDEX ix_lessons_note"],
    ],
)
def test_what_only_adds_is_welcome(statements: list[str]) -> None:
    assert harms_of(statements) == []


def test_a_database_ahead_by_additions_serves_the_former_program_and_is_left_as_it_is(migrating: Database) -> None:
    prepare_schema(migrating)
    with migrating.unit_of_work() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    prepare_schema(migrating)
    with migrating.unit_of_work() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
        session.execute(text("UPDATE schema_support SET oldest = '9998'"))
    with pytest.raises(SchemaError, match="9999"):
        prepare_schema(migrating)
