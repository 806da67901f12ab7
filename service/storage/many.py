"""Thousands of values in one statement: both databases limit how many parameters a statement may have."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    String,
    Table,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session


def one_of(session: Session, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """The condition that `column` is one of any number of values; they travel as one parameter."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), type_=ARRAY(String)))
    # Not `table_valued`: each one made is a knot of forty objects that only the garbage collector unties.
    return column.in_(select(literal_column("value")).select_from(func.json_each(json.dumps(list(values)))))


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]], *, skip_known: bool = False) -> None:
    """Insert rows that all name the same columns; on PostgreSQL in one statement with one JSON text for all of them.

    With `skip_known`, rows that break a uniqueness are left out.
    """
    if not rows:
        return
    if session.get_bind().dialect.name != "postgresql":
        statement = sqlite_insert(table)
        session.connection().execute(statement.on_conflict_do_nothing() if skip_known else statement, list(rows))
        return
    columns = [table.c[name] for name in rows[0]]
    # A statement prepared for one number of rows is the same for any other; and the driver is much quicker with one
    # text than with an array for each column.
    given = func.json_to_recordset(cast(bindparam("given_rows", as_json(rows), type_=String), JSON))
    records = given.table_valued(*(column(c.name, c.type) for c in columns)).render_derived(with_types=True)
    insertion = postgresql_insert(table).from_select([c.name for c in columns], select(*records.c))
    session.connection().execute(insertion.on_conflict_do_nothing() if skip_known else insertion)


def as_json(rows: object) -> str:
    """Rows, or what holds rows, as the JSON that PostgreSQL's json_to_recordset takes; moments with their zone."""
    return json.dumps(rows, default=_as_text, ensure_ascii=False)


def _as_text(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} cannot be sent as a part of many rows")
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return value.isoformat()
