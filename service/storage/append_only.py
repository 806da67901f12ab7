"""Tables to which rows are only ever added: triggers let the database itself refuse to change or delete them."""

from sqlalchemy import DDL, Table, event


def guards_of(table: str, refusal: str, dialect: str) -> tuple[str, ...]:
    """The statements that guard a table; `refusal` is the sentence in which the database refuses."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER IF NOT EXISTS {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("UPDATE", "DELETE")
        )
    return (
        f"CREATE OR REPLACE FUNCTION refuse_change_of_{table}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$",
        f"CREATE OR REPLACE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change_of_{table}()",
        f"CREATE OR REPLACE TRIGGER {table}_refuses_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_{table}()",
    )


def keep_append_only(table: Table, refusal: str) -> None:
    """Guard the table wherever it is created from its model; migrations run `guards_of` themselves."""
    for dialect in ("sqlite", "postgresql"):
        for guard in guards_of(table.name, refusal, dialect):
            event.listen(table, "after_create", DDL(guard).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]
