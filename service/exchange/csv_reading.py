"""CSV as spreadsheet programs in China write it: UTF-8 with or without byte order mark, UTF-16, GBK and GB18030."""

import csv
import io
from collections.abc import Iterator

from service.exchange.cells import MOST_CELL_CHARACTERS, MOST_COLUMNS, MOST_ROWS, Line, Marked, Special, Table, Value
from service.exchange.faults import Fault, FaultCode, FileRefused
from service.exchange.wording import unescape

_FORMULA_STARTS = ("=", "@", "＝", "＠")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SAMPLE_CHARACTERS = 4096


def decode(content: bytes) -> str:
    """The text of the file. UTF-8 refuses almost every GBK text, so it is tried first; raises FileRefused."""
    marked = [encoding for mark, encoding in _MARKS if content.startswith(mark)]
    for encoding in marked or ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise FileRefused(Fault(FaultCode.NOT_A_TABLE))
        return text
    raise FileRefused(Fault(FaultCode.UNKNOWN_ENCODING))


def read_csv(content: bytes) -> Table:
    """The file's one table. Raises FileRefused for text that is none or a row or column too many."""
    text = decode(content)
    if not text.strip():
        raise FileRefused(Fault(FaultCode.EMPTY_FILE))
    return Table("", list(_lines(text)))


def _lines(text: str) -> Iterator[Line]:
    kept = 0
    for number, cells in _records(text):
        values = [_value(cell) for cell in cells[:MOST_COLUMNS]]
        if all(value is None for value in values):
            continue
        kept += 1
        if kept > MOST_ROWS + 1:
            raise FileRefused(Fault(FaultCode.TOO_MANY_ROWS, row=number, expected={"most": MOST_ROWS}))
        yield Line(number, values)


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with the number of the line it begins at."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 1
    try:
        for cells in reader:
            yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise FileRefused(Fault(FaultCode.BROKEN_QUOTES, row=number)) from error


def _delimiter(text: str) -> str:
    sample = text[:_SAMPLE_CHARACTERS].splitlines()[0:3]
    counts = {mark: max(line.count(mark) for line in sample) for mark in (",", "\t", ";", "，")}
    return max(counts, key=lambda mark: counts[mark])


def _value(cell: str) -> Value:
    text = cell.strip()
    if not text:
        return None
    if text.startswith(_FORMULA_STARTS):
        return Marked(Special.FORMULA, text[:MOST_CELL_CHARACTERS])
    return unescape(text[: MOST_CELL_CHARACTERS + 1])
