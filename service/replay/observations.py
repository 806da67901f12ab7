"""Observations (听课) of a school year: lessons a person really watched, live or on replay, against the quota."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import BindParameter, bindparam, func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.organisation.tree import in_subtree
from service.recordings.tables import Recording
from service.replay.parts_of_time import Part, length_ms, united
from service.replay.tables import WatchedLesson
from service.usage.tables import COMINGS_AND_GOINGS, AttendanceRow, UsageRow

YEAR_BEGINS_IN_MONTH = 9
"""School years begin in September."""
ONE_MS = timedelta(milliseconds=1)
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Quota:
    """What is expected: so many observations a school year, each of at least so many minutes."""

    minutes: int
    a_year: int


class Observation(BaseModel):
    """One lesson a person watched. `watched_ms` counts each moment once, whether seen live, on replay or both."""

    lesson_id: str
    title: str
    subject: str
    starts_at: datetime
    lead_teacher: str
    lead_school: str
    live_ms: int
    replay_ms: int
    watched_ms: int
    counts: bool


class Observations(BaseModel):
    """A person's observations of a school year beside the quota; `year` is the calendar year it begins in."""

    year: int
    minutes: int
    target: int
    counted: int
    items: list[Observation]


class ObserverItem(BaseModel):
    """A researcher's figures for the year."""

    user_id: str
    name: str
    organisation: str
    counted: int
    watched_ms: int


class Observers(BaseModel):
    """Every researcher of a subtree beside the quota."""

    year: int
    minutes: int
    target: int
    items: list[ObserverItem]
    total: int


def school_year_of(at: datetime, zone: ZoneInfo) -> int:
    """Give the calendar year in which the school year of a moment begins."""
    local = at.astimezone(zone)
    return local.year if local.month >= YEAR_BEGINS_IN_MONTH else local.year - 1


