"""Looks through the tables of a file in the order they build on each other, and finds what each row would change."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from service.exchange.calendar_rows import check_bells, read_period, read_special_day, read_term
from service.exchange.cells import Table
from service.exchange.class_rows import read_class, read_timetable_day
from service.exchange.columns import SheetKind, header_key
from service.exchange.demand_rows import read_demand, read_pact
from service.exchange.faults import Fault, FaultCode
from service.exchange.findings import Findings
from service.exchange.register import Register
from service.exchange.room_rows import read_room
from service.exchange.rows import Row, known_headers, read_rows
from service.exchange.school_rows import read_school
from service.exchange.series_rows import read_series
from service.exchange.sheets import BY_KIND, SHEETS
from service.exchange.teacher_rows import read_teacher
from service.exchange.values import text_of

WORKBOOK = "county"
"""The kind of a workbook that holds any of the tables, each on a sheet of its name."""

_READERS: Mapping[str, Callable[[Row, Register], None]] = MappingProxyType(
    {
        "schools": read_school,
        "bells": read_period,
        "terms": read_term,
        "special_days": read_special_day,
        "rooms": read_room,
        "teachers": read_teacher,
        "classes": read_class,
        "timetables": read_timetable_day,
        "series": read_series,
        "demands": read_demand,
        "pacts": read_pact,
    }
)

_NAMED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "schools": ("code", "name"),
        "rooms": ("name",),
        "teachers": ("staff_number", "username", "name"),
        "classes": ("class",),
    }
)
"""The cells by which other sheets refer to a row."""


def check_tables(tables: Sequence[Table], kind: str, register: Register) -> Findings:
    """Every fault and every change of a file of this kind."""
    findings = Findings()
    chosen = _choose(tables, kind, findings)
    for sheet_kind, table in chosen:
        for row in read_rows(table, sheet_kind, findings):
            _READERS[sheet_kind.kind](row, register)
            if row.has_failed():
                _doubt(row, register)
        if sheet_kind.kind == "bells":
            check_bells(register)
        if not findings.errors:
            register.settle()
    if chosen and not findings.rows.total() and not findings.errors:
        findings.faults.append(Fault(FaultCode.NO_ROWS, chosen[0][1].name))
    findings.faults.sort(key=lambda fault: (fault.is_warning, _order(fault.sheet, chosen), fault.row or 0))
    return findings


def _order(sheet: str, chosen: Sequence[tuple[SheetKind, Table]]) -> int:
    return next((index for index, (_, table) in enumerate(chosen) if table.name == sheet), len(chosen))


def _choose(tables: Sequence[Table], kind: str, findings: Findings) -> list[tuple[SheetKind, Table]]:
    """Which table of the file is which, in the order they build on each other."""
    wanted = SHEETS if kind == WORKBOOK else (BY_KIND[kind],)
    chosen = [(sheet, table) for sheet in wanted for table in tables if header_key(table.name) in sheet.names]
    if not chosen and kind != WORKBOOK:
        best = max(tables, key=lambda table: _likeness(table, BY_KIND[kind]))
        chosen = [(BY_KIND[kind], best)]
    if not chosen:
        expected = {"sheets_zh": "、".join(s.zh for s in SHEETS), "sheets_en": ", ".join(s.en for s in SHEETS)}
        findings.faults.append(Fault(FaultCode.NO_KNOWN_SHEET, expected=expected))
        return []
    others = [table for table in tables if all(table is not taken for _, taken in chosen)]
    findings.faults.extend(Fault(FaultCode.UNKNOWN_SHEET, table.name, found=table.name) for table in others)
    return chosen


def _likeness(table: Table, kind: SheetKind) -> int:
    return max((known_headers(line, kind) for line in table.lines[:10]), default=0)


def _doubt(row: Row, register: Register) -> None:
    """One mistake is told once: rows that refer to a row with a mistake are not reported for it."""
    for field in _NAMED_BY.get(row.kind.kind, ()):
        cell = row.cell(field)
        if isinstance(cell, str | int | float):
            register.doubt(row.kind.kind, text_of(cell))
