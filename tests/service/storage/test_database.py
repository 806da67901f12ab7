"""Transactions: all or nothing, one writer at a time, and moments that are always UTC."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from service.organisation.tables import Organisation
from service.organisation.tree import add_organisation
from service.parts import Parts
from service.storage.base import new_id
from service.storage.database import Database

NOW = datetime(2026, 9, 7, tzinfo=UTC)


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Organisation.name)))


def test_a_unit_of_work_that_fails_leaves_nothing(parts: Parts) -> None:
    with pytest.raises(ZeroDivisionError), parts.database.unit_of_work() as session:
        add_organisation(session, None, "root", "prefecture", NOW)
        raise ZeroDivisionError
    assert names(parts.database) == []


def test_what_was_committed_is_seen_by_others_and_by_the_next_start(parts: Parts) -> None:
    with parts.database.unit_of_work() as session:
        add_organisation(session, None, "root", "prefecture", NOW)
    again = Database(parts.configuration.effective_database_url)
    assert names(again) == ["root"]
    again.close()


def test_reading_does_not_write(parts: Parts) -> None:
    with parts.database.unit_of_work() as session:
        add_organisation(session, None, "root", "prefecture", NOW)
    with parts.database.reading() as session:
        session.scalars(select(Organisation)).one().name = "changed"
    assert names(parts.database) == ["root"]


def test_writers_take_turns_so_that_what_they_read_still_holds(parts: Parts) -> None:
    def count_up() -> None:
        for _ in range(10):
            with parts.database.unit_of_work() as session:
                number = session.execute(text("SELECT COUNT(*) FROM terms")).scalar_one()
                session.execute(
                    text("INSERT INTO terms VALUES (:id, :place, :name, '2026-01-01', '2026-02-01')"),
                    {"id": new_id(), "place": root.id, "name": str(number)},
                )

    with parts.database.unit_of_work() as session:
        root = add_organisation(session, None, "root", "prefecture", NOW)
    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with parts.database.reading() as session:
        assert {int(n) for n in session.execute(text("SELECT name FROM terms")).scalars()} == set(range(40))


def test_readers_do_not_wait_for_a_writer(parts: Parts) -> None:
    with parts.database.unit_of_work() as session:
        add_organisation(session, None, "root", "prefecture", NOW)
        assert names(parts.database) == []


def test_references_are_enforced(parts: Parts) -> None:
    with pytest.raises(IntegrityError), parts.database.unit_of_work() as session:
        session.add(
            Organisation(parent_id=new_id(), name="orphan", kind="county", path="/x/", created_at=NOW, is_root=None)
        )


def test_there_is_one_tree(parts: Parts) -> None:
    with pytest.raises(IntegrityError), parts.database.unit_of_work() as session:
        add_organisation(session, None, "one", "prefecture", NOW)
        add_organisation(session, None, "two", "prefecture", NOW)


def test_moments_come_back_in_utc(parts: Parts) -> None:
    shanghai = NOW.astimezone(timezone(timedelta(hours=8)))
    with parts.database.unit_of_work() as session:
        add_organisation(session, None, "root", "prefecture", shanghai)
    with parts.database.reading() as session:
        created_at = session.scalars(select(Organisation)).one().created_at
    assert (created_at, created_at.tzinfo) == (NOW, UTC)


def test_a_moment_without_zone_is_refused(parts: Parts) -> None:
    with pytest.raises(Exception, match="needs a time zone"), parts.database.unit_of_work() as session:
        add_organisation(session, None, "root", "prefecture", NOW.replace(tzinfo=None))


def test_the_folder_path_may_hold_chinese(tmp_path: Path) -> None:
    (tmp_path / "数据").mkdir()
    database = Database(f"sqlite:///{tmp_path / '数据' / 'a.sqlite3'}")
    with database.reading() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
    database.close()
