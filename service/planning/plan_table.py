"""A plan as a table for people: who gets which lessons from whom and when, and why the others do not; CSV and XLSX.

Each class's need is a line. Text that a spreadsheet would take for a formula is marked as text.
"""

from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Literal, cast

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from sqlalchemy.orm import Session

from service.exchange.weekly_times import WEEKDAYS
from service.exchange.wording import escape
from service.organisation.curriculum import GRADES, SUBJECTS
from service.planning.demand_views import rows_of
from service.planning.opened import OpenedPlan
from service.planning.schemas import DemandRow
from service.usage.spreadsheet import Cell, csv_line, xlsx_cell

Locale = Literal["zh-CN", "en"]
SPOOL_BYTES = 1024 * 1024
WIDTHS = (14, 22, 16, 12, 12, 10, 8, 8, 10, 22, 12, 40, 44)
_HEADERS: dict[Locale, list[str]] = {
    "zh-CN": [
        "县（市、区）", "学校", "班级", "年级", "学科", "教材版本", "每周需要", "每周得到", "状态", "主讲学校",
        "主讲教师", "上课时间", "原因",
    ],
    "en": [
        "County", "School", "Class", "Grade", "Subject", "Edition", "Needs a week", "Gets a week", "State",
        "Lead school", "Lead teacher", "Times", "Reason",
    ],
}  # fmt: skip
_STATES: dict[Locale, dict[str, str]] = {
    "zh-CN": {"unserved": "没有排上", "under": "没有排足", "served": "已排足"},
    "en": {"unserved": "Unserved", "under": "Under-served", "served": "Served"},
}
_REASONS: dict[Locale, dict[str, str]] = {
    "zh-CN": {
        "no_lead_for_edition": "没有使用同一版教材的主讲课",
        "no_lead_for_subject": "没有主讲教师开这个年级的这门课",
        "no_common_time": "与所有主讲课都没有共同的空闲时间",
        "all_blocked": "每一节可选的主讲课都被占住了",
        "insertable": "还可以排进去",
        "partly_blocked": "已有主讲，但其余的课时被占住了",
        "lead_has_fewer_lessons": "配到的主讲课每周没有那么多共同课时",
    },
    "en": {
        "no_lead_for_edition": "No lead lesson uses this textbook edition",
        "no_lead_for_subject": "Nobody leads this subject for this grade",
        "no_common_time": "No lead lesson falls into a free period of the class",
        "all_blocked": "Every possible lead lesson is blocked",
        "insertable": "There is still room for it",
        "partly_blocked": "It has a lead; the other lessons are blocked",
        "lead_has_fewer_lessons": "Its lead has fewer lessons in common with it than it needs",
    },
}


def plan_lines(session: Session, opened: OpenedPlan, locale: Locale) -> list[list[Cell]]:
    """A line for each need, by county, school, class and subject."""
    rows = rows_of(session, opened, [one.id for one in opened.snapshot.demands])
    rows.sort(key=lambda row: (row.county, row.school.name, row.grade, row.class_name, row.subject))
    return [_line(row, locale) for row in rows]


def write_plan_csv(lines: Iterable[list[Cell]], locale: Locale) -> Iterator[bytes]:
    """The CSV file in pieces: UTF-8 with byte order mark, as spreadsheets expect."""
    yield b"\xef\xbb\xbf" + csv_line(list(_HEADERS[locale]))
    for line in lines:
        yield csv_line([escape(cell) if isinstance(cell, str) else cell for cell in line])


def write_plan_workbook(lines: Iterable[list[Cell]], locale: Locale) -> IO[bytes]:
    """The XLSX file, rewound; the caller closes it."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("方案" if locale == "zh-CN" else "Plan")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHIJKLM", WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    heads = [WriteOnlyCell(sheet, value=header) for header in _HEADERS[locale]]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for line in lines:
        sheet.append([xlsx_cell(sheet, cell) for cell in line])
    file = cast(IO[bytes], SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115 - the caller closes it
    book.save(file)
    file.seek(0)
    return file


def _line(row: DemandRow, locale: Locale) -> list[Cell]:
    word = "en" if locale == "en" else "zh"
    return [
        row.county,
        row.school.name,
        row.class_name,
        GRADES[row.grade][word] if row.grade in GRADES else row.grade,
        SUBJECTS[row.subject][word] if row.subject in SUBJECTS else row.subject,
        row.edition,
        row.needed,
        row.served,
        _STATES[locale][row.state],
        row.lead.school if row.lead else "",
        row.lead.teacher if row.lead else "",
        "; ".join(f"{WEEKDAYS[str(time.weekday)][word]} {time.starts}-{time.ends}" for time in row.times),
        _REASONS[locale].get(row.status or "", row.status or ""),
    ]
