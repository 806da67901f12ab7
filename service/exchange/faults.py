"""What can be wrong with an imported file, as codes and values; pages put them into words of their language."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FaultCode(StrEnum):
    """Every kind of mistake. What is expected instead is part of its wording, with the values of `expected`."""

    # Of the whole file
    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    NOT_A_TABLE = "not_a_table"
    OLD_EXCEL = "old_excel"
    DAMAGED_WORKBOOK = "damaged_workbook"
    DANGEROUS_WORKBOOK = "dangerous_workbook"
    MACROS = "macros"
    UNKNOWN_ENCODING = "unknown_encoding"
    NO_KNOWN_SHEET = "no_known_sheet"
    # Of a sheet
    UNKNOWN_SHEET = "unknown_sheet"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_MERGED = "too_many_merged"
    NO_HEADER = "no_header"
    NO_ROWS = "no_rows"
    MISSING_COLUMN = "missing_column"
    UNKNOWN_COLUMN = "unknown_column"
    DOUBLE_COLUMN = "double_column"
    BROKEN_QUOTES = "broken_quotes"
    # Of a cell
    FORMULA = "formula"
    CELL_ERROR = "cell_error"
    BECAME_DATE = "became_date"
    MISSING_VALUE = "missing_value"
    TOO_LONG = "too_long"
    UNPRINTABLE = "unprintable"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_YES_OR_NO = "not_yes_or_no"
    NOT_ONE_OF = "not_one_of"
    BAD_USERNAME = "bad_username"
    BAD_PERIODS = "bad_periods"
    NOT_A_DAY = "not_a_day"
    NOT_A_TIME = "not_a_time"
    # Of what a row means
    DOUBLE_ROW = "double_row"
    PLACE_UNKNOWN = "place_unknown"
    SCHOOL_UNKNOWN = "school_unknown"
    SCHOOL_AMBIGUOUS = "school_ambiguous"
    SCHOOL_ELSEWHERE = "school_elsewhere"
    CODE_AND_NAME_DIFFER = "code_and_name_differ"
    CODE_TAKEN = "code_taken"
    NAME_TAKEN = "name_taken"
    USERNAME_TAKEN = "username_taken"
    NOT_YOURS = "not_yours"
    ROOM_UNKNOWN = "room_unknown"
    ROOM_CANNOT_LEAD = "room_cannot_lead"
    CLASS_UNKNOWN = "class_unknown"
    TEACHER_UNKNOWN = "teacher_unknown"
    NAME_AMBIGUOUS = "name_ambiguous"
    SAME_SCHOOL = "same_school"
    PERIOD_UNKNOWN = "period_unknown"
    NOT_IN_ORDER = "not_in_order"
    TERM_CLASH = "term_clash"


WARNINGS = frozenset({FaultCode.UNKNOWN_COLUMN, FaultCode.UNKNOWN_SHEET})
"""What is told but stops nothing."""


@dataclass(frozen=True)
class Fault:
    """One mistake and where it stands: `sheet` and `header` as in the file, `row` from 1, `column` as letters."""

    code: FaultCode
    sheet: str = ""
    row: int | None = None
    column: str = ""
    header: str = ""
    found: str = ""
    expected: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def is_warning(self) -> bool:
        """Whether the file can be imported all the same."""
        return self.code in WARNINGS


class FileRefused(Exception):  # noqa: N818 - it says what happened
    """The file as a whole cannot be read. Remedy: what the fault says."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Misread(Exception):  # noqa: N818 - it says what happened
    """A cell does not hold what its column asks for."""

    def __init__(self, code: FaultCode, **expected: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.expected = expected


SHOWN_CHARACTERS = 80


def shown(value: object) -> str:
    """A value as a report shows it: on one line and not too long."""
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
