"""Observations (听课) of a school year: lessons a person really watched, live or on replay, against the quota."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy import BindParameter, ColumnElement, Row, bindparam, func, select
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
from service.storage.many import one_of
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

    def is_met_by(self, watched_ms: int) -> bool:
        """Whether so much of one lesson is an observation."""
        return watched_ms >= self.minutes * 60_000


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
    observed = _observed(session, [user_id], year, zone)[user_id]
    lessons = (
        select(Lesson.id, Lesson.title, Lesson.subject, Lesson.starts_at, User.display_name, Organisation.name)
        .join(User, User.id == Lesson.lead_teacher_id)
        .join(Organisation, Organisation.id == Lesson.lead_school_id)
        .where(one_of(session, cast(ColumnElement[str], Lesson.id), observed))
        .order_by(Lesson.starts_at.desc(), Lesson.id)
    )
    items = [_observation(row, observed[row.id], quota) for row in session.execute(lessons)]
    counted = sum(item.counts for item in items)
    return Observations(year=year, minutes=quota.minutes, target=quota.a_year, counted=counted, items=items)


def observers_of(session: Session, person: Person, year: int, quota: Quota, zone: ZoneInfo) -> Observers:
    """Give the figures of every researcher in the person's subtree, by name."""
    researchers = session.execute(
        select(User.id, User.display_name, Organisation.name)
        .join(Organisation, Organisation.id == User.organisation_id)
        .where(User.role == Role.RESEARCHER, User.disabled.is_(False), in_subtree(person.organisation_path))
        .order_by(User.display_name, User.id)
    ).all()
    observed = _observed(session, [row.id for row in researchers], year, zone)
    items = []
    for user_id, name, organisation in researchers:
        watched_ms = [one.watched_ms for one in observed[user_id].values()]
        items.append(
            ObserverItem(
                user_id=user_id,
                name=name,
                organisation=organisation,
                counted=sum(quota.is_met_by(watched) for watched in watched_ms),
                watched_ms=sum(watched_ms),
            )
        )
    return Observers(year=year, minutes=quota.minutes, target=quota.a_year, items=items, total=len(items))


@dataclass
class _Observed:
    """What one person watched of a lesson, on replay and live, both on the timeline of its recording."""

    replayed: list[Part] = field(default_factory=list)
    live: list[Part] = field(default_factory=list)

    @property
    def watched_ms(self) -> int:
        return length_ms(united([*self.live, *self.replayed]) if self.live else self.replayed)


@dataclass(frozen=True)
class _Attended:
    """When a lesson was taught, where its recording begins, and when the person was seen in it last."""

    lesson_id: str
    party_id: str
    started_at: datetime | None
    ended_at: datetime | None
    origin_at: datetime | None
    last_seen_at: float | None


def _observed(session: Session, user_ids: list[str], year: int, zone: ZoneInfo) -> dict[str, dict[str, _Observed]]:
    """What each person watched of the year's lessons, live as an observer or on replay, by lesson.

    In a few queries for all, of a few columns: a whole prefecture's lessons with all that hangs on them take a second.
    """
    first, end = bounds_of(year, zone)
    in_year = (Lesson.starts_at >= first, Lesson.starts_at < end)
    found: dict[str, dict[str, _Observed]] = {user_id: {} for user_id in user_ids}
    replayed = (
        select(WatchedLesson.user_id, WatchedLesson.lesson_id, WatchedLesson.parts)
        .join(Lesson, Lesson.id == WatchedLesson.lesson_id)
        .where(one_of(session, cast(ColumnElement[str], WatchedLesson.user_id), user_ids), *in_year)
    )
    for user_id, lesson_id, parts in session.execute(replayed):
        found[user_id][lesson_id] = _Observed(replayed=united(parts))
    parties = {f"user:{user_id}": user_id for user_id in user_ids}
    row = AttendanceRow
    live = (
        select(row.lesson_id, row.party_id, Lesson.started_at, Lesson.ended_at, Recording.origin_at, row.last_seen_at)
        .join(Lesson, Lesson.id == row.lesson_id)
        .outerjoin(Recording, Recording.lesson_id == Lesson.id)
        .where(one_of(session, cast(ColumnElement[str], row.party_id), parties), row.party_role == "observer", *in_year)
    )
    stays = stays_of(session, list(parties), first)
    for attended in (_Attended(*values) for values in session.execute(live)):
        one = found[parties[attended.party_id]].setdefault(attended.lesson_id, _Observed())
        one.live = _live_parts(session, attended, stays.get((attended.party_id, attended.lesson_id), {}))
    return found


def _observation(row: Row[str, str, str, datetime, str, str], one: _Observed, quota: Quota) -> Observation:
    lesson_id, title, subject, starts_at, lead_teacher, lead_school = row
    return Observation(
        lesson_id=lesson_id,
        title=title,
        subject=subject,
        starts_at=starts_at,
        lead_teacher=lead_teacher,
        lead_school=lead_school,
        live_ms=length_ms(one.live),
        replay_ms=length_ms(one.replayed),
        watched_ms=one.watched_ms,
        counts=quota.is_met_by(one.watched_ms),
    )


Stays = dict[str, tuple[datetime | None, datetime | None]]
"""When each connection of a party came and left; None where the log does not say."""


def stays_of(session: Session, parties: list[str], first: datetime) -> dict[tuple[str, str], Stays]:
    """Comings and goings of parties since a moment, by party and lesson: few rows beside what was delivered to them."""
    # Written out as in the index of these rows: a database does not see that a parameter means the same.
    kinds: BindParameter[str] = bindparam("kinds", COMINGS_AND_GOINGS, expanding=True, literal_execute=True)
    statement = select(UsageRow.party_id, UsageRow.lesson_id, UsageRow.connection_id, UsageRow.type, UsageRow.at).where(
        one_of(session, cast(ColumnElement[str], UsageRow.party_id), parties),
        UsageRow.type.in_(kinds),
        UsageRow.at >= first - A_DAY,
    )
    found: dict[tuple[str, str], Stays] = defaultdict(dict)
    for party_id, lesson_id, connection_id, kind, at in session.execute(statement.order_by(UsageRow.id)):
        stays = found[party_id or "", lesson_id or ""]
        came, left = stays.get(connection_id or "", (None, None))
        stays[connection_id or ""] = (came or at, left) if kind == "party_joined" else (came, at)
    return found


def _live_parts(session: Session, attended: _Attended, stays: Stays) -> list[Part]:
    """When the person was in the live lesson, on the timeline of its recording, while it was being taught."""
    started = attended.started_at
    if started is None:
        return []
    ended = attended.ended_at or datetime.fromtimestamp(attended.last_seen_at or 0, UTC)
    zero = attended.origin_at or started
    parts = []
    for connection_id, (came, left) in stays.items():
        first, last = (came, left) if came and left else _seen(session, attended, connection_id)
        if first is not None and last is not None:
            parts.append((round((max(first, started) - zero) / ONE_MS), round((min(last, ended) - zero) / ONE_MS)))
    return united(parts)


def _seen(session: Session, attended: _Attended, connection_id: str) -> tuple[datetime | None, datetime | None]:
    """The first and last word of a connection that did not say good-bye: its relay was lost."""
    first, last = session.execute(
        select(func.min(UsageRow.at), func.max(UsageRow.at)).where(
            UsageRow.lesson_id == attended.lesson_id,
            UsageRow.party_id == attended.party_id,
            UsageRow.connection_id == (connection_id or None),
            UsageRow.type.in_((*COMINGS_AND_GOINGS, "delivered")),
        )
    ).one()
    return first, last
