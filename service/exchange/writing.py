"""Tables as files: CSV with byte order mark, XLSX with typed text, lists of choices and comments."""

import csv
import io
from collections.abc import Iterable, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

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


def columns_of(kind: SheetKind, rows: Sequence[RowValues]) -> tuple[Column, ...]:
    """The columns to write: those of the template, and others that a row has something in."""
    used = {name for row in rows for name, value in row.items() if value is not None}
    return tuple(column for column in kind.columns if column.in_template or column.name in used)


def write_csv(kind: SheetKind, rows: Sequence[RowValues], locale: str, *, example: bool = False) -> IO[bytes]:
    """One table as CSV, rewound; the caller closes it."""
    columns = columns_of(kind, rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.header(locale) for column in columns])
    if example:
        writer.writerow(_example(columns, locale))
    for row in rows:
        writer.writerow([_plain(row.get(column.name)) for column in columns])
    file = _spooled()
    file.write(b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "replace"))
    file.seek(0)
    return file


def write_workbook(
    tables: Iterable[tuple[SheetKind, Sequence[RowValues]]], locale: str, *, example: bool = False
) -> IO[bytes]:
    """One sheet for each table, rewound; the caller closes it."""
    book = Workbook()
    lists = cast(Worksheet, book.active)
    lists.title = _LISTS_SHEET
    for kind, rows in tables:
        _write_sheet(book.create_sheet(kind.title(locale)), lists, kind, rows, locale, example=example)
    lists.sheet_state = "hidden"
    book.active = 1
    file = _spooled()
    book.save(file)
    file.seek(0)
    return file


def _write_sheet(
    sheet: Worksheet, lists: Worksheet, kind: SheetKind, rows: Sequence[RowValues], locale: str, *, example: bool
) -> None:
    columns = columns_of(kind, rows)
    sheet.append([column.header(locale) for column in columns])
    sheet.freeze_panes = "A2"
    for index, column in enumerate(columns, 1):
        _dress(sheet, lists, index, column, locale)
    if example:
        sheet.append(_example(columns, locale))
        for cell in sheet[2]:
            cell.font = Font(italic=True, color="FF7A878B")
    for row in rows:
        sheet.append([_plain(row.get(column.name)) for column in columns])
    for line in sheet.iter_rows(min_row=2):
        for cell in line:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # openpyxl takes text that begins with "=" for a formula


def _dress(sheet: Worksheet, lists: Worksheet, index: int, column: Column, locale: str) -> None:
    head = sheet.cell(1, index)
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
        validation = DataValidation(type="list", formula1=_list_of(lists, column, locale), allow_blank=True)
        # A word in another language or a synonym is right too: the list helps, the import judges.
        validation.showErrorMessage = False
        validation.add(area)
        sheet.add_data_validation(validation)


def _list_of(lists: Worksheet, column: Column, locale: str) -> str:
    words = [names["en" if locale == "en" else "zh"] for names in column.choices.values()]
    for known in range(1, (lists.max_column or 0) + 1):
        if [cell.value for cell in lists[get_column_letter(known)] if cell.value is not None] == words:
            return _area(known, len(words))
    at = (lists.max_column or 0) + 1 if lists.cell(1, 1).value is not None else 1
    for row, word in enumerate(words, 1):
        lists.cell(row, at, word)
    return _area(at, len(words))


def _area(column: int, rows: int) -> str:
    letter = get_column_letter(column)
    return f"{_LISTS_SHEET}!${letter}$1:${letter}${rows}"


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
