"""From cells to rows of named values: finds the header, knows the columns, reads every cell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.exchange.cells import Line, Marked, Special, Table, Value, column_letters
from service.exchange.columns import Column, SheetKind, header_key
from service.exchange.faults import Fault, FaultCode, Misread, shown
from service.exchange.findings import Change, FieldChange, Findings, Scalar
from service.exchange.sheets import ONEROSTER_IGNORED
from service.exchange.wording import clean_text

HEADER_WITHIN_LINES = 10
"""A header may stand below a title and remarks, but not deeper."""


@dataclass(frozen=True)
class Place:
    """A column as it stands in the file."""

    column: Column
    index: int
    header: str


@dataclass
class Row:
    """One row of a known kind: `values` by field, None where a cell is empty or could not be read."""

    sheet: str
    number: int
    kind: SheetKind
    places: Mapping[str, Place]
    line: Line
    findings: Findings
    values: dict[str, Any] = field(default_factory=dict)
    _failed: bool = False

    def has(self, name: str) -> bool:
        """Whether the file has this column at all."""
        return name in self.places

    def get(self, name: str) -> Any:
        """The value of a field, None where there is none."""
        return self.values.get(name)

    def written(self, name: str) -> str:
        """The text of a cell exactly as it was typed, for names that differ by what cleaning takes away."""
        cell = self.cell(name)
        return cell.strip() if isinstance(cell, str) else str(self.get(name) or "")

    def cell(self, name: str) -> Value:
        """What stands in the cell of a field."""
        place = self.places.get(name)
        return self.line.values[place.index] if place and place.index < len(self.line.values) else None

    def has_failed(self) -> bool:
        """Whether anything was reported of this row."""
        return self._failed

    def give_up(self) -> None:
        """Take this row no further: it rests on an earlier row whose mistake was reported there."""
        self._failed = True

    def claim(self, *key: str | int) -> bool:
        """Whether this is the first row about that thing; a second one is reported: nobody could say which wins."""
        first = self.findings.claimed.setdefault((self.kind.kind, *key), self.number)
        if first != self.number:
            self.fault(FaultCode.DOUBLE_ROW, first_row=first)
        return first == self.number

    def fault(self, code: FaultCode, name: str = "", /, **expected: str | int) -> None:
        """Report what is wrong with this row, or with the cell of one field."""
        self._failed = True
        place = self.places.get(name)
        cell = self.cell(name)
        found = "" if cell is None else shown(cell.text if isinstance(cell, Marked) else cell)
        letters = column_letters(place.index) if place else ""
        header = place.header if place else (self.kind.column(name).zh if name else "")
        self.findings.faults.append(Fault(code, self.sheet, self.number, letters, header, found, expected))

    def created(self, name: str, /, **fields: Scalar) -> None:
        """Note that this row makes something new."""
        changes = [FieldChange(key, None, value) for key, value in fields.items() if value is not None and value != ""]
        self.findings.changes.append(Change("create", self.kind.kind, self.sheet, self.number, name, changes))

    def edited(self, name: str, edits: "Edits") -> None:
        """Note what this row changes of something that exists; possibly nothing."""
        if edits.changes:
            change = Change("update", self.kind.kind, self.sheet, self.number, name, edits.changes)
            self.findings.changes.append(change)
        else:
            self.findings.unchanged[self.kind.kind] += 1


@dataclass
class Edits:
    """Sets attributes and remembers which really changed."""

    changes: list[FieldChange] = field(default_factory=list)

    def set(self, target: object, attribute: str, value: Any, name: str) -> None:
        """Set unless the value is None or there already; text that differs only as cleaning differs is the same."""
        before = getattr(target, attribute)
        same = clean_text(before) == value if isinstance(before, str) and isinstance(value, str) else before == value
        if value is not None and not same:
            setattr(target, attribute, value)
            self.note(name, before, value)

    def note(self, name: str, before: Scalar, after: Scalar) -> None:
        """Remember a change that was made elsewhere."""
        self.changes.append(FieldChange(name, before, after))


def read_rows(table: Table, kind: SheetKind, findings: Findings) -> Iterator[Row]:
    """The rows of a table with their values read; notes and what cannot be read are reported or passed over."""
    top = _header_at(table, kind)
    if top is None:
        expected = _header_words(kind)
        findings.faults.append(Fault(FaultCode.NO_HEADER, table.name, expected=expected))
        return
    header = table.lines[top]
    places = _places(table.name, header, kind, findings)
    missing = [column for column in kind.columns if column.required and column.name not in places]
    for column in missing:
        expected = {"header_zh": column.zh, "header_en": column.en}
        findings.faults.append(Fault(FaultCode.MISSING_COLUMN, table.name, header.number, expected=expected))
    if missing:
        return
    for line in table.lines[top + 1 :]:
        if not _is_note(line):
            findings.rows[kind.kind] += 1
            yield _read_row(Row(table.name, line.number, kind, places, line, findings))


def known_headers(line: Line, kind: SheetKind) -> int:
    """How many cells of a line are headers of this kind."""
    keys = frozenset[str]().union(*(column.keys for column in kind.columns))
    return sum(isinstance(value, str | int) and header_key(str(value)) in keys for value in line.values)


def _header_at(table: Table, kind: SheetKind) -> int | None:
    candidates = table.lines[:HEADER_WITHIN_LINES]
    counts = [known_headers(line, kind) for line in candidates]
    wanted = min(2, sum(column.required for column in kind.columns)) or 2
    return counts.index(max(counts)) if counts and max(counts) >= wanted else None


def _header_words(kind: SheetKind) -> dict[str, str | int]:
    required = [column for column in kind.columns if column.required]
    return {"headers_zh": "、".join(c.zh for c in required), "headers_en": ", ".join(c.en for c in required)}


def _places(sheet: str, header: Line, kind: SheetKind, findings: Findings) -> dict[str, Place]:
    by_key = {key: column for column in kind.columns for key in column.keys}
    places: dict[str, Place] = {}
    for index, value in enumerate(header.values):
        if value is None:
            continue
        words = shown(value.text if isinstance(value, Marked) else value)
        column = by_key.get(header_key(words))
        if column is None:
            _report_unknown(sheet, header, index, words, findings)
        elif column.name not in places:
            places[column.name] = Place(column, index, words)
        elif _is_oneroster_pair(words, places[column.name].header):
            if header_key(words) == header_key(column.en):
                places[column.name] = Place(column, index, words)
        elif words != places[column.name].header or not _is_merged_copy(header.values, index):
            place = (sheet, header.number, column_letters(index), words, words)
            findings.faults.append(Fault(FaultCode.DOUBLE_COLUMN, *place))
    return places


def _is_oneroster_pair(one: str, other: str) -> bool:
    """Whether two headers are the two identities OneRoster gives everything; a kind's own English header wins."""
    return bool({header_key(one), header_key(other)} & {"sourcedid", "identifier"})


