"""Uploads: looked at first, applied later in one transaction, all or nothing, and only as they were shown."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.audit.acts import act_to_write, act_was_written
from service.audit.tables import AuditRow
from service.exchange.checking import check_tables
from service.exchange.faults import FileRefused
from service.exchange.findings import Findings, Summary
from service.exchange.large_files import LARGE_FILE_BYTES
from service.exchange.opening import open_tables
from service.exchange.recorded_writes import RecordedWrites, recording
from service.exchange.register import Register
from service.exchange.tables import Import
from service.parts import Parts
from service.planning.child_processes import NICENESS
from service.problems import Conflict, NotFound
from service.storage.base import new_id
from service.storage.database import Database

KEPT_FOR = timedelta(hours=24)
MOST_WAITING = 5
"""Uploads of one person that wait; the oldest gives way."""
MOST_NAME_CHARACTERS = 200
MOST_ATTEMPTS = 3
"""Times a file is checked anew because somebody changed what it refers to in the very seconds of checking."""


@dataclass(frozen=True)
class LookOrder:
    """A file to look through for a person; and where the rows are it speaks of."""

    database_url: str
    person: Person
    now: datetime
    kind: str
    content: bytes


@dataclass(frozen=True)
class ApplyOrder:
    """An upload to apply; `act` is the row of the audit log that is written with it."""

    database_url: str
    person: Person
    now: datetime
    import_id: str
    act: dict[str, Any] | None


def look_at(parts: Parts, person: Person, kind: str, file_name: str, content: bytes) -> tuple[str, Summary]:
    """Every fault and change of a file, and the id to apply it by. Writes nothing but the upload itself."""
    now = parts.clock.now()
    order = LookOrder(parts.large_files.database_url, person, now, kind, content)
    if is_large(content):
        summary: Summary = parts.large_files.run(look_here, order)
    else:
        summary = _look(parts.database, order)
    if summary.error_total:
        return "", summary
    upload = Import(
        id=new_id(),
        user_id=person.user_id,
        kind=kind,
        file_name=_plain_name(file_name),
        content=content,
        digest=summary.digest,
        created_at=now,
    )
    with parts.database.unit_of_work() as session:
        _make_room(session, person, now)
        session.add(upload)
    return upload.id, summary


def look_here(order: LookOrder, report: Callable[[object], None]) -> Summary:
    """Look through a file in this process, over a connection of its own."""
    database = Database(order.database_url)
    try:
        return _look(database, order)
    finally:
        database.close()


def _look(database: Database, order: LookOrder) -> Summary:
    try:
        tables = open_tables(order.content)
    except FileRefused as refused:
        return Findings(faults=[refused.fault]).summary()
    with database.reading() as session:
        register = Register(session, order.person, order.now, order.person.locale, writes=False)
        return check_tables(tables, order.kind, register).summary()


def apply(parts: Parts, person: Person, import_id: str) -> Summary:
    """Do what was shown. Raises NotFound, or Conflict when it was done already or would no longer do the same."""
    now = parts.clock.now()
    with parts.database.reading() as session:
        content, _kind = _waiting(session, person, import_id, now)
    if not is_large(content):
        return _apply(parts.database, person, import_id, now)
    order = ApplyOrder(parts.large_files.database_url, person, now, import_id, act_to_write(now))
    summary: Summary = parts.large_files.run(apply_here, order, niceness=0)
    act_was_written()
    return summary


def apply_here(order: ApplyOrder, report: Callable[[object], None]) -> Summary:
    """Apply an upload in this process, with its line of the audit log.

    On a thread of low priority, but for what others have to wait for: who holds the lock must not be kept waiting.
    """
    database = Database(order.database_url)

    def write_act(session: Session) -> None:
        if order.act is not None:
            session.add(AuditRow(**order.act))
            session.flush()

    database.before_commit.append(write_act)
    try:
        with ThreadPoolExecutor(max_workers=1, initializer=os.nice, initargs=(NICENESS,)) as gentle:
            return _apply(database, order.person, order.import_id, order.now, lambda work: gentle.submit(work).result())
    finally:
        database.close()


Run = Callable[[Callable[[], Any]], Any]
"""Does a piece of work that takes long, and gives what it gives."""


def _at_once(work: Callable[[], Any]) -> Any:
    return work()


@dataclass(frozen=True)
class _Checking:
    """An upload that is to be applied."""

    content: bytes
    kind: str
    person: Person
    now: datetime

    def check(self, session: Session) -> Summary:
        """Look through its tables and write what they say; others than those shown are refused later."""
        register = Register(session, self.person, self.now, self.person.locale, writes=True)
        return check_tables(open_tables(self.content), self.kind, register).summary()


def _apply(database: Database, person: Person, import_id: str, now: datetime, run: Run = _at_once) -> Summary:
    """Check and write; `run` does the long part of it, for which nobody waits."""
    with database.reading() as session:
        content, kind = _waiting(session, person, import_id, now)
    order = _Checking(content, kind, person, now)
    if database.engine.dialect.name == "sqlite":
        return _apply_prepared(database, import_id, order, run)
    summary: Summary = run(lambda: _apply_whole(database, import_id, order))
    return summary


def _apply_whole(database: Database, import_id: str, order: _Checking) -> Summary:
    """On PostgreSQL, where only those wait who change the same rows."""
    with database.unit_of_work() as session:
        upload = _take(session, import_id)
        with session.no_autoflush:
            summary = order.check(session)
        _finish(upload, summary, order.now)
    return summary


def _apply_prepared(database: Database, import_id: str, order: _Checking, run: Run) -> Summary:
    """On SQLite: check while others go on writing, and keep them waiting only while the rows are written.

    What was checked counts only if nothing of it was changed meanwhile; else all is checked again.
    """
    for _attempt in range(MOST_ATTEMPTS):
        prepared: tuple[Summary, RecordedWrites] = run(lambda: _prepare(database, order))
        summary, recorded = prepared
        with database.unit_of_work() as session:
            upload = _take(session, import_id)
            if recorded.still_follow(session):
                _finish(upload, summary, order.now)
                recorded.execute(session)
                return summary
    raise _outdated()


def _prepare(database: Database, order: _Checking) -> tuple[Summary, RecordedWrites]:
    own = Database(database.engine.url.render_as_string(hide_password=False))
    try:
        with own.reading() as session, recording(own.engine, session) as recorded:
            summary = order.check(session)
        return summary, recorded
    finally:
        own.close()


def _take(session: Session, import_id: str) -> Import:
    upload = session.get_one(Import, import_id, with_for_update=True)
    if upload.applied_at is not None:
        raise _applied()
    return upload


def _finish(upload: Import, summary: Summary, now: datetime) -> None:
    if summary.error_total or summary.digest != upload.digest:
        raise _outdated()
    upload.applied_at, upload.content = now, None


def is_large(content: bytes) -> bool:
    """Whether a file is work for a process of its own."""
    return len(content) > LARGE_FILE_BYTES


def _waiting(session: Session, person: Person, import_id: str, now: datetime) -> tuple[bytes, str]:
    upload = session.get(Import, import_id)
    if upload is None or upload.user_id != person.user_id or upload.created_at < now - KEPT_FOR:
        raise NotFound("There is no such import here; upload the file again.")
    if upload.applied_at is not None or upload.content is None:
        raise _applied()
    return upload.content, upload.kind


def _outdated() -> Conflict:
    return Conflict(
        "What the file refers to was changed since it was checked; upload it again.", code="import_outdated"
    )


def _applied() -> Conflict:
    return Conflict("This import was applied already.", code="import_applied")


def _make_room(session: Session, person: Person, now: datetime) -> None:
    session.execute(delete(Import).where(Import.created_at < now - KEPT_FOR))
    waiting = select(Import.id).where(Import.user_id == person.user_id, Import.applied_at.is_(None))
    newest = waiting.order_by(Import.created_at.desc()).limit(MOST_WAITING - 1)
    too_many = set(session.scalars(waiting)) - set(session.scalars(newest))
    session.execute(delete(Import).where(Import.id.in_(too_many)))


def _plain_name(file_name: str) -> str:
    shown = "".join(character for character in file_name if character.isprintable())
    return shown[:MOST_NAME_CHARACTERS]
