"""The workbook comes in pieces while its rows are read, and is one a spreadsheet opens."""

import io
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook

from service.usage.streamed_workbook import Cell, workbook_pieces

HEADERS = ("课程", "分钟")


def opened(rows: list[list[Cell]]) -> list[list[object]]:
    sheet = load_workbook(io.BytesIO(b"".join(workbook_pieces("使用记录", HEADERS, rows)))).active
    assert (sheet.title, sheet.freeze_panes, sheet["A1"].font.bold, sheet["B1"].font.bold) == (
        "使用记录", "A2", True, True,
    )  # fmt: skip
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('=HYPERLINK("http://x")', '=HYPERLINK("http://x")'),
        ("<b>&amp;]]></b> 'x' \"y\"", "<b>&amp;]]></b> 'x' \"y\""),
        (" spaces ", " spaces "),
        ("one\nline\tmore", "one\nline\tmore"),
        ("a\x00\x08b", "ab"),
        ("half \ud83d pair", "half ? pair"),
        ("", None),
    ],
)
def test_text_stays_text_whatever_it_holds(text: str, kept: str | None) -> None:
    assert opened([[text, 1]]) == [[kept, 1]]


def test_numbers_stay_numbers() -> None:
    assert opened([["a", 39.95], ["b", 0], ["c", -2.5e-07]]) == [["a", 39.95], ["b", 0], ["c", -2.5e-07]]


def test_no_rows_make_a_workbook_of_headers() -> None:
    assert opened([]) == []


def test_pieces_leave_before_all_rows_are_read() -> None:
    read = 0

    def rows() -> Iterator[list[Cell]]:
        nonlocal read
        for number in range(20_000):
            read += 1
            yield [f"第{number * number}课", number * 1.37]

    pieces = workbook_pieces("x", HEADERS, rows())
    first = next(pieces)
    assert first.startswith(b"PK")
    assert read == 0
    second = next(pieces)
    assert len(second) >= 64 * 1024
    assert 0 < read < 20_000
    whole = load_workbook(io.BytesIO(first + second + b"".join(pieces)), read_only=True).active
    assert sum(1 for _row in whole.iter_rows()) == 20_001
