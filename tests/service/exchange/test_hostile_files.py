"""Files that are broken, enormous, dangerous or something else altogether: each is refused in words."""

import io
import struct
import zipfile
from typing import Any

import pytest

from service.exchange import workbook_guard
from service.exchange.cells import MOST_FILE_BYTES, MOST_ROWS
from service.exchange.faults import FileRefused
from service.exchange.opening import open_tables

ROWS = [["学校", "教室名称"], ["school_north_1", "录播教室"]]


@pytest.fixture
def good(workbook: Any) -> bytes:
    return bytes(workbook({"教室": ROWS}))


def repacked(content: bytes, change: dict[str, bytes | None], extra: dict[str, bytes] | None = None) -> bytes:
    """The archive with parts replaced, taken out (None) or added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = change.get(name, old.read(name))
            if part is not None:
                new.writestr(name, part)
        for name, part in (extra or {}).items():
            new.writestr(name, part)
    return target.getvalue()


def sheet_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


def refusal(content: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        open_tables(content)
    return str(refused.value.fault.code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n \r\n", "empty_file"),
        (b"%PDF-1.7 ...", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n0000", "not_a_table"),
        (b"<!DOCTYPE html><table></table>", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_excel"),
        (b"PK\x03\x04 and no more", "damaged_workbook"),
        (bytes(range(128, 256)) * 3, "unknown_encoding"),
        (b"a,b\0c\n", "not_a_table"),
        ('学校,教室\n"没有结束,甲\n'.encode(), "broken_quotes"),
    ],
)
def test_what_is_no_table_is_refused_by_its_content(content: bytes, code: str) -> None:
    assert refusal(content) == code


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_is_damaged(good: bytes, share: float) -> None:
    assert refusal(good[: int(len(good) * share)]) == "damaged_workbook"


def test_another_kind_of_archive_is_not_a_table() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("word/document.xml", "<a/>")
        zipped.writestr("[Content_Types].xml", "<a/>")
    assert refusal(archive.getvalue()) == "not_a_table"


def test_xml_that_expands_itself_is_refused(good: bytes) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    for part in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        assert refusal(repacked(good, {part: bomb})) == "dangerous_workbook"
    utf16 = bomb.decode().replace('"1.0"?', '"1.0" encoding="utf-16"?').encode("utf-16")
    assert refusal(repacked(good, {"xl/worksheets/sheet1.xml": utf16})) == "dangerous_workbook"


@pytest.fixture
def most_unpacked_bytes(monkeypatch: pytest.MonkeyPatch) -> int:
    """A limit that a test reaches in no time."""
    monkeypatch.setattr(workbook_guard, "MOST_UNPACKED_BYTES", 4 * 1024 * 1024)
    return workbook_guard.MOST_UNPACKED_BYTES


def test_an_archive_that_unpacks_to_gigabytes_is_refused_before_it_is_parsed(
    good: bytes, most_unpacked_bytes: int
) -> None:
    packed = repacked(good, {}, {"xl/media/big.bin": bytes(most_unpacked_bytes + 1)})
    assert len(packed) < most_unpacked_bytes / 10
    assert refusal(packed) == "too_large"


def test_an_archive_that_lies_about_its_size_is_refused(good: bytes, most_unpacked_bytes: int) -> None:
    lying = bytearray(repacked(good, {"xl/worksheets/sheet1.xml": b" " * (most_unpacked_bytes + 1)}))
    for signature, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        position = -1
        while (position := lying.find(signature, position + 1)) >= 0:
            if b"sheet1.xml" in lying[position : position + 80]:
                lying[position + at : position + at + 4] = struct.pack("<I", 100)
    assert refusal(bytes(lying)) in {"damaged_workbook", "too_large"}


def test_macros_are_refused(good: bytes) -> None:
    assert refusal(repacked(good, {}, {"xl/vbaProject.bin": b"..."})) == "macros"


def test_a_million_claimed_rows_are_not_believed(good: bytes) -> None:
    sheet = sheet_of(good).replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1:XFD1048576"')
    (table,) = open_tables(repacked(good, {"xl/worksheets/sheet1.xml": sheet}))
    assert [line.number for line in table.lines] == [1, 2]
    far = sheet_of(good).replace(b'<row r="2"', b'<row r="99999999999"')
    (table,) = open_tables(repacked(good, {"xl/worksheets/sheet1.xml": far}))
    assert [line.number for line in table.lines] == [1]


def test_more_rows_than_allowed_are_refused() -> None:
    assert refusal(("学校,教室\n" + "甲,乙\n" * (MOST_ROWS + 1)).encode()) == "too_many_rows"
    open_tables(("学校,教室\n" + "甲,乙\n" * MOST_ROWS).encode())


def test_endless_merged_cells_are_refused(good: bytes) -> None:
    sheet = sheet_of(good).replace(
        b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    )
    assert refusal(repacked(good, {"xl/worksheets/sheet1.xml": sheet})) == "too_many_merged"


def test_a_workbook_whose_insides_are_nonsense_is_damaged(good: bytes) -> None:
    assert refusal(repacked(good, {"xl/workbook.xml": b"<nonsense/>"})) == "damaged_workbook"
    assert refusal(repacked(good, {"xl/worksheets/sheet1.xml": b"<unclosed>"})) == "damaged_workbook"
    assert refusal(repacked(good, {"xl/workbook.xml": None})) == "damaged_workbook"


def test_formulas_are_marked_and_never_imported(desk: Any, workbook: Any, found: Any) -> None:
    rows = [*ROWS, ["school_north_1", '=HYPERLINK("http://x","教室")'], ["=A2", "乙"]]
    assert found(desk("county_north").upload(workbook({"教室": rows}), "rooms")) == [
        ("formula", 3, "B"),
        ("formula", 4, "A"),
    ]
    csv = "学校,教室名称\nschool_north_1,=1+1\nschool_north_1,＝1+1\n".encode()
    assert [code for code, *_ in found(desk("county_north").upload(csv, "rooms"))] == ["formula", "formula"]


def test_refusals_reach_the_page_as_a_report(desk: Any, found: Any) -> None:
    report = desk("county_north").upload(b"%PDF-1.7", name="教室.xlsx")
    assert (found(report), report["can_apply"]) == ([("not_a_table", None, "")], False)


def test_a_body_beyond_the_limit_is_refused_unread(signed_in: Any) -> None:
    big = {"file": ("big.csv", b"a," * (MOST_FILE_BYTES // 2 + 100_000))}
    answer = signed_in("county_north").client.post("/api/imports", data={"kind": "rooms"}, files=big)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
