"""What is wrong in a file is said at its cell, and nothing of such a file can be applied."""

import re
from pathlib import Path
from typing import Any

import pytest

from service.exchange.faults import FaultCode

REFERENCE = ["县（市、区）", "学校代码", "学校"]
ROOT = Path(__file__).parents[3]


def test_ten_mistakes_of_one_county_are_told_at_their_cells(
    desk: Any, workbook: Any, county_sheets: Any, found: Any
) -> None:
    s = county_sheets
    s["学校"].append(["S1", "重复的学校", "county_north", 1, 20])  # 1 the same code twice
    s["学校"].append(["S3", "望云村小学", "没有的县", 1, 20])  # 2 no such county
    s["教室"][1][4] = "也许"  # 3 neither yes nor no
    s["教室"].append(["county_north", None, "不存在的小学", "教室", "是", None])  # 4 no such school
    s["教师"][1][6] = "四"  # 5 not a number
    s["教师"].append(["county_north", "S1", None, None, None, "无名氏", 4])  # 6 neither number nor username
    s["班级"].append(["county_north", "S1", None, "十三年级", "一班"])  # 7 no such grade
    s["课表"][1][5] = "周八"  # 8 no such day
    s["主讲课"][1][10] = "每天"  # 9 no such times
    s["需求"][1][6] = None  # 10 how many lessons is missing
    report = desk("county_north").upload(workbook(s))
    assert found(report) == [
        ("double_row", 4, ""),
        ("place_unknown", 5, "C"),
        ("not_yes_or_no", 2, "E"),
        ("school_unknown", 4, "C"),
        ("not_a_number", 2, "G"),
        ("missing_value", 4, "E"),
        ("not_one_of", 4, "D"),
        ("not_one_of", 2, "F"),
        ("bad_periods", 2, "K"),
        ("missing_value", 2, "G"),
    ]
    assert report["error_total"] == 10  # and nothing that rests on a row with a mistake is told again
    assert (report["id"], report["can_apply"]) == ("", False)
    by_code = {fault["code"]: fault for fault in report["faults"]}
    assert by_code["place_unknown"] | {"expected": {}} == {
        "code": "place_unknown", "severity": "error", "sheet": "学校", "row": 5, "column": "C",
        "header": "县（市、区）", "found": "没有的县", "expected": {},
    }  # fmt: skip
    assert by_code["not_a_number"]["expected"] == {"lowest": 0, "highest": 40}
    assert by_code["double_row"]["expected"] == {"first_row": 2}


ROWS: list[tuple[str, list[str], list[Any], str, str]] = [
    ("schools", ["学校名称", "县（市、区）"], ["甲" * 121, "county_north"], "too_long", "A"),
    ("schools", ["学校名称", "县（市、区）"], ["甲\ue000", "county_north"], "unprintable", "A"),
    ("schools", ["学校名称", "县（市、区）", "下行带宽"], ["新学校", "county_north", 5], "missing_value", ""),
    ("schools", ["学校名称", "县（市、区）", "接收教室数"], ["新学校", "county_north", -1], "out_of_range", "C"),
    ("schools", ["学校名称", "县（市、区）"], ["school_north_1", "county_south"], "place_unknown", "B"),
    ("rooms", ["学校", "教室名称"], ["school_south_1", "教室"], "school_unknown", "A"),
    ("rooms", ["学校", "教室名称"], ["school_north_1", None], "missing_value", "B"),
    ("rooms", ["学校", "教室名称", "录制许可"], ["school_north_1", "教室", "maybe"], "not_one_of", "C"),
    ("teachers", ["学校", "用户名", "姓名"], ["school_north_1", "a b", "张三"], "bad_username", "B"),
    ("teachers", ["学校", "用户名", "姓名"], ["school_north_1", "teacher_south", "张三"], "username_taken", "B"),
    ("teachers", ["学校", "用户名", "姓名"], ["school_north_1", "school_north", "张三"], "username_taken", "B"),
    ("teachers", ["学校", "用户名", "姓名", "角色"], ["school_north_1", "li", "李四", "student"], "not_one_of", "D"),
    ("classes", ["学校", "年级", "班级"], ["school_north_1", "三年级", "=1+1"], "formula", "C"),
    ("timetables", ["学校", "年级", "班级", "星期"],
     ["school_north_1", "三年级", "一班", "周一"], "class_unknown", "C"),
    ("series", ["学校", "主讲课编号", "主讲教师", "主讲教室", "学科", "年级", "上课时间"],
     ["school_north_1", "A", "nobody", "教室", "英语", "三年级", "周一3"], "teacher_unknown", "C"),
    ("demands", ["学校", "年级", "班级", "学科", "每周节数"],
     ["school_north_1", "三年级", "一班", "英语", 2], "class_unknown", "C"),
    ("pacts", ["学校", "结对学校"], ["school_north_1", "school_north_1"], "same_school", "B"),
    ("pacts", ["学校", "结对学校"], ["school_north_1", "school_south_1"], "school_unknown", "B"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "header", "row", "code", "column"), ROWS)
