"""A PostgreSQL that answers nothing any more is noticed, said once and counted; who waits for it is told."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fleet.deployment import PostgresqlProcess
from postgresql_server import stop_server
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from service.storage import watch
from service.storage.database import Database


@pytest.fixture
def own_server() -> Iterator[PostgresqlProcess]:
    server = PostgresqlProcess()
    yield server
    server.thaw()
    stop_server(server.server)


@pytest.fixture
def watched(own_server: PostgresqlProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(watch, "ASK_EVERY_S", 0.1)
    monkeypatch.setattr(watch, "MOST_LOOKS", 4)
    database = Database(own_server.server.url("postgres"))
    with database.watched():
        yield database
    database.close()


def ask(database: Database) -> Any:
    with database.reading() as session:
        return session.execute(text("SELECT 1")).scalar_one()


def seconds_of(work: Callable[[], Any]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def refused(database: Database) -> None:
    with pytest.raises(OperationalError):
        ask(database)


def test_a_frozen_server_is_away_for_all_until_it_answers(
    own_server: PostgresqlProcess, watched: Database, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert watched.watch is not None
    assert ask(watched) == 1
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(3) as pool:
        own_server.freeze()
        waiting = [pool.submit(refused, watched) for _ in range(3)]
        wait_until(lambda: not watched.answers())
        for one in waiting:
            one.result(5)  # told, though the server is still frozen
        assert seconds_of(lambda: refused(watched)) < 0.1
        time.sleep(1.0)  # looked at again and again, said once
        own_server.thaw()
        wait_until(watched.answers)
    assert ask(watched) == 1
    assert watched.watch.absences == 1
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_a_killed_server_is_away_until_it_is_started(
    own_server: PostgresqlProcess, watched: Database, wait_until: Any
) -> None:
    own_server.kill()
    wait_until(lambda: not watched.answers())
    refused(watched)
    own_server.start()
    wait_until(watched.answers, 20)
    assert ask(watched) == 1


def test_without_a_watch_the_database_itself_is_asked(own_server: PostgresqlProcess) -> None:
    database = Database(own_server.server.url("postgres"))
    assert database.answers()
    own_server.kill()
    assert not database.answers()
    database.close()
    own_server.start()


def test_sqlite_needs_no_watch(tmp_path: Any) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    with database.watched():
        assert (database.watch, database.answers()) == (None, True)
    database.close()
