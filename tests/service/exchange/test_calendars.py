"""Bells, terms and special days in and out: for a county or a school, checked together, an export changes nothing."""

from collections.abc import Callable
from datetime import date, time
from typing import Any

import pytest

Sheets = dict[str, list[list[Any]]]


@pytest.fixture
def calendar_sheets() -> Sheets:
    ref = ["县（市、区）", "学校"]
    return {
        "作息": [
            [*ref, "起始日期", "第几节", "上课时刻", "下课时刻"],
            ["county_north", None, None, 1, "8:30", time(9, 10)],
            ["county_north", None, None, 2, "09：20", "10时00分"],
            ["county_north", None, date(2026, 10, 8), 1, "8:40", "9:20"],
            [None, "school_north_1", None, 1, "8:20", "9:00"],
        ],
        "学期": [
            [*ref, "学期名称", "开学日期", "结束日期"],
            [None, None, "2026 秋季学期", "2026/9/1", "2027年1月20日"],
        ],
        "校历": [
            [*ref, "日期", "安排", "单双周", "说明"],
            ["county_north", None, "2026-10-01", "放假", None, "国庆节"],
            [None, "school_north_2", date(2026, 10, 10), "周四", "双周", "补课"],
        ],
    }


def test_a_countys_calendar_is_brought_and_its_export_changes_nothing(
    calendar_sheets: Sheets, workbook: Callable[..., bytes], desk: Callable[[str], Any], county: Any
) -> None:
    north = desk("county_north")
    done = north.bring(workbook(calendar_sheets))
    assert {one["kind"]: one["created"] for one in done["counts"] if one["created"]} == {
        "bells": 4,
        "terms": 1,
        "special_days": 2,
    }
    caller, ids = north.caller, county.organisations
    bells = caller.get(f"/api/organisations/{ids['school_north_2'].id}/periods").json()
    assert [(one["starts"], one["ends"]) for one in bells["items"]] == [("08:30", "09:10"), ("09:20", "10:00")]
    assert caller.get(f"/api/organisations/{ids['school_north_1'].id}/periods").json()["items"][0]["starts"] == "08:20"
    days = caller.get(f"/api/organisations/{ids['school_north_2'].id}/calendar").json()["special_days"]
    assert [(one["date"], one["runs"], one["of_week"]) for one in days] == [
        ("2026-10-01", None, None),
        ("2026-10-10", 3, "even"),
    ]
    seasons = caller.get(f"/api/organisations/{ids['county_north'].id}/calendar").json()["seasons"]
    assert [one["from_day"] for one in seasons] == ["2026-10-08"]
    for locale in ("zh-CN", "en"):
        again = north.upload(north.export("county", locale=locale))
        assert again["faults"] == []
        assert again["changes"] == []


@pytest.mark.parametrize(
    ("sheet", "row", "code", "column"),
    [
        ("作息", [None, None, None, 3, "9:50", "10:30"], "not_in_order", "E"),
        ("作息", [None, None, None, 3, "11:00", "10:30"], "not_in_order", "F"),
        ("作息", [None, None, None, 3, "25:00", "10:30"], "not_a_time", "E"),
        ("学期", [None, None, "另一个", "2026-12-01", "2027-02-01"], "term_clash", "D"),
        ("学期", [None, None, "另一个", "明年", "2027-02-01"], "not_a_day", "D"),
        ("校历", ["county_south", None, "2026-10-02", "放假", None, None], "place_unknown", "A"),
        ("校历", [None, None, "2026-10-02", "放假", "单周", None], "not_in_order", "E"),
        ("校历", [None, None, "2026-10-02", "看情况", None, None], "not_one_of", "D"),
    ],
)
def test_a_mistake_is_told_at_its_cell_and_nothing_is_brought(
    calendar_sheets: Sheets,
    workbook: Callable[..., bytes],
    desk: Callable[[str], Any],
    found: Callable[[Any], Any],
    sheet: str,
    row: list[Any],
    code: str,
    column: str,
) -> None:
    calendar_sheets[sheet].append(row)
    report = desk("county_north").upload(workbook(calendar_sheets))
    assert found(report) == [(code, len(calendar_sheets[sheet]), column)]
    assert report["id"] in ("", None)
