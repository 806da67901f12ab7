"""Observations (听课) of a school year: lessons a person really watched, live or on replay, against the quota."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import select
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
from service.usage.tables import AttendanceRow, UsageRow

YEAR_BEGINS_IN_MONTH = 9
"""School years begin in September."""
ONE_MS = timedelta(milliseconds=1)


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
    lessons = _observed(session, [user_id], year, zone)[user_id]
    items = [_observation(session, user_id, lesson, replayed, quota) for lesson, replayed in lessons]
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
        own = [_observation(session, user.id, lesson, replayed, quota) for lesson, replayed in observed[user.id]]
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


def _observed(
    session: Session, user_ids: list[str], year: int, zone: ZoneInfo
) -> dict[str, list[tuple[Lesson, WatchedLesson | None]]]:
    """The lessons of the year each person watched, live as an observer or on replay."""
    first, end = bounds_of(year, zone)
    in_year = (Lesson.starts_at >= first, Lesson.starts_at < end)
    found: dict[str, dict[str, tuple[Lesson, WatchedLesson | None]]] = defaultdict(dict)
    replayed = (
        select(WatchedLesson, Lesson)
        .join(Lesson, Lesson.id == WatchedLesson.lesson_id)
        .where(WatchedLesson.user_id.in_(user_ids), *in_year)
    )
    for watched, lesson in session.execute(replayed).unique():
        found[watched.user_id][lesson.id] = (lesson, watched)
    parties = {f"user:{user_id}": user_id for user_id in user_ids}
    live = (
        select(AttendanceRow.party_id, Lesson)
        .join(Lesson, Lesson.id == AttendanceRow.lesson_id)
        .where(AttendanceRow.party_id.in_(parties), AttendanceRow.party_role == "observer", *in_year)
    )
    for party_id, lesson in session.execute(live).unique():
        found[parties[party_id]].setdefault(lesson.id, (lesson, None))
    return defaultdict(list, {user_id: list(lessons.values()) for user_id, lessons in found.items()})


def _observation(
    session: Session, user_id: str, lesson: Lesson, watched: WatchedLesson | None, quota: Quota
) -> Observation:
    live = _live_parts(session, user_id, lesson)
    replayed = [] if watched is None else united(watched.parts)
    watched_ms = length_ms(united([*live, *replayed]))
    return Observation(
        lesson_id=lesson.id,
        title=lesson.title,
        subject=lesson.subject,
        starts_at=lesson.starts_at,
        lead_teacher=lesson.lead_teacher.display_name,
        lead_school=lesson.lead_school.name,
        live_ms=length_ms(live),
        replay_ms=length_ms(replayed),
        watched_ms=watched_ms,
        counts=watched_ms >= quota.minutes * 60_000,
    )


def _live_parts(session: Session, user_id: str, lesson: Lesson) -> list[Part]:
    """When the person was in the live lesson, on the timeline of its recording, while it was being taught."""
    attendance = session.get(AttendanceRow, (lesson.id, f"user:{user_id}"))
    if attendance is None or attendance.party_role != "observer" or lesson.started_at is None:
        return []
    recording = session.get(Recording, lesson.id)
    origin = (recording.origin_at if recording is not None else None) or lesson.started_at
    ended = lesson.ended_at or datetime.fromtimestamp(attendance.last_seen_at or 0, UTC)
    statement = (
        select(UsageRow)
        .where(
            UsageRow.lesson_id == lesson.id,
            UsageRow.party_id == f"user:{user_id}",
            UsageRow.type.in_(("party_joined", "party_left", "delivered")),
        )
        .order_by(UsageRow.id)
    )
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    for row in session.scalars(statement):
        first.setdefault(row.connection_id or "", row.at)
        last[row.connection_id or ""] = row.at
    return united(
        (
            round((max(first[key], lesson.started_at) - origin) / ONE_MS),
            round((min(last[key], ended) - origin) / ONE_MS),
        )
        for key in first
    )
