"""The usage report: attendance per lesson and party, filtered by subtree, days, kind and subject, with totals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Load, Session

from service.accounts.principal import Person
from service.lessons.tables import Lesson, Receiver
from service.organisation.tables import Organisation
from service.problems import NotAllowed, NotFound
from service.usage.schemas import UsageEvent, UsageEvents, UsageItem, UsageReport, UsageTotals
from service.usage.tables import AttendanceRow, UsageRow

ROWS_AT_ONCE = 500
_SHOWN = (Lesson.title, Lesson.kind, Lesson.subject, Lesson.starts_at, Lesson.state)
"""All that the report says of a lesson: nothing of what hangs on it is loaded."""


@dataclass(frozen=True)
class UsageFilter:
    """Which attendance is asked for; what is None does not restrict. A lesson counts where it starts."""

    organisation_id: str | None = None
    starts: datetime | None = None
    ends: datetime | None = None
    kind: str | None = None
    subject: str | None = None


def make_report(session: Session, person: Person, wanted: UsageFilter, limit: int, offset: int) -> UsageReport:
    """Give a page of the report, lessons newest first, with sums over all that matches."""
    conditions = _conditions(session, person, wanted)
    page = session.execute(_rows(conditions).limit(limit).offset(offset))
    items = [_item(attendance, lesson) for attendance, lesson in page]
    totals = _totals(session, conditions)
    return UsageReport(items=items, total=totals.parties, totals=totals)


def all_items(session: Session, person: Person, wanted: UsageFilter) -> Iterator[UsageItem]:
    """Give every item of the report for an export, a few hundred rows in memory at a time.

    Week by week, the newest first: the first rows need not wait until the database has sorted those of a whole year.
    """
    conditions = _conditions(session, person, wanted)
    for starts, ends in _weeks(session, wanted):
        of_week = (Lesson.starts_at >= starts, Lesson.starts_at < ends)
        rows = session.execute(_rows([*conditions, *of_week]).execution_options(yield_per=ROWS_AT_ONCE))
        for attendance, lesson in rows:
            yield _item(attendance, lesson)


def _weeks(session: Session, wanted: UsageFilter) -> Iterator[tuple[datetime, datetime]]:
    """Seven days after seven days that hold all lessons asked for. Lessons that were attended do not move any more."""
    bounds = select(func.min(Lesson.starts_at), func.max(Lesson.starts_at)).where(*_within_days(wanted))
    row: Sequence[datetime | None] = session.execute(bounds).one()
    oldest, newest = row
    if oldest is None or newest is None:
        return
    ends = newest + timedelta(microseconds=1)
    while ends > oldest:
        yield ends - timedelta(days=7), ends
        ends -= timedelta(days=7)


def list_events(session: Session, lesson_id: str, limit: int, offset: int) -> UsageEvents:
    """Give a page of the log of one lesson, oldest first."""
    of_lesson = UsageRow.lesson_id == lesson_id
    total = session.scalar(select(func.count()).select_from(UsageRow).where(of_lesson)) or 0
    rows = session.scalars(select(UsageRow).where(of_lesson).order_by(UsageRow.id).limit(limit).offset(offset))
    items = [
        UsageEvent(
            id=row.id,
            at=row.at,
            type=row.type,
            lesson_id=row.lesson_id,
            party_id=row.party_id,
            connection_id=row.connection_id,
            user_id=row.user_id,
            data=row.data,
        )
        for row in rows
    ]
    return UsageEvents(items=items, total=total)


def _conditions(session: Session, person: Person, wanted: UsageFilter) -> list[ColumnElement[bool]]:
    conditions = [_within_rights(person)]
    if wanted.organisation_id is not None:
        organisation = session.get(Organisation, wanted.organisation_id)
        if organisation is None or not person.may_see(organisation.path):
            raise NotFound("There is no such organisation.")
        conditions.append(_touches(organisation.path))
    conditions += _within_days(wanted)
    if wanted.kind is not None:
        conditions.append(Lesson.kind == wanted.kind)
    if wanted.subject is not None:
        conditions.append(Lesson.subject == wanted.subject)
    return conditions


def _within_days(wanted: UsageFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.starts is not None:
        conditions.append(Lesson.starts_at >= wanted.starts)
    if wanted.ends is not None:
        conditions.append(Lesson.starts_at < wanted.ends)
    return conditions


def _within_rights(person: Person) -> ColumnElement[bool]:
    """Administrators and inspectors: their subtree. Teachers: the lessons they lead or accompany."""
    if not person.may("usage.read"):
        raise NotAllowed
    if person.is_administrator or "lessons.observe" in person.permissions:
        return _touches(person.organisation_path)
    accompanied = select(Receiver.lesson_id).where(
        Receiver.accompanying_teacher_id == person.user_id, Receiver.state == "accepted"
    )
    return or_(Lesson.lead_teacher_id == person.user_id, Lesson.id.in_(accompanied))


def _touches(path: str) -> ColumnElement[bool]:
    """The party belongs to the subtree, or the lesson was led from it: who leads must see what was delivered."""
    led_from = select(Organisation.id).where(Organisation.path.startswith(path))
    return or_(AttendanceRow.organisation_path.startswith(path), Lesson.lead_school_id.in_(led_from))


def _rows(conditions: list[ColumnElement[bool]]) -> Select[AttendanceRow, Lesson]:
    lead_first = case((AttendanceRow.party_role == "lead", 0), else_=1)
    return (
        select(AttendanceRow, Lesson)
        .join(Lesson, Lesson.id == AttendanceRow.lesson_id)
        .where(*conditions)
        .options(Load(Lesson).lazyload("*"), Load(Lesson).load_only(*_SHOWN))
        .order_by(Lesson.starts_at.desc(), Lesson.id, lead_first, AttendanceRow.school, AttendanceRow.party_id)
    )


def _connected_ms() -> ColumnElement[int]:
    still_open = (AttendanceRow.last_seen_at - AttendanceRow.open_since) * 1000
    return AttendanceRow.connected_ms + case((still_open > 0, still_open), else_=0)


def _totals(session: Session, conditions: list[ColumnElement[bool]]) -> UsageTotals:
    row = session.execute(
        select(
            func.count(Lesson.id.distinct()),
            func.count(),
            func.coalesce(func.sum(AttendanceRow.joins), 0),
            func.coalesce(func.sum(_connected_ms()), 0),
            func.coalesce(func.sum(AttendanceRow.lead_picture_ms), 0),
            func.coalesce(func.sum(AttendanceRow.lead_sound_ms), 0),
            func.coalesce(func.sum(AttendanceRow.published_ms), 0),
        )
        .select_from(AttendanceRow)
        .join(Lesson, Lesson.id == AttendanceRow.lesson_id)
        .where(*conditions)
    ).one()
    lessons, parties, joins, connected, picture, sound, published = row
    return UsageTotals(
        lessons=lessons,
        parties=parties,
        joins=joins,
        connected_minutes=_minutes(connected),
        lead_picture_minutes=_minutes(picture),
        lead_sound_minutes=_minutes(sound),
        published_minutes=_minutes(published),
    )


def _item(attendance: AttendanceRow, lesson: Lesson) -> UsageItem:
    still_open = 0.0
    if attendance.open_since is not None and attendance.last_seen_at is not None:
        still_open = max(0.0, (attendance.last_seen_at - attendance.open_since) * 1000)
    left_at = attendance.left_at
    if left_at is None and lesson.state == "ended":
        left_at = attendance.last_seen_at  # the relay was lost before it could say more
    return UsageItem(
        lesson_id=lesson.id,
        title=lesson.title,
        kind=lesson.kind,  # type: ignore[arg-type]
        subject=lesson.subject,
        starts_at=lesson.starts_at,
        county=attendance.county,
        school=attendance.school,
        room_or_person=attendance.room_or_person,
        party_role=attendance.party_role,  # type: ignore[arg-type]
        joined_at=_moment(attendance.joined_at),
        left_at=_moment(left_at),
        connected_minutes=_minutes(attendance.connected_ms + still_open),
        lead_picture_minutes=_minutes(attendance.lead_picture_ms),
        lead_sound_minutes=_minutes(attendance.lead_sound_ms),
        published_minutes=_minutes(attendance.published_ms),
        joins=attendance.joins,
    )


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _minutes(milliseconds: float) -> float:
    return round(float(milliseconds) / 60_000, 2)