def _is_merged_copy(values: Sequence[Value], index: int) -> bool:
    """Whether the cell only repeats its left neighbour, as a header merged over several columns does."""
    return index > 0 and values[index - 1] == values[index]


def _report_unknown(sheet: str, header: Line, index: int, words: str, findings: Findings) -> None:
    if header_key(words) in ONEROSTER_IGNORED or header_key(words).startswith("metadata."):
        return
    place = (sheet, header.number, column_letters(index), words, words)
    findings.faults.append(Fault(FaultCode.UNKNOWN_COLUMN, *place))


def _is_note(line: Line) -> bool:
    first = next((value for value in line.values if value is not None), None)
    return isinstance(first, str) and first.startswith(("#", "＃"))


def _read_row(row: Row) -> Row:
    for name, place in row.places.items():
        cell = row.cell(name)
        if isinstance(cell, Marked):
            row.fault(FaultCode.FORMULA if cell.special is Special.FORMULA else FaultCode.CELL_ERROR, name)
        elif cell is not None and (not isinstance(cell, str) or clean_text(cell)):
            try:
                row.values[name] = place.column.read(cell)
            except Misread as misread:
                row.fault(misread.code, name, **misread.expected)
        elif place.column.required:
            row.fault(FaultCode.MISSING_VALUE, name)
    return row
