"""An import is done as a whole or not at all, and only if it still does what was shown."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text

from service.accounts.tables import User
from service.exchange.tables import Import
from service.organisation.tables import Organisation, SchoolClass
from service.planning.tables import ClassPeriod, Demand, LeadSeries, Pact
from service.rooms.tables import Room

TABLES = (Organisation, Room, User, SchoolClass, ClassPeriod, LeadSeries, Demand, Pact)


def counts(county: Any) -> list[int]:
    with county.parts.database.reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


@pytest.mark.parametrize(
    ("table", "expression"),
    [
        ("organisations", "CASE WHEN name IN ('云岭县实验小学', '石桥村小学') THEN 1 END"),
        ("rooms", "can_lead"),
        ("class_periods", "free"),
        ("pacts", "length(id)"),
    ],
)
def test_a_constraint_that_breaks_anywhere_undoes_everything(
    county: Any, desk: Any, workbook: Any, county_sheets: Any, table: str, expression: str
) -> None:
    somebody = desk("county_north")
    county_sheets["教室"].append(["county_north", "S1", None, "录播教室二", "是", None])
    county_sheets["结对"].append(["county_north", None, "school_north_1", "county_north", "S1", None, None])
    report = somebody.upload(workbook(county_sheets))
    assert report["faults"] == []
    before = counts(county)
    with county.parts.database.unit_of_work() as session:
        session.execute(text(f"CREATE UNIQUE INDEX one_only ON {table} ({expression})"))
    answer = somebody.apply(report)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert counts(county) == before
    with county.parts.database.unit_of_work() as session:
        session.execute(text("DROP INDEX one_only"))
    assert somebody.apply(report).status_code == 200


def test_what_no_longer_fits_is_refused_and_writes_nothing(
    county: Any, desk: Any, workbook: Any, county_sheets: Any
) -> None:
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    county.add_organisation("taken", "school", "county_north", "石桥村小学")
    before = counts(county)
    answer = somebody.apply(report)
    assert (answer.status_code, answer.json()["code"]) == (409, "import_outdated")
    assert counts(county) == before
    again = somebody.upload(workbook(county_sheets))
    assert [c["action"] for c in again["changes"] if c["kind"] == "schools"] == ["create", "update"]
    assert somebody.apply(again).status_code == 200


def test_what_vanished_since_is_refused(county: Any, desk: Any, workbook: Any) -> None:
    room = county.add_room("旧教室", "school_north_1")
    somebody = desk("county_north")
    report = somebody.upload(workbook({"教室": [["学校", "教室名称", "可主讲"], ["school_north_1", "旧教室", "否"]]}))
    assert report["changes"][0]["action"] == "update"
    with county.parts.database.unit_of_work() as session:
        session.get_one(Room, room.id).can_lead = False
    assert somebody.apply(report).json()["code"] == "import_outdated"


def test_changes_elsewhere_do_not_stand_in_the_way(
    county: Any, desk: Callable[[str], Any], workbook: Any, county_sheets: Any
) -> None:
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    county.add_room("另一间教室", "school_north_2")
    county.add_organisation("elsewhere", "school", "county_south", "石桥村小学")
    assert somebody.apply(report).status_code == 200


def test_uploads_do_not_pile_up(county: Any, desk: Any, workbook: Any, clock: Any) -> None:
    somebody = desk("county_north")
    content = workbook({"教室": [["学校", "教室名称"], ["school_north_1", "新教室"]]})
    reports = []
    for _ in range(7):
        clock.advance(seconds=1)
        reports.append(somebody.upload(content))
    with county.parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Import)) == 5
    assert somebody.apply(reports[0]).status_code == 404
    assert somebody.apply(reports[-1]).status_code == 200
    with county.parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Import).where(Import.content.is_(None))) == 1
