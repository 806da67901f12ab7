"""While a large file is checked others go on writing; what they change in those seconds is never overlooked."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select

from service.exchange import imports
from service.exchange.recorded_writes import recording
from service.organisation.tables import Organisation
from service.rooms.tables import Room
from service.storage.database import Database


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Lets something happen right after a file was checked, each time or `times` times; gives how often it did."""

    def install(happening: Callable[[], object], times: int = 100) -> list[int]:
        checks: list[int] = []

        def check_then(*arguments: Any) -> Any:
            findings = check(*arguments)
            if len(checks) < times:
                happening()
            checks.append(len(checks))
            return findings

        monkeypatch.setattr(imports, "check_tables", check_then)
        return checks

    check = imports.check_tables
    return install


def names(county: Any, table: Any) -> list[str]:
    with county.parts.database.reading() as session:
        return list(session.scalars(select(table.name)))


def test_nobody_waits_while_the_file_is_checked(
    county: Any, desk: Any, workbook: Any, county_sheets: Any, meanwhile: Any
) -> None:
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    checks = meanwhile(lambda: somebody.caller.patch("/api/account", {"locale": "en"}).raise_for_status(), times=1)
    assert somebody.apply(report).status_code == 200
    assert len(checks) == 2  # the account is one of those that a name in the file could mean
    assert "石桥村小学" in names(county, Organisation)


def test_what_somebody_changed_elsewhere_meanwhile_is_kept(
    county: Any, desk: Any, workbook: Any, county_sheets: Any, meanwhile: Any
) -> None:
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    checks = meanwhile(lambda: county.add_room("另一间教室", "school_north_2"), times=1)
    assert somebody.apply(report).status_code == 200
    assert len(checks) == 2
    assert {"另一间教室", "录播教室一"} <= set(names(county, Room))


def test_what_no_longer_fits_in_the_moment_of_writing_is_refused(
    county: Any, desk: Any, workbook: Any, county_sheets: Any, meanwhile: Any
) -> None:
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    meanwhile(lambda: county.add_organisation("taken", "school", "county_north", "石桥村小学"), times=1)
    refused = somebody.apply(report)
    assert (refused.status_code, refused.json()["code"]) == (409, "import_outdated")
    assert names(county, Organisation).count("石桥村小学") == 1
    assert "录播教室一" not in names(county, Room)


def test_lists_that_change_all_the_time_end_in_a_refusal(
    county: Any, desk: Any, workbook: Any, county_sheets: Any, meanwhile: Any
) -> None:
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    number = iter(range(100))
    checks = meanwhile(lambda: county.add_room(f"新教室{next(number)}", "school_south_2"))
    refused = somebody.apply(report)
    assert (refused.status_code, refused.json()["code"], len(checks)) == (409, "import_outdated", 3)
    assert "录播教室一" not in names(county, Room)


def test_the_write_lock_is_held_for_writing_only(county: Any, desk: Any, workbook: Any, county_sheets: Any) -> None:
    """Within the transaction that writes, nothing is read but what shows that all is as it was."""
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    said: list[str] = []
    engine = county.parts.database.engine

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        assert somebody.apply(report).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    first = said.index("BEGIN IMMEDIATE")
    inside = said[first : next(at for at, statement in enumerate(said) if "UPDATE imports" in statement)]
    read = [statement for statement in inside if statement.startswith("SELECT") and "imports" not in statement]
    assert read
    assert all(statement.startswith('SELECT * FROM "') for statement in read)


def test_what_must_come_back_from_the_database_cannot_be_recorded(county: Any) -> None:
    database = Database(county.parts.configuration.effective_database_url)
    returning = Room.__table__.insert().returning(Room.id)
    row = {"organisation_id": "x", "name": "y", "can_lead": False, "created_at": county.parts.clock.now()}
    with (
        database.reading() as session,
        pytest.raises(ValueError, match="come back"),
        recording(database.engine, session),
    ):
        session.execute(returning, row)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Room)) == 0
    database.close()
