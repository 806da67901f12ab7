"""The workbook of the end-to-end story: its ten mistakes are found exactly, and mended it can be imported."""

from pathlib import Path
from typing import Any

from county_workbook import make_mistakes, mend, right_county, write_workbook


def test_ten_mistakes_are_found_and_mended(desk: Any, tmp_path: Path) -> None:
    somebody = desk("county_north")
    sheets = right_county("county_north")
    mistakes = make_mistakes(sheets)
    assert len(mistakes) == 10
    report = somebody.upload(write_workbook(sheets, tmp_path / "county.xlsx").read_bytes())
    told = {(fault["sheet"], f"{fault['column']}{fault['row']}", fault["code"]) for fault in report["faults"]}
    assert told == {(mistake.sheet, mistake.cell, mistake.code) for mistake in mistakes}
    mend(sheets, mistakes)
    somebody.bring(write_workbook(sheets, tmp_path / "county.xlsx").read_bytes())
