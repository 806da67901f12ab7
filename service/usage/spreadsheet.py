"""The usage report as CSV (UTF-8 with BOM, as Excel expects) and XLSX: in pieces, no cell a program would execute."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.workbook.child import _WorkbookChild

from service.usage.schemas import Locale, UsageItem

Cell = str | int | float
LINES_A_PIECE = 200
PIECE_BYTES = 64 * 1024
SPOOL_BYTES = 1024 * 1024
# Spreadsheets take the full-width forms for formulas too.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_HEADERS: dict[Locale, list[str]] = {
    "zh-CN": [
        "课程", "类型", "学科", "开始时间", "县（市）", "学校", "教室或人员", "角色", "加入时间", "离开时间",
        "在线分钟", "收到主讲画面分钟", "收到主讲声音分钟", "发布分钟", "加入次数",
    ],
    "en": [
        "Lesson", "Kind", "Subject", "Starts", "County", "School", "Room or person", "Role", "Joined", "Left",
        "Connected minutes", "Lead picture minutes", "Lead sound minutes", "Published minutes", "Joins",
    ],
}  # fmt: skip
_KINDS: dict[Locale, dict[str, str]] = {
    "zh-CN": {"synchronous": "同步课堂", "famous_teacher": "名师课堂", "famous_school": "名校网络课堂"},
    "en": {
        "synchronous": "Synchronous lesson",
        "famous_teacher": "Famous-teacher lesson",
        "famous_school": "Famous-school lesson",
    },
}
_ROLES: dict[Locale, dict[str, str]] = {
    "zh-CN": {"lead": "主讲", "room": "接收教室", "teacher": "辅助教师", "observer": "观摩"},
    "en": {"lead": "Lead", "room": "Receiving room", "teacher": "Accompanying teacher", "observer": "Observer"},
}
_SHEET: dict[Locale, str] = {"zh-CN": "使用记录", "en": "Usage"}


def safe_text(text: str) -> str:
    """Make text safe in a CSV cell: what a spreadsheet would take for a formula gets a leading apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def row_cells(item: UsageItem, locale: Locale, zone: ZoneInfo, subject_name: Callable[[str], str]) -> list[Cell]:
    """Give the cells of one item in the order of the headers; times in the deployment's zone."""
    return [
        item.title,
        _KINDS[locale][item.kind],
        subject_name(item.subject),
        _local(item.starts_at, zone),
        item.county,
        item.school,
        item.room_or_person,
        _ROLES[locale][item.party_role],
        _local(item.joined_at, zone),
        _local(item.left_at, zone),
        item.connected_minutes,
        item.lead_picture_minutes,
        item.lead_sound_minutes,
        item.published_minutes,
        item.joins,
    ]


def csv_chunks(rows: Iterable[list[Cell]], locale: Locale) -> Iterator[bytes]:
    """Give the CSV file in pieces, the byte order mark and headers first."""
    yield b"\xef\xbb\xbf" + csv_line(list(_HEADERS[locale]))
    lines: list[bytes] = []
    for row in rows:
        lines.append(csv_line([safe_text(cell) if isinstance(cell, str) else cell for cell in row]))
        if len(lines) == LINES_A_PIECE:
            yield b"".join(lines)
            lines.clear()
    yield b"".join(lines)


def xlsx_chunks(rows: Iterable[list[Cell]], locale: Locale) -> Iterator[bytes]:
    """Give the XLSX file in pieces, once it is written row by row into a spooled temporary file."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET[locale])
    sheet.freeze_panes = "A2"
    headers = [WriteOnlyCell(sheet, value=header) for header in _HEADERS[locale]]
    for header in headers:
        header.font = Font(bold=True)
    sheet.append(headers)
    for row in rows:
        sheet.append([xlsx_cell(sheet, cell) for cell in row])
    with SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def xlsx_cell(sheet: _WorkbookChild, value: Cell) -> object:
    """Give a cell of a write-only sheet in which text stays text."""
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"  # openpyxl takes text that begins with "=" for a formula
    return cell


def csv_line(cells: list[Cell]) -> bytes:
    """Give one line of CSV in UTF-8; what has no place in it becomes a question mark."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode("utf-8", "replace")


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
