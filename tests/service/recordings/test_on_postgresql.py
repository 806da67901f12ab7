"""Recordings on PostgreSQL: unfinished ones are found, and a database that is away costs one line of log."""

import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from service.recordings.production import CLOSED_WITHIN
from service.recordings.tables import Recording


@pytest.fixture
def database_name() -> str:
    return f"t_{uuid4().hex}"


@pytest.fixture
def database_url(postgresql: Any, database_name: str) -> Iterator[str]:
    with postgresql.copy_of_template(database_name) as url:
        yield url


@pytest.fixture
def away(postgresql: Any, database_name: str) -> Callable[[bool], None]:
    """Lets nobody into the database, and throws out who is there; or lets them in again."""

    def run(is_away: bool) -> None:
        postgresql.run(f"ALTER DATABASE {database_name} ALLOW_CONNECTIONS {'false' if is_away else 'true'}")
        if is_away:
            found = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database_name}'"
            postgresql.run(found)

    return run


@pytest.fixture
def put(parts: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were put."""
    jobs: list[str] = []
    monkeypatch.setattr(parts.production._jobs, "put", jobs.append)
    return jobs


def state(parts: Any, lesson: Any) -> str:
    with parts.database.reading() as session:
        return str(session.get_one(Recording, lesson["id"]).state)


def test_the_sweep_finds_what_waits_for_nobody_else(
    held: Any, maker: Any, parts: Any, put: list[str], clock: Any
) -> None:
    parts.production.sweep()
    assert put == []
    parts.production.sweep(after_restart=True)
    assert put == [held["id"]]
    clock.advance(seconds=CLOSED_WITHIN.total_seconds() + 1)
    parts.production.sweep()
    assert put == [held["id"]] * 2
    parts.production.make(held["id"])
    parts.production.sweep()
    parts.production.keep_house()
    assert (put, state(parts, held), maker.calls) == ([held["id"]] * 2, "ready", 1)


def test_a_database_that_is_away_is_said_once_and_counted(
    held: Any, parts: Any, put: list[str], clock: Any, away: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clock.advance(minutes=1)
    sweep = parts.production._unfinished
    away(True)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            sweep.once()
        assert sweep.missed == 3
        assert [record.exc_info for record in caplog.records] == [None]
        assert "unfinished recordings wait for the database" in caplog.text
        away(False)
        sweep.once()
    assert (sweep.missed, put) == (0, [held["id"]])
    assert "after 3 misses" in caplog.text


def test_a_recording_whose_database_goes_away_is_made_when_it_is_back(
    held: Any, maker: Any, parts: Any, put: list[str], away: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It goes away while the maker is at work, and progress can be told no more.
    make = maker.make

    def make_alone(journals: Any, output: Any, progress: Any) -> Any:
        away(True)
        return make(journals, output, progress)

    monkeypatch.setattr(maker, "make", make_alone)
    parts.production.make(held["id"])
    away(False)
    assert state(parts, held) == "processing"
    assert (parts.configuration.journal_folder / held["id"]).exists()
    monkeypatch.setattr(maker, "make", make)
    parts.production.sweep()
    assert put == [held["id"]]
    parts.production.make(held["id"])
    assert state(parts, held) == "ready"
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Recording)) == 1
