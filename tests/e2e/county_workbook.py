"""A county as its education bureau would hand it in: one workbook of eight sheets, right or with ten mistakes in it.

    county = right_county()                       the cells, by sheet and row
    mistakes = make_mistakes(county)              changes ten cells; says where and what the report must find
    write_workbook(county, folder / "全县.xlsx")   the file to upload
    mend(county, mistakes)                        puts the right cells back, as somebody would who reads the report

Run as a program it writes both files: `python county_workbook.py FOLDER`.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook

COUNTY = "云岭县"
Sheets = dict[str, list[list[Any]]]

_REFERENCE = ("县（市、区）", "学校代码", "学校")
_SCHOOLS = {
    # name: code, rooms that lead, other rooms, teachers, receiving kits
    "云岭县实验小学": ("6229010001", 2, 1, ("陈雨晴", "周文博", "沈慧敏"), 3),
    "松坪乡中心小学": ("6229010002", 1, 2, ("林建国", "罗海燕"), 3),
    "石桥村小学": ("6229010003", 0, 2, ("韩秀兰",), 2),
    "望云村小学": ("6229010004", 0, 1, ("冯志强",), 1),
    "杏花教学点": ("6229010005", 0, 1, ("邓晓梅",), 1),
}
_LEADS = (
    # code, school, number of the teacher, subject, receiving rooms at most, times
    ("YL-YY-3", "云岭县实验小学", 1, "英语", 3, "周一第2节；周三第2节"),
    ("YL-YY-3B", "云岭县实验小学", 3, "英语", 3, "周二第2节；周四第2节"),
    ("YL-XX-3", "云岭县实验小学", 3, "信息科技", 1, "周一第6节"),
    ("YL-YINYUE-3", "云岭县实验小学", 2, "音乐", 3, "周二第6节；周四第6节"),
    ("SP-MS-3", "松坪乡中心小学", 1, "美术", 3, "周一第6节；周三第6节"),
)
_SERIES_HEADER = (
    *("主讲课编号", "类别", "主讲教师", "主讲教室", "学科", "年级"),
    *("教材版本", "接收教室数上限", "上课时间"),
)
_NEEDS = (
    # school, subject, lessons a week
    ("石桥村小学", "英语", 2),
    ("石桥村小学", "音乐", 2),
    ("石桥村小学", "信息科技", 1),
    ("望云村小学", "英语", 2),
    ("望云村小学", "美术", 2),
    ("杏花教学点", "英语", 2),
    ("杏花教学点", "音乐", 2),
    ("杏花教学点", "科学", 2),
    ("杏花教学点", "信息科技", 1),
)
"""Nobody leads science, and one room alone can take part in information technology: a plan must say why two classes
have nothing. Two teachers of English in one school: one can stand in for the other."""
_FREE = {"周一": (2, 6), "周二": (6,), "周三": (2, 6), "周四": (6,), "周五": ()}
_PERIODS = 8


@dataclass(frozen=True)
class Mistake:
    """One cell made wrong on purpose: where, what was right, and the fault the report must name there."""

    sheet: str
    row: int
    column: int
    right: Any
    wrong: Any
    code: str

    @property
    def cell(self) -> str:
        """The cell as the report names it."""
        return f"{chr(ord('A') + self.column)}{self.row}"


def username(school: str, number: int) -> str:
    """The username of the `number`-th teacher of a school, from 1."""
    return f"t{_SCHOOLS[school][0][-2:]}{number:02}"


def right_county(county: str = COUNTY) -> Sheets:
    """Every sheet with its header; rows count from 1, so the first row of values is row 2."""
    return {
        "学校": [
            ["学校代码", "学校名称", "县（市、区）", "可同时接收教室数", "下行带宽（Mbit/s）", "上行带宽（Mbit/s）"],
            *([code, name, county, kits, 50, 50] for name, (code, _, _, _, kits) in _SCHOOLS.items()),
        ],
        "教室": [[*_REFERENCE, "教室名称", "可主讲", "录制许可"], *_rooms(county)],
        "教师": [[*_REFERENCE, "工号", "用户名", "姓名", "每周主讲上限"], *_teachers(county)],
        "班级": [
            [*_REFERENCE, "年级", "班级"],
            *([*_reference(county, name), "三年级", "三年级（1）班"] for name in _SCHOOLS),
        ],
        "课表": [
            [*_REFERENCE, "年级", "班级", "星期", *(f"第{n}节" for n in range(1, _PERIODS + 1))],
            *_timetables(county),
        ],
        "主讲课": [[*_REFERENCE, *_SERIES_HEADER], *_series(county)],
        "需求": [
            [*_REFERENCE, "年级", "班级", "学科", "每周节数", "教材版本", "听课教室"],
            *(
                [*_reference(county, school), "三年级", "三年级（1）班", subject, lessons, "人教版", "多媒体教室一"]
                for school, subject, lessons in _NEEDS
            ),
        ],
        "结对": [
            [*_REFERENCE, "结对学校所在县", "结对学校代码", "结对学校", "结对名称"],
            [*_reference(county, "云岭县实验小学"), *_reference(county, "石桥村小学"), "城乡结对"],
            [*_reference(county, "松坪乡中心小学"), *_reference(county, "杏花教学点"), "片区结对"],
        ],
    }  # fmt: skip


def make_mistakes(county: Sheets) -> list[Mistake]:
    """Make ten cells wrong, as people do; gives what was right, in the order a report lists them."""
    planned = (
        ("学校", 4, 2, "云领县", "place_unknown"),
        ("学校", 6, 4, "五十兆", "not_a_number"),
        ("教室", 2, 4, "也许", "not_yes_or_no"),
        ("教室", 5, 3, None, "missing_value"),
        ("教师", 3, 6, 99, "out_of_range"),
        ("教师", 6, 4, "luo haiyan", "bad_username"),
        ("班级", 3, 3, "十三年级", "not_one_of"),
        ("课表", 2, 5, "周八", "not_one_of"),
        ("主讲课", 2, 11, "每天早上", "bad_periods"),
        ("需求", 3, 6, "=1+1", "formula"),
    )
    mistakes = []
    for sheet, row, column, wrong, code in planned:
        cells = county[sheet][row - 1]
        mistakes.append(Mistake(sheet, row, column, cells[column], wrong, code))
        cells[column] = wrong
    return mistakes


def mend(county: Sheets, mistakes: Iterable[Mistake]) -> None:
    """Put the right cells back."""
    for mistake in mistakes:
        county[mistake.sheet][mistake.row - 1][mistake.column] = mistake.right


def write_workbook(county: Sheets, path: Path) -> Path:
    """Write the file to upload; gives its path."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in county.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def _reference(county: str, school: str) -> list[Any]:
    return [county, _SCHOOLS[school][0], school]


