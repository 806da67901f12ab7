"""How the lines of one lesson's receiving parties did: the states the relay reported, and what was missed when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from media.contract import LineReason, PictureState
from service.lessons.tables import Lesson
from service.recordings.tables import Recording
from service.usage.absence import Absence, Taught, find_absences
from service.usage.tables import AttendanceRow, UsageRow

MOST_ROWS = 200_000
"""A lesson of a day with a hundred rooms; more would only be drawn over each other."""
LEAST_MISSED_MS = 300
"""Less than this in an interval is what a sampled count cannot tell from nothing."""


class LinePoint(BaseModel):
    """The line of a party from this moment on."""

    at: datetime
    picture: PictureState
    screen: PictureState
    reason: LineReason
    kbps: int | None
    loss_pct: float
    queue_ms: int
    rtt_ms: int | None


class MissedSpan(BaseModel):
    """A time in which the lead's sound or picture did not reach a party."""

    from_at: datetime
    to_at: datetime
    sound_ms: int
    picture_ms: int
    away: bool = False
    """Whether it was not connected at all."""
    replay_s: float | None = None
    """Where in the replay it begins; None while there is no recording."""


class PartyLine(BaseModel):
    """One party's line over the whole lesson."""

    party_id: str
    name: str
    school: str
    points: list[LinePoint]
    missed: list[MissedSpan]
    missed_sound_ms: int
    missed_picture_ms: int


class LessonLines(BaseModel):
    """The lines of all parties that received the lesson, by name."""

    items: list[PartyLine]


@dataclass
class _Gathered:
    points: list[LinePoint] = field(default_factory=list)
    missed: list[MissedSpan] = field(default_factory=list)
    present: list[tuple[float, float]] = field(default_factory=list)
    taught: list[Taught] = field(default_factory=list)


def read_lines(session: Session, lesson_id: str) -> LessonLines:
    """Gather the lines from the usage log."""
    rows = session.execute(
        select(UsageRow.at, UsageRow.type, UsageRow.party_id, UsageRow.data)
        .where(UsageRow.lesson_id == lesson_id, UsageRow.type.in_(("line_state", "delivered", "published")))
        .order_by(UsageRow.id)
        .limit(MOST_ROWS)
    )
    gathered: dict[str, _Gathered] = {}
    for at, kind, party_id, data in rows:
        if party_id is not None:
            of_party = gathered.setdefault(party_id, _Gathered())
            if kind == "line_state":
                of_party.points.append(LinePoint(**{**data, "at": at}))
            elif kind == "published":
                of_party.taught.append(_taught(data))
            else:
                of_party.present.append((data["from_at"], data["to_at"]))
                _count_missed(of_party.missed, data)
    attended = {
        row.party_id: row for row in session.scalars(select(AttendanceRow).where(AttendanceRow.lesson_id == lesson_id))
    }
    _add_absences(session, lesson_id, gathered, {party_id: row.party_role for party_id, row in attended.items()})
    names = {party_id: row for party_id, row in attended.items() if row.party_role != "lead"}
    _find_in_replay(session, lesson_id, [span for found in gathered.values() for span in found.missed])
    items = [
        PartyLine(
            party_id=party_id,
            name=names[party_id].room_or_person,
            school=names[party_id].school,
            points=found.points,
            missed=found.missed,
            missed_sound_ms=sum(span.sound_ms for span in found.missed),
            missed_picture_ms=sum(span.picture_ms for span in found.missed),
        )
        for party_id, found in gathered.items()
        if party_id in names
    ]
    return LessonLines(items=sorted(items, key=lambda item: (item.school, item.name)))


def _add_absences(
    session: Session, lesson_id: str, gathered: Mapping[str, _Gathered], roles: Mapping[str, str]
) -> None:
    """Rooms miss what is taught from start to end; teachers what is taught between their coming and going."""
    taught = {party_id: found.taught for party_id, found in gathered.items() if roles.get(party_id) == "lead"}
    lesson = session.get(Lesson, lesson_id)
    last = max((one.ends for of_party in taught.values() for one in of_party), default=None)
    whole = None
    if lesson is not None and lesson.started_at is not None and last is not None:
        ended_at = lesson.ended_at.timestamp() if lesson.ended_at else last
        whole = (lesson.started_at.timestamp(), min(last, ended_at))
    for party_id, found in gathered.items():
        role = roles.get(party_id)
        if role in {"room", "teacher"}:
            away = find_absences(found.present, taught, whole if role == "room" else None)
            found.missed += [_away_span(one) for one in away if max(one.sound_ms, one.picture_ms) >= LEAST_MISSED_MS]
            found.missed.sort(key=lambda span: span.from_at)


def _away_span(absence: Absence) -> MissedSpan:
    starts, ends = (datetime.fromtimestamp(at, UTC) for at in (absence.starts, absence.ends))
    return MissedSpan(from_at=starts, to_at=ends, sound_ms=absence.sound_ms, picture_ms=absence.picture_ms, away=True)


def _taught(data: dict[str, Any]) -> Taught:
    return Taught(data["from_at"], data["to_at"], int(data["picture_ms"]), int(data["sound_ms"]))


def _find_in_replay(session: Session, lesson_id: str, spans: list[MissedSpan]) -> None:
    origin_at = session.scalar(select(Recording.origin_at).where(Recording.lesson_id == lesson_id))
    if origin_at is None:
        return
    for span in spans:
        span.replay_s = max(0.0, (span.from_at - origin_at).total_seconds())


def _count_missed(missed: list[MissedSpan], data: dict[str, Any]) -> None:
    sound, picture = int(data.get("missed_sound_ms", 0)), int(data.get("missed_picture_ms", 0))
    if max(sound, picture) < LEAST_MISSED_MS:
        return
    starts, ends = (datetime.fromtimestamp(data[name], UTC) for name in ("from_at", "to_at"))
    last = missed[-1] if missed else None
    if last is not None and (starts - last.to_at).total_seconds() < 1.0:
        last.to_at = ends
        last.sound_ms += sound
        last.picture_ms += picture
    else:
        missed.append(MissedSpan(from_at=starts, to_at=ends, sound_ms=sound, picture_ms=picture))
