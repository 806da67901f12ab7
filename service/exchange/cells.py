"""Tables as they stand in a file: cells with their place and value, before anybody asks what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto


class Special(Enum):
    """What a cell holds instead of a value."""

    FORMULA = auto()
    ERROR = auto()


@dataclass(frozen=True)
class Marked:
    """A formula or a spreadsheet's error value, with its text for the report."""

    special: Special
    text: str


Value = str | int | float | bool | datetime | date | time | timedelta | Marked | None


@dataclass(frozen=True)
class Line:
    """One row: its number in the file from 1 and the values of its columns from A."""

    number: int
    values: Sequence[Value]


@dataclass(frozen=True)
class Table:
    """One sheet: its name ("" for CSV) and its rows that hold anything."""

    name: str
    lines: Sequence[Line]


MOST_ROWS = 100_000
"""Rows of one sheet that hold anything: a prefecture of 12,000 classes has 60,000 days of timetables."""
MOST_COLUMNS = 64
MOST_CELL_CHARACTERS = 2_000
MOST_FILE_BYTES = 32 * 1024 * 1024


def column_letters(index: int) -> str:
    """The letters of the column at `index` from 0: A, B, ... Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