def test_a_bad_row_of_each_kind(
    desk: Any, workbook: Any, found: Any, kind: str, header: list[str], row: list[Any], code: str, column: str
) -> None:
    report = desk("county_north").upload(workbook({"表": [header, row]}), kind)
    places = [(fault["code"], fault["column"]) for fault in report["faults"]]
    assert (code, column) in places
    assert not report["can_apply"]


def test_columns_that_are_missing_unknown_or_double(desk: Any, workbook: Any, found: Any) -> None:
    somebody = desk("county_north")
    assert found(somebody.upload(workbook({"班级": [["学校", "班级"], ["school_north_1", "一班"]]}), "classes")) == [
        ("missing_column", 1, "")
    ]
    header = ["学校", "年级", "班级", "班主任", "班级名称"]
    report = somebody.upload(workbook({"班级": [header, ["school_north_1", 3, "一班", "王", "一班"]]}), "classes")
    assert found(report) == [("double_column", 1, "E"), ("unknown_column", 1, "D")]


def test_an_unknown_column_or_sheet_is_told_and_stops_nothing(desk: Any, workbook: Any) -> None:
    somebody = desk("county_north")
    sheets = {"班级": [["学校", "年级", "班级", "班主任"], ["school_north_1", 3, "一班", "王"]], "备注": [["说明"]]}
    report = somebody.upload(workbook(sheets))
    assert [(fault["code"], fault["severity"]) for fault in report["faults"]] == [
        ("unknown_column", "warning"),
        ("unknown_sheet", "warning"),
    ]
    assert somebody.apply(report).status_code == 200


def test_a_school_administrator_changes_their_own_school_only(desk: Any, workbook: Any, found: Any) -> None:
    somebody = desk("school_north")
    own = {"教室": [["学校", "教室名称"], ["school_north_1", "录播教室"]]}
    assert somebody.upload(workbook(own))["change_total"] == 1
    unnamed = {"教室": [["教室名称", "可主讲"], ["录播教室", "是"]]}
    assert somebody.upload(workbook(unnamed))["change_total"] == 1
    other = {"教室": [["学校", "教室名称"], ["school_north_2", "录播教室"]]}
    assert found(somebody.upload(workbook(other))) == [("school_unknown", 2, "A")]
    new = {"学校": [["学校名称", "县（市、区）"], ["新学校", "county_north"]]}
    assert found(somebody.upload(workbook(new))) == [("not_yours", 2, "A")]


@pytest.mark.parametrize("username", ["teacher_north", "researcher_north", "inspector_north"])
def test_others_than_administrators_import_and_export_nothing(signed_in: Any, username: str) -> None:
    caller = signed_in(username)
    files = {"file": ("a.csv", b"a")}
    assert caller.client.post("/api/imports", data={"kind": "rooms"}, files=files).status_code == 403
    assert caller.get("/api/exports/rooms").status_code == 403
    assert caller.get("/api/templates/rooms").status_code == 403
    assert caller.post("/api/imports/x/apply").status_code == 403


def test_an_export_holds_ones_own_subtree_only(desk: Any, county: Any) -> None:
    county.add_room("北边教室", "school_north_1")
    county.add_room("南边教室", "school_south_1")
    text = desk("county_north").export("rooms", format="csv").decode("utf-8-sig")
    assert "北边教室" in text
    assert "南边教室" not in text


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_fault_has_words_in_both_languages(locale: str) -> None:
    text = (ROOT / f"web/src/exchange/messages.{locale}.ts").read_text()
    for part in ("fault", "expect"):
        block = re.search(rf"\n  {part}: \{{\n(.*?)\n  \}},", text, re.DOTALL)
        assert block
        assert set(re.findall(r"^    (\w+):", block[1], re.MULTILINE)) == {str(code) for code in FaultCode}
