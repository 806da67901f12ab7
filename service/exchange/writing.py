"""Tables as files: CSV with byte order mark, XLSX with typed text, lists of choices and comments."""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from service.exchange.cells import MOST_ROWS
from service.exchange.columns import Column, SheetKind
from service.exchange.exporting import RowValues, Written
from service.exchange.wording import escape

SPOOL_BYTES = 1024 * 1024
_LISTS_SHEET = "_lists"
_REQUIRED = PatternFill("solid", fgColor="FFDDEBF0")
_OPTIONAL = PatternFill("solid", fgColor="FFF3F6F6")
NOTE = "#"
"""Begins a line that an import passes over."""


def columns_of(kind: SheetKind, rows: Iterable[RowValues]) -> tuple[Column, ...]:
    """The columns to write: those of the template, and others that a row has something in."""
    if all(column.in_template for column in kind.columns):
        return kind.columns
    used = {name for row in rows for name, value in row.items() if value is not None}
    return tuple(column for column in kind.columns if column.in_template or column.name in used)


def write_csv(kind: SheetKind, rows: Iterable[RowValues], locale: str, *, example: bool = False) -> IO[bytes]:
    """One table as CSV, rewound; the caller closes it. Rows may be gone through twice."""
    columns = columns_of(kind, rows)
    file = _spooled()
    file.write(b"\xef\xbb\xbf")
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
    writer = csv.writer(text)
    writer.writerow([column.header(locale) for column in columns])
    if example:
        writer.writerow(_example(columns, locale))
    for row in rows:
        writer.writerow([_plain(row.get(column.name)) for column in columns])
    text.detach()
    file.seek(0)
    return file


def write_workbook(
    tables: Sequence[tuple[SheetKind, Iterable[RowValues]]], locale: str, *, example: bool = False
) -> IO[bytes]:
    """One sheet for each table, rewound; the caller closes it.

    Rows go to the file one by one and may be gone through twice: a whole prefecture's never stand in memory at once.
    """
    book = Workbook(write_only=True)
    lists = Lists(book, tables, locale)
    for kind, rows in tables:
        _write_sheet(book.create_sheet(kind.title(locale)), lists, kind, rows, locale, example=example)
    book.active = 1
    file = _spooled()
    book.save(file)
    file.seek(0)
    return file


class Lists:
    """The hidden sheet with the words that cells of some columns are chosen from, a column for each list."""

    def __init__(self, book: Workbook, tables: Sequence[tuple[SheetKind, Any]], locale: str) -> None:
        language = "en" if locale == "en" else "zh"
        self._language = language
        found = {self._words(column): None for kind, _rows in tables for column in kind.columns if column.choices}
        self._place = {words: index for index, words in enumerate(found, 1)}
        sheet = book.create_sheet(_LISTS_SHEET)
        for row in zip_longest(*found):
            sheet.append(row)
        sheet.sheet_state = "hidden"

    def area(self, column: Column) -> str:
        """Where the words of a column with choices stand."""
        words = self._words(column)
        letter = get_column_letter(self._place[words])
        return f"{_LISTS_SHEET}!${letter}$1:${letter}${len(words)}"

    def _words(self, column: Column) -> tuple[str, ...]:
        return tuple(names[self._language] for names in column.choices.values())


def _write_sheet(
    sheet: Any, lists: Lists, kind: SheetKind, rows: Iterable[RowValues], locale: str, *, example: bool
) -> None:
    columns = columns_of(kind, rows)
    sheet.freeze_panes = "A2"
    sheet.append([_dressed(sheet, lists, index, column, locale) for index, column in enumerate(columns, 1)])
    if example:
        sheet.append([_as_example(_typed(sheet, value)) for value in _example(columns, locale)])
    for row in rows:
        sheet.append([_cell(sheet, _plain(row.get(column.name))) for column in columns])


def _cell(sheet: Any, value: Any) -> Any:
    """The value, or a cell where openpyxl would take text for a formula or an error."""
    return _typed(sheet, value) if isinstance(value, str) and value.startswith(("=", "#")) else value


def _typed(sheet: Any, value: Any) -> Any:
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
    return cell


def _as_example(cell: Any) -> Any:
    cell.font = Font(italic=True, color="FF7A878B")
    return cell


def _dressed(sheet: Any, lists: Lists, index: int, column: Column, locale: str) -> Any:
    """The head of a column, whose width, format and choices are set with it."""
    head = WriteOnlyCell(sheet, value=column.header(locale))
    head.font = Font(bold=True)
    head.fill = _REQUIRED if column.required else _OPTIONAL
    head.alignment = Alignment(wrap_text=True, vertical="center")
    letter = get_column_letter(index)
    sheet.column_dimensions[letter].width = column.width
    sheet.column_dimensions[letter].number_format = "@" if isinstance(column.example, str) else "General"
    comment = Comment(_remark(column, locale), "Three Classrooms")
    comment.width, comment.height = 320, 110
    head.comment = comment
    if column.choices:
        area = f"{letter}2:{letter}{MOST_ROWS + 1}"
        validation = DataValidation(type="list", formula1=lists.area(column), allow_blank=True)
        # A word in another language or a synonym is right too: the list helps, the import judges.
        validation.showErrorMessage = False
        validation.add(area)
        sheet.data_validations.append(validation)
    return head


def _remark(column: Column, locale: str) -> str:
    if locale == "en":
        needed = "Required." if column.required else "Optional."
        return " ".join(filter(None, (needed, column.hint_en, f"Also accepted as: {column.zh}.")))
    needed = "必填。" if column.required else "选填。"
    return "".join(filter(None, (needed, column.hint_zh, "。" if column.hint_zh else "", f"也可写作 {column.en}。")))


def _example(columns: Sequence[Column], locale: str) -> list[Any]:
    """The example line; as a note it is never imported, so it may stay."""
    cells: list[Any] = [column.example for column in columns]
    word = "example: " if locale == "en" else "示例："
    cells[0] = f"{NOTE}{word}{cells[0]}"
    return cells


def _plain(value: Written) -> Any:
    if isinstance(value, str):
        return escape(ILLEGAL_CHARACTERS_RE.sub("", value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _spooled() -> IO[bytes]:
    return cast(IO[bytes], SpooledTemporaryFile(max_size=SPOOL_BYTES))
