"""The inbox of a person: what they are told themselves, and for administrators of a school what the school is told."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.notices.tables import Notice, NoticeRead


def list_notices(
    session: Session, person: Person, *, unread_only: bool, limit: int, offset: int
) -> tuple[list[tuple[Notice, bool]], int, int]:
    """A page of notices with whether each is unread, the latest first; how many there are, and how many unread."""
    mine, unread = _mine(person), _unread(person)
    all_unread = session.scalar(select(func.count()).select_from(Notice).where(mine, unread)) or 0
    wanted = [mine, unread] if unread_only else [mine]
    total = session.scalar(select(func.count()).select_from(Notice).where(*wanted)) or 0
    page = select(Notice, unread.label("unread")).where(*wanted).order_by(Notice.created_at.desc(), Notice.id)
    rows = session.execute(page.limit(limit).offset(offset))
    return [(notice, bool(is_unread)) for notice, is_unread in rows], total, all_unread


def mark_read(session: Session, person: Person, ids: Sequence[str] | None, now: datetime) -> int:
    """Mark notices of the person's inbox as read, all of them if None; gives how many were unread."""
    wanted = select(Notice.id).where(_mine(person), _unread(person))
    if ids is not None:
        wanted = wanted.where(Notice.id.in_(ids))
    found = session.scalars(wanted).all()
    session.add_all(NoticeRead(notice_id=one, user_id=person.user_id, read_at=now) for one in found)
    session.flush()
    return len(found)


def _mine(person: Person) -> ColumnElement[bool]:
    own = Notice.user_id == person.user_id
    if person.role is not Role.SCHOOL_ADMINISTRATOR:
        return own
    return or_(own, Notice.school_id == person.organisation_id)


def _unread(person: Person) -> ColumnElement[bool]:
    return ~exists().where(NoticeRead.notice_id == Notice.id, NoticeRead.user_id == person.user_id)
