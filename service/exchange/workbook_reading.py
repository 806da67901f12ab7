"""XLSX to tables: values as Excel stores them, merged cells filled, formulas marked and never computed."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import islice
from typing import Any
from xml.parsers import expat
from zipfile import ZipFile

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

from service.exchange.cells import MOST_CELL_CHARACTERS, MOST_COLUMNS, MOST_ROWS, Line, Marked, Special, Table, Value
from service.exchange.faults import Fault, FaultCode, FileRefused
from service.exchange.wording import unescape
from service.exchange.workbook_guard import open_archive

MOST_SHEETS = 40
MOST_MERGED_CELLS = 200_000
_LAST_ROW = 1_048_576
"""The last row a spreadsheet can have; a file may claim more."""
_GIVE_UP_AFTER_EMPTY_ROWS = 20_000

Place = tuple[int, int]


def read_workbook(content: bytes) -> list[Table]:
    """Every visible sheet that holds anything. Raises FileRefused."""
    archive = open_archive(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions openpyxl leaves out, such as newer lists of choices
            book = load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
            sheets: list[Any] = list(book.worksheets)  # ReadOnlyWorksheet, which its stubs know only half
            if not sheets:
                raise FileRefused(Fault(FaultCode.DAMAGED_WORKBOOK))
            visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
            tables = [_table(sheet, archive) for sheet in visible[:MOST_SHEETS]]
            book.close()
    except FileRefused:
        raise
    except Exception as error:  # openpyxl raises whatever a surprising document makes it stumble over
        raise FileRefused(Fault(FaultCode.DAMAGED_WORKBOOK)) from error
    return [table for table in tables if table.lines]


def _table(sheet: Any, archive: ZipFile) -> Table:
    merged = _merged_cells(sheet.title, archive, str(sheet._worksheet_path))
    sheet.reset_dimensions()  # what the sheet claims of its size need not be true
    return Table(sheet.title, list(_lines(sheet, merged)))


def _lines(sheet: Any, merged: dict[Place, Place]) -> Iterator[Line]:
    tops: dict[Place, Value] = {}
    covering = set(merged.values())
    kept = empty_rows = 0
    rows: Iterable[Any] = sheet.iter_rows(max_col=MOST_COLUMNS)
    for number, cells in enumerate(islice(rows, _LAST_ROW), 1):
        own = [_value(cell) for cell in (cells if merged else cells[: _filled(cells)])]
        for column in range(len(own) if merged else 0):
            if (number, column) in covering:
                tops[number, column] = own[column]
        if all(value is None for value in own):
            empty_rows += 1
            if empty_rows > _GIVE_UP_AFTER_EMPTY_ROWS:
                return
            continue
        kept, empty_rows = kept + 1, 0
        if kept > MOST_ROWS + 1:
            raise FileRefused(Fault(FaultCode.TOO_MANY_ROWS, sheet.title, number, expected={"most": MOST_ROWS}))
        if merged:
            own = [tops.get(merged[number, c]) if (number, c) in merged else value for c, value in enumerate(own)]
        yield Line(number, own)


def _filled(cells: Sequence[Any]) -> int:
    """How many cells there are up to the last that holds anything: the reader adds empty ones up to MOST_COLUMNS."""
    count = len(cells)
    while count and cells[count - 1].value is None:
        count -= 1
    return count


def _value(cell: Any) -> Value:
    value = cell.value
    if value is None:
        return None
    if cell.data_type == "f":
        return Marked(Special.FORMULA, str(getattr(value, "text", value))[:MOST_CELL_CHARACTERS])
    if cell.data_type == "e":
        return Marked(Special.ERROR, str(value))
    if isinstance(value, str):
        text = value.strip()[: MOST_CELL_CHARACTERS + 1]
        return unescape(text) if text else None
    if isinstance(value, bool | int | float | datetime | date | time | timedelta):
        return value
    return str(value)[:MOST_CELL_CHARACTERS]


def _merged_cells(title: str, archive: ZipFile, path: str) -> dict[Place, Place]:
    """Every cell covered by a merged range, and the one whose value it shows; rows from 1, columns from 0."""
    covered: dict[Place, Place] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "mergeCell":
            return
        left, top, right, bottom = (bound or 1 for bound in range_boundaries(attributes.get("ref", "")))
        right = min(right, MOST_COLUMNS)
        if len(covered) + (right - left + 1) * (bottom - top + 1) > MOST_MERGED_CELLS:
            raise FileRefused(Fault(FaultCode.TOO_MANY_MERGED, title, expected={"most": MOST_MERGED_CELLS}))
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                covered[row, column - 1] = (top, left - 1)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with archive.open(path.lstrip("/")) as part:
        parser.ParseFile(part)
    return covered
