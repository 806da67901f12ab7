"""Exports: tables of a subtree as one file, written while the rows are read; a large one by a process of its own."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.exchange.checking import WORKBOOK
from service.exchange.columns import SheetKind
from service.exchange.exporting import RowValues, export_rows
from service.exchange.large_files import LARGE_SUBTREE
from service.exchange.register import Register
from service.exchange.sheets import BY_KIND, SHEETS
from service.exchange.writing import write_csv, write_workbook
from service.organisation.tables import Organisation
from service.organisation.tree import in_subtree
from service.parts import Parts
from service.storage.database import Database

Form = Literal["xlsx", "csv"]


@dataclass(frozen=True)
class ExportOrder:
    """What to write: tables of a kind for a person, in a language; and where the rows are."""

    database_url: str
    person: Person
    now: datetime
    kind: str
    form: Form
    locale: str


class Rows:
    """The rows of one table, read anew whenever they are gone through."""

    def __init__(self, kind: str, register: Register) -> None:
        self._kind = kind
        self._register = register

    def __iter__(self) -> Iterator[RowValues]:
        return export_rows(self._kind, self._register)


def sheets_of(kind: str) -> tuple[SheetKind, ...]:
    """The tables a file of this kind holds."""
    return SHEETS if kind == WORKBOOK else (BY_KIND[kind],)


def export(parts: Parts, person: Person, kind: str, form: Form, locale: str) -> IO[bytes]:
    """The file, rewound; the caller closes it."""
    order = ExportOrder(parts.large_files.database_url, person, parts.clock.now(), kind, form, locale)
    with parts.database.reading_at_length() as session:
        below = select(func.count()).select_from(Organisation).where(in_subtree(person.organisation_path))
        if (session.scalar(below) or 0) < LARGE_SUBTREE:
            return _write(session, order)
    with NamedTemporaryFile(prefix="export-") as file:
        parts.large_files.run(export_here, (order, file.name))
        return Path(file.name).open("rb")


def export_here(order: tuple[ExportOrder, str], report: Callable[[object], None]) -> None:
    """Write into a file in this process, over a connection of its own."""
    wanted, path = order
    database = Database(wanted.database_url)
    try:
        with database.reading_at_length() as session, _write(session, wanted) as file, Path(path).open("wb") as target:
            shutil.copyfileobj(file, target)
    finally:
        database.close()


def _write(session: Session, order: ExportOrder) -> IO[bytes]:
    register = Register(session, order.person, order.now, order.locale, writes=False)
    tables = [(sheet, Rows(sheet.kind, register)) for sheet in sheets_of(order.kind)]
    if order.form == "csv":
        return write_csv(*tables[0], order.locale)
    return write_workbook(tables, order.locale)
