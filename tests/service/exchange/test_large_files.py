"""A county moves to another installation: nothing is lost, also when processes of their own do the work."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from service.accounts.roles import Role
from service.accounts.sessions import csrf_token_of, open_session
from service.application import create_application
from service.audit.tables import AuditRow
from service.exchange import exports, imports
from service.exchange.opening import open_tables
from service.organisation.tables import Organisation
from service.parts import Parts
from service.security.cookies import SESSION_COOKIE
from service.storage.database import Database


@pytest.fixture
def elsewhere(parts: Parts, county: Any, desk: Any, tmp_path: Path, empty_database_file: Path) -> Iterator[Any]:
    """The desk of the same county's administrator at an installation that has nothing else yet."""
    file = tmp_path / "elsewhere.sqlite3"
    shutil.copy(empty_database_file, file)
    database = Database(f"sqlite:///{file}")
    other = Parts(
        configuration=parts.configuration,
        database=database,
        bus=parts.bus,
        recording_maker=parts.recording_maker,
        relay_ids=parts.relay_ids,
        clock=parts.clock,
    )
    empty = replace(county, parts=other, organisations={}, users={})
    empty.add_organisation("prefecture", "prefecture", None, "青禾州")
    empty.add_organisation("county_north", "county", "prefecture")
    user = empty.add_user("county_north", Role.COUNTY_ADMINISTRATOR, "county_north")
    with database.unit_of_work() as session:
        token = open_session(session, user.id, parts.clock.now(), timedelta(days=1))
    with TestClient(create_application(other), base_url="http://testserver") as client:
        client.cookies.set(SESSION_COOKIE, token)
        client.headers["X-CSRF-Token"] = csrf_token_of(token)
        there = desk("county_north")
        there.caller.client, there.parts = client, other
        yield there
    database.close()


@pytest.fixture(params=["here", "in processes of their own"])
def everything_is_large(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "here":
        monkeypatch.setattr(exports, "LARGE_SUBTREE", 0)
        monkeypatch.setattr(imports, "LARGE_FILE_BYTES", 0)


def rows_of(content: bytes) -> dict[str, list[Any]]:
    return {table.name: [line.values for line in table.lines] for table in open_tables(content)}


@pytest.mark.usefixtures("everything_is_large")
def test_a_county_arrives_elsewhere_whole(desk: Any, elsewhere: Any, workbook: Any, county_sheets: Any) -> None:
    somebody = desk("county_north")
    somebody.bring(workbook(county_sheets))
    taken_out = somebody.export("county")
    report = elsewhere.upload(taken_out)
    assert report["faults"] == []
    assert elsewhere.apply(report).status_code == 200
    assert rows_of(elsewhere.export("county")) == rows_of(taken_out)
    assert elsewhere.upload(taken_out)["change_total"] == 0


def test_a_large_import_is_noted_once_and_with_its_change(
    desk: Any, parts: Parts, workbook: Any, county_sheets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGE_FILE_BYTES", 0)
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    assert somebody.apply(report).status_code == 200
    again = somebody.apply(report)
    assert (again.status_code, again.json()["code"]) == (409, "import_applied")
    with parts.database.reading() as session:
        noted = session.scalars(select(AuditRow)).all()
    assert [(row.operation, row.about, row.person) for row in noted] == [
        ("apply_import", {"import_id": report["id"]}, "county_north")
    ]


def test_a_large_import_that_no_longer_fits_is_refused_with_its_reason(
    desk: Any, county: Any, workbook: Any, county_sheets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGE_FILE_BYTES", 0)
    somebody = desk("county_north")
    report = somebody.upload(workbook(county_sheets))
    county.add_organisation("石桥村小学", "school", "county_north")
    with county.parts.database.reading() as session:
        before = session.scalar(select(func.count()).select_from(Organisation))
    refused = somebody.apply(report)
    assert (refused.status_code, refused.json()["code"]) == (409, "import_outdated")
    with county.parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == before