def _rooms(county: str) -> Iterable[list[Any]]:
    for school, (_, leading, others, _, _) in _SCHOOLS.items():
        for number in range(leading):
            yield [*_reference(county, school), f"录播教室{'一二'[number]}", "是", "同意"]
        for number in range(others):
            yield [*_reference(county, school), f"多媒体教室{'一二'[number]}", "否", "同意"]


def _teachers(county: str) -> Iterable[list[Any]]:
    for school, (code, _, _, names, _) in _SCHOOLS.items():
        for number, name in enumerate(names, 1):
            yield [*_reference(county, school), f"{code[-4:]}{number:02}", username(school, number), name, 4]


def _series(county: str) -> Iterable[list[Any]]:
    for code, school, teacher, subject, seats, times in _LEADS:
        room = f"录播教室{'一二'[(teacher - 1) % _SCHOOLS[school][1]]}"
        who = (code, "固定", username(school, teacher), room)
        yield [*_reference(county, school), *who, subject, "三年级", "人教版", seats, times]


def _timetables(county: str) -> Iterable[list[Any]]:
    """Receiving classes are free whenever somebody leads, but for the teaching point on Wednesdays."""
    for school in ("石桥村小学", "望云村小学", "杏花教学点"):
        for day, free in _FREE.items():
            open_hours = () if (school, day) == ("杏花教学点", "周三") else free
            hours = ["空闲" if n in open_hours else "语文" if n == 1 else "占用" for n in range(1, _PERIODS + 1)]
            yield [*_reference(county, school), "三年级", "三年级（1）班", day, *hours]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sheets = right_county()
    write_workbook(sheets, folder / "county-right.xlsx")
    make_mistakes(sheets)
    write_workbook(sheets, folder / "county-ten-mistakes.xlsx")
