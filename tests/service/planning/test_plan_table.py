"""A plan goes out as a table people can read, in both kinds of file and both languages."""

import csv
import io
from collections.abc import Callable
from typing import Any

from openpyxl import load_workbook


def test_every_need_is_a_line_with_its_lead_and_times_or_its_reason(
    pairable: Any, make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]
) -> None:
    pairable.crowd()
    pairable.add_demand("=四年级9班", "school_north_3", [(0, 1)], subject="music")
    plan = make_plan(name="秋季/配对")
    caller = signed_in("county_north")
    answer = caller.get(f"/api/plans/{plan['id']}/table", params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "%E7%A7%8B%E5%AD%A3%2F%E9%85%8D%E5%AF%B9.csv" in answer.headers["content-disposition"]
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    head, by_class = lines[0], {line[2]: dict(zip(lines[0], line, strict=True)) for line in lines[1:]}
    assert len(lines) == 7
    assert head[:3] == ["县（市、区）", "学校", "班级"]
    served = by_class["四年级1班"]
    assert (served["主讲教师"], served["状态"], served["每周得到"]) == ("colleague_north", "已排足", "2")
    assert served["上课时间"] == "周二 09:20-10:00; 周四 09:20-10:00"
    assert (by_class["四年级3班"]["状态"], by_class["四年级3班"]["每周得到"]) in {("没有排足", "1"), ("没有排上", "0")}
    assert by_class["'=四年级9班"]["原因"] == "没有主讲教师开这个年级的这门课"

    english = caller.get(f"/api/plans/{plan['id']}/table", params={"locale": "en"})
    sheet = load_workbook(io.BytesIO(english.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][:3] == ["County", "School", "Class"]
    assert len(rows) == 7
    assert {row[8] for row in rows[1:]} <= {"Served", "Under-served", "Unserved"}
    assert all(cell.data_type == "s" for row in sheet.iter_rows(min_row=2) for cell in row[:3])


def test_nobody_else_takes_the_table(make_plan: Callable[..., dict[str, Any]], signed_in: Callable[[str], Any]) -> None:
    plan = make_plan()
    assert signed_in("county_south").get(f"/api/plans/{plan['id']}/table").status_code == 404
    assert signed_in("teacher_north").get(f"/api/plans/{plan['id']}/table").status_code == 403
    assert signed_in("county_north").get(f"/api/plans/{plan['id']}/table?format=pdf").status_code == 422
