"""Uploads: looked at first, applied later in one transaction, all or nothing, and only as they were shown."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.exchange.checking import check_tables
from service.exchange.faults import FileRefused
from service.exchange.findings import Findings
from service.exchange.opening import open_tables
from service.exchange.register import Register
from service.exchange.tables import Import
from service.parts import Parts
from service.problems import Conflict, NotFound
from service.storage.base import new_id

KEPT_FOR = timedelta(hours=24)
MOST_WAITING = 5
"""Uploads of one person that wait; the oldest gives way."""
MOST_NAME_CHARACTERS = 200


def look_at(parts: Parts, person: Person, kind: str, file_name: str, content: bytes) -> tuple[str, Findings]:
    """Every fault and change of a file, and the id to apply it by. Writes nothing but the upload itself."""
    try:
        tables = open_tables(content)
    except FileRefused as refused:
        return "", Findings(faults=[refused.fault])
    now = parts.clock.now()
    with parts.database.reading() as session:
        findings = check_tables(tables, kind, Register(session, person, now, person.locale, writes=False))
    if findings.errors:
        return "", findings
    upload = Import(
        id=new_id(),
        user_id=person.user_id,
        kind=kind,
        file_name=_plain_name(file_name),
        content=content,
        digest=findings.digest(),
        created_at=now,
    )
    with parts.database.unit_of_work() as session:
        _make_room(session, person, now)
        session.add(upload)
    return upload.id, findings


def apply(parts: Parts, person: Person, import_id: str) -> Findings:
    """Do what was shown. Raises NotFound, or Conflict when it was done already or would no longer do the same."""
    with parts.database.reading() as session:
        content, kind = _waiting(session, person, import_id, parts.clock.now())
    tables = open_tables(content)
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        upload = session.get_one(Import, import_id, with_for_update=True)
        if upload.applied_at is not None:
            raise _applied()
        with session.no_autoflush:
            findings = check_tables(tables, kind, Register(session, person, now, person.locale, writes=True))
        if findings.errors or findings.digest() != upload.digest:
            raise Conflict(
                "What the file refers to was changed since it was checked; upload it again.", code="import_outdated"
            )
        upload.applied_at, upload.content = now, None
    return findings


def _waiting(session: Session, person: Person, import_id: str, now: datetime) -> tuple[bytes, str]:
    upload = session.get(Import, import_id)
    if upload is None or upload.user_id != person.user_id or upload.created_at < now - KEPT_FOR:
        raise NotFound("There is no such import here; upload the file again.")
    if upload.applied_at is not None or upload.content is None:
        raise _applied()
    return upload.content, upload.kind


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
