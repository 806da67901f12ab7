"""A whole county in one workbook: brought in, brought in again, taken out and brought in once more."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from service.accounts.tables import User
from service.exchange.tables import SchoolCode, StaffNumber
from service.organisation.tables import Organisation, SchoolClass
from service.planning.tables import ClassPeriod, Demand, LeadSeries, LeadTeacher, Pact, SchoolCapacity
from service.rooms.tables import Room

TABLES = (Organisation, Room, User, SchoolClass, ClassPeriod, LeadSeries, Demand, Pact, SchoolCapacity, LeadTeacher)


def counts(county: Any) -> dict[str, int]:
    with county.parts.database.reading() as session:
        return {t.__tablename__: session.scalar(select(func.count()).select_from(t)) or 0 for t in TABLES}


def rows_of(county: Any, table: Any) -> list[Any]:
    with county.parts.database.reading() as session:
        return list(session.scalars(select(table)))


def test_a_dry_run_writes_nothing(county: Any, desk: Any, workbook: Any, county_sheets: Any) -> None:
    before = counts(county)
    report = desk("county_north").upload(workbook(county_sheets))
    assert report["faults"] == []
    assert report["can_apply"]
    assert report["change_total"] == 13
    assert counts(county) == before


def test_every_table_arrives(county: Any, desk: Any, workbook: Any, county_sheets: Any) -> None:
    before = counts(county)
    desk("county_north").bring(workbook(county_sheets))
    added = {name: count - before[name] for name, count in counts(county).items()}
    assert added == {
        "organisations": 2, "rooms": 2, "users": 2, "classes": 2, "class_periods": 5, "lead_series": 1, "demands": 1,
        "pacts": 1, "school_capacities": 2, "lead_teachers": 1,
    }  # fmt: skip
    series = rows_of(county, LeadSeries)[0]
    assert [(t.weekday, t.period, t.weeks) for t in series.times] == [(0, 3, "every"), (2, 3, "odd")]
    assert (series.school.name, series.teacher.display_name, series.room.name) == (
        "云岭县实验小学",
        "陈雨晴",
        "录播教室一",
    )
    assert (series.subject, series.grade, series.seats, series.lessons) == ("english", "grade_3", 3, 2)
    demand = rows_of(county, Demand)[0]
    assert (demand.subject, demand.lessons, demand.edition) == ("english", 2, "人教版")
    assert None not in (demand.room_id, demand.accompanying_teacher_id, demand.last_lead_id)
    assert {row.code for row in rows_of(county, SchoolCode)} == {"S1", "S2"}
    assert {row.number for row in rows_of(county, StaffNumber)} == {"T0001", "20020"}
    assert {row.down_kbps for row in rows_of(county, SchoolCapacity)} == {20_000, 8_500}
    assert {(row.weekday, row.period) for row in rows_of(county, ClassPeriod) if row.free} == {(0, 3), (2, 3)}


def test_the_same_file_again_changes_nothing(desk: Any, workbook: Any, county_sheets: Any) -> None:
    somebody = desk("county_north")
    somebody.bring(workbook(county_sheets))
    again = somebody.upload(workbook(county_sheets))
    assert (again["change_total"], again["faults"]) == (0, [])
    assert sum(count["unchanged"] for count in again["counts"]) == 13


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_what_is_exported_can_be_imported_without_any_change(
    desk: Any, workbook: Any, county_sheets: Any, locale: str
) -> None:
    somebody = desk("county_north")
    somebody.bring(workbook(county_sheets))
    again = somebody.upload(somebody.export("county", locale=locale))
    assert (again["changes"], again["faults"]) == ([], [])
    assert {count["kind"] for count in again["counts"]} == {
        "schools", "rooms", "teachers", "classes", "timetables", "series", "demands", "pacts",
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["schools", "rooms", "teachers", "classes", "timetables", "series", "demands", "pacts"]
)
def test_each_table_goes_out_and_in_as_csv_too(desk: Any, workbook: Any, county_sheets: Any, kind: str) -> None:
    somebody = desk("county_north")
    somebody.bring(workbook(county_sheets))
    again = somebody.upload(somebody.export(kind, format="csv"), kind)
    assert (again["changes"], again["faults"]) == ([], [])
    assert again["counts"][0]["rows"] > 0


def test_what_changed_is_listed_before_it_is_done(desk: Any, workbook: Any, county_sheets: Any, county: Any) -> None:
    somebody = desk("county_north")
    somebody.bring(workbook(county_sheets))
    county_sheets["学校"][1][1] = "云岭县第一小学"
    for rows in county_sheets.values():
        for row in rows[1:]:
            row[:] = ["云岭县第一小学" if cell == "云岭县实验小学" else cell for cell in row]
    county_sheets["教室"][2][5] = "不同意"
    county_sheets["教师"][1][6] = 6
    county_sheets["课表"][1][6:9] = ["语文", "空闲", "空闲"]
    county_sheets["需求"][1][6] = 3
    report = somebody.upload(workbook(county_sheets))
    assert report["faults"] == []
    listed = [(c["action"], c["kind"], c["row"], [(f["field"], f["before"], f["after"]) for f in c["fields"]])
              for c in report["changes"]]  # fmt: skip
    assert listed == [
        ("update", "schools", 2, [("name", "云岭县实验小学", "云岭县第一小学")]),
        ("update", "rooms", 3, [("recording_consent", "未知", "不同意")]),
        ("update", "teachers", 2, [("weekly_limit", 4, 6)]),
        ("update", "timetables", 2, [("period_2", "占用", "空闲")]),
        ("update", "demands", 2, [("lessons", 2, 3)]),
    ]
    assert somebody.apply(report).status_code == 200
    assert "云岭县第一小学" in {node.name for node in rows_of(county, Organisation)}


def test_new_teachers_cannot_sign_in_until_somebody_sets_a_password(
    desk: Any, workbook: Any, county_sheets: Any, county: Any, anonymous: Any
) -> None:
    somebody = desk("county_north")
    somebody.bring(workbook(county_sheets))
    for password in ("", "chenyuqing", "T0001"):
        body = {"username": "chenyuqing", "password": password}
        assert anonymous.post("/api/session", json=body).status_code in (401, 422)
    user = next(user for user in rows_of(county, User) if user.username == "chenyuqing")
    given = {"password": "a good long password"}
    assert somebody.caller.post(f"/api/users/{user.id}/password", json=given).status_code == 204
    anonymous.sign_in("chenyuqing", given["password"])


def test_an_import_is_applied_once(desk: Any, workbook: Any, county_sheets: Any) -> None:
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    assert somebody.apply(report).status_code == 200
    second = somebody.apply(report)
    assert (second.status_code, second.json()["code"]) == (409, "import_applied")


def test_nobody_applies_another_persons_import(
    desk: Callable[[str], Any], workbook: Any, county_sheets: Any, clock: Any
) -> None:
    report = desk("county_north").upload(workbook(county_sheets))
    assert desk("county_south").apply(report).status_code == 404
    assert desk("system").apply(report).status_code == 404
    clock.advance(days=1, minutes=1)
    assert desk("county_north").apply(report).status_code == 404
