"""Events that come from no kept topic outlive a process that dies while the database is away, once and in order."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from media.contract import PartyLeft
from service.usage import log as usage_log
from service.usage.log import UsageLog
from service.usage.tables import UsageRow


class AwayWhile:
    """The database, or its absence."""

    absence_level = logging.WARNING

    def __init__(self, database: Any) -> None:
        self._database = database
        self.is_away = True

    def unit_of_work(self) -> Any:
        if self.is_away:
            raise OperationalError("SELECT 1", {}, Exception("away"))
        return self._database.unit_of_work()


def event(number: int) -> PartyLeft:
    return PartyLeft(lesson_id="l", party_id="room:r", connection_id=str(number), reason="left", at=number)


def logged(parts: Any) -> list[str]:
    with parts.database.reading() as session:
        return list(session.scalars(select(UsageRow.connection_id).order_by(UsageRow.id)))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_log, "RETRY_WAIT_S", 0.01)
    monkeypatch.setattr(usage_log, "PATIENCE_AT_END_S", 0.0)


def lines_of(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_a_process_that_dies_while_the_database_is_away_loses_nothing(
    parts: Any, tmp_path: Path, wait_until: Any
) -> None:
    file = tmp_path / "spool" / "usage.jsonl"
    killed = UsageLog(AwayWhile(parts.database), file)  # type: ignore[arg-type]
    killed.start()
    killed.put(event(1))
    wait_until(lambda: lines_of(file) == 1)
    killed.put(event(2))
    killed.put(event(3))
    wait_until(lambda: lines_of(file) == 3)

    again = UsageLog(parts.database, file)
    again.start()
    again.put(event(4))
    wait_until(lambda: logged(parts) == ["1", "2", "3", "4"])
    wait_until(lambda: not file.exists())
    again.close()
    killed.close()
    assert (again.lost, killed.lost) == (0, 0)


def test_what_is_in_the_log_and_still_on_disk_is_not_written_twice(parts: Any, tmp_path: Path, wait_until: Any) -> None:
    file, copy = tmp_path / "usage.jsonl", tmp_path / "copy.jsonl"
    away = AwayWhile(parts.database)
    log = UsageLog(away, file)  # type: ignore[arg-type]
    log.start()
    log.put(event(1))
    log.put(event(2))
    wait_until(lambda: lines_of(file) == 2)
    shutil.copy(file, copy)
    away.is_away = False
    wait_until(lambda: not file.exists())
    log.close()

    shutil.copy(copy, file)  # killed after the transaction and before the file was removed
    again = UsageLog(parts.database, file)
    again.start()
    again.put(event(3))
    wait_until(lambda: logged(parts) == ["1", "2", "3"])
    again.close()


def test_a_disk_that_takes_nothing_is_said_once_and_the_events_wait_in_memory(
    parts: Any, tmp_path: Path, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "no-folder").write_text("")
    away = AwayWhile(parts.database)
    log = UsageLog(away, tmp_path / "no-folder" / "usage.jsonl")  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        log.start()
        log.put(event(1))
        wait_until(lambda: "cannot be kept on disk" in caplog.text)
        log.put(event(2))
        away.is_away = False
        wait_until(lambda: logged(parts) == ["1", "2"])
        log.close()
    assert len(caplog.records) == 1
