"""Events of a kept topic are in the log once, on both databases: given again, given late, given while it was away."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from media.contract import PartyLeft
from service.usage import log as usage_log
from service.usage.log import UsageLog, Waiting, write_new
from service.usage.tables import LogPosition, UsageRow


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: Any, tmp_path: Any, empty_database_file: Any) -> Iterator[str]:
    if request.param == "sqlite":
        file = tmp_path / "test.sqlite3"
        file.write_bytes(empty_database_file.read_bytes())
        yield f"sqlite:///{file}"
        return
    with request.getfixturevalue("postgresql").copy_of_template(f"t_{uuid4().hex}") as url:
        yield url


def event(number: int) -> PartyLeft:
    return PartyLeft(lesson_id="l", party_id="room:r", connection_id=str(number), reason="left", at=number)


def waiting(*numbers: int) -> list[Waiting]:
    return [Waiting(event(number), f"{number}-0") for number in numbers]


def logged(parts: Any) -> list[str]:
    with parts.database.reading() as session:
        return list(session.scalars(select(UsageRow.connection_id).order_by(UsageRow.id)))


def write(parts: Any, batch: list[Waiting]) -> None:
    with parts.database.unit_of_work() as session:
        write_new(session, batch)


def test_what_is_given_again_is_passed_over(parts: Any) -> None:
    write(parts, waiting(1, 2, 9))
    write(parts, waiting(2, 9, 10))
    write(parts, waiting(1, 2))
    assert logged(parts) == ["1", "2", "9", "10"]


def test_positions_are_numbers_not_texts(parts: Any) -> None:
    write(parts, [Waiting(event(1), "1700000000000-9"), Waiting(event(2), "1700000000000-10")])
    write(parts, [Waiting(event(3), "1700000000000-9")])
    assert logged(parts) == ["1", "2"]


def test_a_position_is_not_kept_when_its_rows_are_not(parts: Any) -> None:
    with pytest.raises(IntegrityError), parts.database.unit_of_work() as session:
        write_new(session, waiting(1))
        session.execute(UsageRow.__table__.insert().values(id=None, at=None, type=None, data=None))
    with parts.database.reading() as session:
        assert session.scalars(select(LogPosition)).all() == []
    write(parts, waiting(1))
    assert logged(parts) == ["1"]


def test_what_was_written_is_told_after_it_was_written(parts: Any, wait_until: Callable[..., None]) -> None:
    told: list[tuple[str, list[str]]] = []
    log = UsageLog(parts.database)
    log.start()
    with log.telling(lambda position: told.append((position, logged(parts)))):
        for one in waiting(1, 2, 3):
            log.put(one.event, one.position)
        wait_until(lambda: told)
    log.close()
    assert told == [("3-0", ["1", "2", "3"])]


def test_a_database_that_is_away_is_waited_for_and_loses_nothing(
    parts: Any, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    monkeypatch.setattr(usage_log, "RETRY_WAIT_S", 0.01)
    database = AwayFor(parts.database, tries=30)
    log = UsageLog(database)  # type: ignore[arg-type]
    log.start()
    log.put(event(1))
    wait_until(lambda: log.database_away)
    log.put(event(2))
    wait_until(lambda: not log.database_away and logged(parts) == ["1", "2"])
    log.close()
    assert log.lost == 0


class AwayFor:
    """A database that does not answer the first so many times."""

    absence_level = logging.WARNING

    def __init__(self, database: Any, tries: int) -> None:
        self._database = database
        self._tries = tries

    def unit_of_work(self) -> Any:
        self._tries -= 1
        if self._tries > 0:
            time.sleep(0.01)
            raise OperationalError("SELECT 1", {}, Exception("away"))
        return self._database.unit_of_work()