def bounds_of(year: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give the first moment of a school year and the first after it."""
    first, last = (
        datetime.combine(date(number, YEAR_BEGINS_IN_MONTH, 1), time(), zone).astimezone(UTC)
        for number in (year, year + 1)
    )
    return first, last


def observations_of(session: Session, user_id: str, year: int, quota: Quota, zone: ZoneInfo) -> Observations:
    """Give one person's observations of lessons of a school year, the newest first."""
    items = [_observation(one, quota) for one in _observed(session, [user_id], year, zone)[user_id]]
    items.sort(key=lambda item: item.starts_at, reverse=True)
    counted = sum(item.counts for item in items)
    return Observations(year=year, minutes=quota.minutes, target=quota.a_year, counted=counted, items=items)


def observers_of(session: Session, person: Person, year: int, quota: Quota, zone: ZoneInfo) -> Observers:
    """Give the figures of every researcher in the person's subtree, by name."""
    statement = (
        select(User)
        .join(Organisation, Organisation.id == User.organisation_id)
        .where(User.role == Role.RESEARCHER, User.disabled.is_(False), in_subtree(person.organisation_path))
        .order_by(User.display_name, User.id)
    )
    researchers = list(session.scalars(statement).unique())
    observed = _observed(session, [user.id for user in researchers], year, zone)
    items = []
    for user in researchers:
        own = [_observation(one, quota) for one in observed[user.id]]
        items.append(
            ObserverItem(
                user_id=user.id,
                name=user.display_name,
                organisation=user.organisation.name,
                counted=sum(item.counts for item in own),
                watched_ms=sum(item.watched_ms for item in own),
            )
        )
    return Observers(year=year, minutes=quota.minutes, target=quota.a_year, items=items, total=len(items))


@dataclass
class _Observed:
    """A lesson one person watched: what of it on replay, and when they were in it live, on the recording's timeline."""

    lesson: Lesson
    replayed: list[Part] = field(default_factory=list)
    live: list[Part] = field(default_factory=list)


def _observed(session: Session, user_ids: list[str], year: int, zone: ZoneInfo) -> dict[str, list[_Observed]]:
    """The lessons of the year each person watched, live as an observer or on replay; in a few queries for all."""
    first, end = bounds_of(year, zone)
    in_year = (Lesson.starts_at >= first, Lesson.starts_at < end)
    found: dict[str, dict[str, _Observed]] = {user_id: {} for user_id in user_ids}
    replayed = (
        select(WatchedLesson, Lesson)
        .join(Lesson, Lesson.id == WatchedLesson.lesson_id)
        .where(WatchedLesson.user_id.in_(user_ids), *in_year)
    )
    for watched, lesson in session.execute(replayed).unique():
        found[watched.user_id][lesson.id] = _Observed(lesson, replayed=united(watched.parts))
    parties = {f"user:{user_id}": user_id for user_id in user_ids}
    live = (
        select(AttendanceRow, Lesson, Recording.origin_at)
        .join(Lesson, Lesson.id == AttendanceRow.lesson_id)
        .outerjoin(Recording, Recording.lesson_id == Lesson.id)
        .where(AttendanceRow.party_id.in_(parties), AttendanceRow.party_role == "observer", *in_year)
    )
    stays = _stays(session, list(parties), first)
    for attendance, lesson, origin in session.execute(live).unique():
        one = found[parties[attendance.party_id]].setdefault(lesson.id, _Observed(lesson))
        one.live = _live_parts(session, attendance, lesson, origin, stays.get((attendance.party_id, lesson.id), {}))
    return {user_id: list(lessons.values()) for user_id, lessons in found.items()}


def _observation(one: _Observed, quota: Quota) -> Observation:
    watched_ms = length_ms(united([*one.live, *one.replayed]))
    return Observation(
        lesson_id=one.lesson.id,
        title=one.lesson.title,
        subject=one.lesson.subject,
        starts_at=one.lesson.starts_at,
        lead_teacher=one.lesson.lead_teacher.display_name,
        lead_school=one.lesson.lead_school.name,
        live_ms=length_ms(one.live),
        replay_ms=length_ms(one.replayed),
        watched_ms=watched_ms,
        counts=watched_ms >= quota.minutes * 60_000,
    )


_Stays = dict[str, tuple[datetime | None, datetime | None]]
"""When each connection of a party came and left; None where the log does not say."""


def _stays(session: Session, parties: list[str], first: datetime) -> dict[tuple[str, str], _Stays]:
    """Comings and goings of parties since a moment, by party and lesson: few rows beside what was delivered to them."""
    # Written out as in the index of these rows: a database does not see that a parameter means the same.
    kinds: BindParameter[str] = bindparam("kinds", COMINGS_AND_GOINGS, expanding=True, literal_execute=True)
    statement = select(UsageRow.party_id, UsageRow.lesson_id, UsageRow.connection_id, UsageRow.type, UsageRow.at).where(
        UsageRow.party_id.in_(parties), UsageRow.type.in_(kinds), UsageRow.at >= first - A_DAY
    )
    found: dict[tuple[str, str], _Stays] = defaultdict(dict)
    for party_id, lesson_id, connection_id, kind, at in session.execute(statement.order_by(UsageRow.id)):
        stays = found[party_id or "", lesson_id or ""]
        came, left = stays.get(connection_id or "", (None, None))
        stays[connection_id or ""] = (came or at, left) if kind == "party_joined" else (came, at)
    return found


def _live_parts(
    session: Session, attendance: AttendanceRow, lesson: Lesson, origin: datetime | None, stays: _Stays
) -> list[Part]:
    """When the person was in the live lesson, on the timeline of its recording, while it was being taught."""
    started = lesson.started_at
    if started is None:
        return []
    ended = lesson.ended_at or datetime.fromtimestamp(attendance.last_seen_at or 0, UTC)
    parts = []
    for connection_id, (came, left) in stays.items():
        first, last = (came, left) if came and left else _seen(session, attendance, connection_id)
        if first is not None and last is not None:
            zero = origin or started
            parts.append((round((max(first, started) - zero) / ONE_MS), round((min(last, ended) - zero) / ONE_MS)))
    return united(parts)


def _seen(session: Session, attendance: AttendanceRow, connection_id: str) -> tuple[datetime | None, datetime | None]:
    """The first and last word of a connection that did not say good-bye: its relay was lost."""
    first, last = session.execute(
        select(func.min(UsageRow.at), func.max(UsageRow.at)).where(
            UsageRow.lesson_id == attendance.lesson_id,
            UsageRow.party_id == attendance.party_id,
            UsageRow.connection_id == (connection_id or None),
            UsageRow.type.in_((*COMINGS_AND_GOINGS, "delivered")),
        )
    ).one()
    return first, last
