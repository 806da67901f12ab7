"""Files as people make them, and a county to import them into."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import Workbook

Rows = Sequence[Sequence[Any]]


BOTH_DATABASES = ("test_county", "test_round_trip", "test_calendars")
"""Modules that hold the contract: what an import writes and an export reads is the same on both."""


def pytest_generate_tests(metafunc: Any) -> None:
    if "database_url" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in BOTH_DATABASES:
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_url(request: Any, tmp_path: Any, empty_database_file: Any) -> Iterator[str]:
    """SQLite, unless a test is made for both."""
    if getattr(request, "param", "sqlite") == "sqlite":
        file = tmp_path / "test.sqlite3"
        file.write_bytes(empty_database_file.read_bytes())
        yield f"sqlite:///{file}"
        return
    with request.getfixturevalue("postgresql").copy_of_template(f"t_{uuid4().hex}") as url:
        yield url


@pytest.fixture
def workbook() -> Callable[..., bytes]:
    """A workbook of sheets by name; `merged` are ranges such as ("学校", "A2:A4")."""

    def make(sheets: dict[str, Rows], merged: Sequence[tuple[str, str]] = ()) -> bytes:
        book = Workbook()
        book.remove(book.worksheets[0])
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        for title, area in merged:
            book[title].merge_cells(area)
        file = io.BytesIO()
        book.save(file)
        return file.getvalue()

    return make


class Desk:
    """Somebody at the import page."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller

    def upload(self, content: bytes, kind: str = "county", name: str = "table.xlsx") -> Any:
        answer = self.caller.client.post("/api/imports", data={"kind": kind}, files={"file": (name, content)})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def apply(self, report: Any) -> Any:
        return self.caller.post(f"/api/imports/{report['id']}/apply")

    def bring(self, content: bytes, kind: str = "county") -> Any:
        report = self.upload(content, kind)
        assert report["faults"] == []
        answer = self.apply(report)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def export(self, kind: str, **query: str) -> bytes:
        answer = self.caller.get(f"/api/exports/{kind}", params=query)
        assert answer.status_code == 200, answer.text
        return bytes(answer.content)


@pytest.fixture
def desk(signed_in: Callable[[str], Any]) -> Callable[[str], Desk]:
    return lambda username: Desk(signed_in(username))


def faults(report: Any) -> list[tuple[str, int | None, str]]:
    """Code, row and column of each fault."""
    return [(fault["code"], fault["row"], fault["column"]) for fault in report["faults"]]


@pytest.fixture
def found() -> Callable[[Any], list[tuple[str, int | None, str]]]:
    return faults


@pytest.fixture
def county_sheets() -> dict[str, list[list[Any]]]:
    """A small right county for `county_north`: every table, each referring to those before it."""
    ref = ["县（市、区）", "学校代码", "学校"]
    one, two = ["county_north", "S1", "云岭县实验小学"], ["county_north", "S2", "石桥村小学"]
    return {
        "学校": [
            ["学校代码", "学校名称", "县（市、区）", "可同时接收教室数", "下行带宽（Mbit/s）"],
            ["S1", "云岭县实验小学", "county_north", 2, 20],
            ["S2", "石桥村小学", "county_north", 1, 8.5],
        ],
        "教室": [
            [*ref, "教室名称", "可主讲", "录制许可"],
            [*one, "录播教室一", "是", "同意"],
            [*two, "多媒体教室１", "否", None],
        ],
        "教师": [
            [*ref, "工号", "用户名", "姓名", "每周主讲上限"],
            [*one, "T0001", "chenyuqing", "陈雨晴", 4],
            [*two, 20020, None, "林建国", None],
        ],
        "班级": [[*ref, "年级", "班级"], [*one, "三年级", "三年级（1）班"], [*two, 3, "三年级（1）班"]],
        "课表": [
            [*ref, "年级", "班级", "星期", "第1节", "第2节", "第3节"],
            [*two, "三年级", "三年级（1）班", "周一", "语文", "占用", "空闲"],
            [*two, "三年级", "三年级（1）班", "星期三", "数学", None, "空"],
        ],
        "主讲课": [
            [*ref, "主讲课编号", "主讲教师", "主讲教室", "学科", "年级", "班级", "教材版本", "上课时间"],
            [
                *one,
                "EN3",
                "陈雨晴",
                "录播教室一",
                "英语",
                "三年级",
                "三年级（1）班",
                "人教版",
                "周一第3节；周三第3节（单周）",
            ],
        ],
        "需求": [
            [*ref, "年级", "班级", "学科", "每周节数", "教材版本", "听课教室", "辅助教师", "上学期主讲教师"],
            [*two, "三年级", "三年级（1）班", "英语", 2, "人教版", "多媒体教室1", "林建国", "chenyuqing"],
        ],
        "结对": [[*ref, "结对学校所在县", "结对学校代码", "结对学校", "结对名称"], [*one, *two, "城乡一组"]],
    }
