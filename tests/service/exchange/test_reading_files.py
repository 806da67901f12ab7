"""Files as Excel and WPS in China write them: encodings, merged cells, dates, full-width digits, notes."""

from datetime import date, datetime
from typing import Any

import pytest

ROOMS = "学校,教室名称,可主讲\nschool_north_1,录播教室一,是\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_in_every_usual_encoding(desk: Any, encoding: str, delimiter: str) -> None:
    report = desk("county_north").upload(ROOMS.replace(",", delimiter).encode(encoding), "rooms")
    assert report["faults"] == []
    assert report["changes"][0]["name"] == "school_north_1 录播教室一"


def test_gb18030_characters_beyond_gbk(desk: Any) -> None:
    report = desk("county_north").upload(ROOMS.replace("一,", "𠮷,").encode("gb18030"), "rooms")
    assert report["changes"][0]["name"] == "school_north_1 录播教室𠮷"


def test_merged_cells_speak_for_all_they_cover(desk: Any, workbook: Any) -> None:
    rows = [
        ["全县教室一览表", None, None],
        ["学校", "教室名称", "可主讲"],
        ["school_north_1", "甲", "是"],
        [None, "乙", "否"],
        [None, "丙", None],
        ["school_north_2", "甲", None],
    ]
    merged = [("教室", "A1:C1"), ("教室", "A3:A5"), ("教室", "C4:C5")]
    report = desk("county_north").upload(workbook({"教室": rows}, merged), "rooms")
    assert report["faults"] == []
    assert [change["name"] for change in report["changes"]] == [
        "school_north_1 甲", "school_north_1 乙", "school_north_1 丙", "school_north_2 甲",
    ]  # fmt: skip
    assert [change["row"] for change in report["changes"]] == [3, 4, 5, 6]


def test_full_width_digits_letters_and_spaces(desk: Any, workbook: Any, county: Any) -> None:
    county.add_room("多媒体教室1", "school_north_1")
    rows = [
        ["学校　", " 教室名称*", "可主讲"],
        ["school_north_1", "多媒体教室１", "Ｙｅｓ"],
        ["　school_north_1 ", "　Ａ２０３　教室　", "否"],
    ]
    report = desk("county_north").upload(workbook({"教室": rows}), "rooms")
    assert report["faults"] == []
    assert [(change["action"], change["name"]) for change in report["changes"]] == [
        ("create", "school_north_1 A203 教室"),
    ]  # fmt: skip
    assert report["counts"][0]["unchanged"] == 1


def test_numbers_stay_what_people_see(desk: Any, workbook: Any) -> None:
    rows = [
        ["学校代码", "学校名称", "县（市、区）"],
        [6229010011.0, "甲小学", "county_north"],
        [1e3, "乙小学", "county_north"],
    ]
    report = desk("county_north").upload(workbook({"学校": rows}), "schools")
    codes = [field["after"] for change in report["changes"] for field in change["fields"] if field["field"] == "code"]
    assert codes == ["6229010011", "1000"]


@pytest.mark.parametrize("value", [date(2026, 3, 1), datetime(2026, 3, 1)])
def test_what_excel_turned_into_a_date_is_told(desk: Any, workbook: Any, found: Any, value: date) -> None:
    rows = [["学校", "年级", "班级"], ["school_north_1", "三年级", value]]
    assert found(desk("county_north").upload(workbook({"班级": rows}), "classes")) == [("became_date", 2, "C")]


def test_oneroster_files(desk: Any) -> None:
    somebody = desk("county_north")
    orgs = "sourcedId,status,dateLastModified,name,type,identifier\n6201,active,2026-09-01,第七小学,school,\n"
    report = somebody.upload(
        orgs.replace("sourcedId", "sourcedId,county").replace("6201", "6201,county_north").encode(), "schools"
    )
    assert report["error_total"] == 0, report["faults"]
    assert somebody.apply(report).status_code == 200
    users = (
        "sourcedId,status,enabledUser,orgSourcedIds,role,username,givenName,familyName,email\n"
        "u1,active,true,6201,teacher,zhangsan,三,张,\nu2,active,true,6201,teacher,annlee,Ann,Lee,a@b.cn\n"
    )
    report = somebody.upload(users.encode(), "teachers")
    assert (report["faults"], [change["name"] for change in report["changes"]]) == (
        [], ["第七小学 张三", "第七小学 Ann Lee"],
    )  # fmt: skip
    classes = "sourcedId,title,grades,schoolSourcedId\nc1,一班,03,6201\n"
    report = somebody.upload(classes.encode(), "classes")
    assert report["changes"][0]["name"] == "第七小学 一班"
    assert somebody.upload(users.replace("teacher,zhang", "student,zhang").encode(), "teachers")["error_total"] == 1


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize(
    "kind", ["county", "schools", "rooms", "teachers", "classes", "timetables", "series", "demands", "pacts"]
)
def test_a_template_is_understood_and_its_example_is_not_imported(desk: Any, kind: str, locale: str) -> None:
    somebody = desk("county_north")
    for form in ("xlsx",) if kind == "county" else ("xlsx", "csv"):
        answer = somebody.caller.get(f"/api/templates/{kind}", params={"format": form, "locale": locale})
        assert answer.status_code == 200
        report = somebody.upload(answer.content, kind)
        assert [fault["code"] for fault in report["faults"]] == ["no_rows"]


def test_a_county_is_never_one_csv(desk: Any) -> None:
    answer = desk("county_north").caller.get("/api/exports/county", params={"format": "csv"})
    assert (answer.status_code, answer.json()["code"]) == (422, "workbook_only")


def test_templates_offer_choices_and_explain_their_columns(desk: Any) -> None:
    import io

    from openpyxl import load_workbook

    answer = desk("county_north").caller.get("/api/templates/rooms")
    book = load_workbook(io.BytesIO(answer.content))
    sheet = book["教室"]
    assert [cell.value for cell in sheet[1]] == ["县（市、区）", "学校代码", "学校", "教室名称", "可主讲", "录制许可"]
    assert all(cell.comment and cell.comment.text for cell in sheet[1])
    lists = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert [area.split("2:")[0] for area in lists] == ["E", "F"]
    assert book["_lists"].sheet_state == "hidden"
    assert [cell.value for cell in book["_lists"]["A"]][:2] == ["是", "否"]
