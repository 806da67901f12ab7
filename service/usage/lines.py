"""How the lines of one lesson's receiving parties did: the states the relay reported, and what was missed when."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from media.contract import LineReason, PictureState
from service.recordings.tables import Recording
from service.usage.absences import Presence, Sent, absences
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
    """A time in which the lead's sound or picture did not reach a party: for its weak line, or because it was gone."""

    from_at: datetime
    to_at: datetime
    sound_ms: int
    picture_ms: int
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
    presence: Presence = field(default_factory=Presence)
    sent: list[Sent] = field(default_factory=list)


_TYPES = ("line_state", "delivered", "published", "party_joined", "party_left")


def read_lines(session: Session, lesson_id: str) -> LessonLines:
    """Gather the lines from the usage log."""
    rows = session.execute(
        select(UsageRow.at, UsageRow.type, UsageRow.party_id, UsageRow.connection_id, UsageRow.data)
        .where(UsageRow.lesson_id == lesson_id, UsageRow.type.in_(_TYPES))
        .order_by(UsageRow.id)
        .limit(MOST_ROWS)
    )
    gathered: dict[str, _Gathered] = {}
    for at, kind, party_id, connection_id, data in rows:
        if party_id is not None:
            _gather(gathered.setdefault(party_id, _Gathered()), at, kind, connection_id or "", data)
    names, leads = {}, set()
    for row in session.scalars(select(AttendanceRow).where(AttendanceRow.lesson_id == lesson_id)):
        if row.party_role == "lead":
            leads.add(row.party_id)
        else:
            names[row.party_id] = row
    sent = [span for party_id in leads for span in gathered.get(party_id, _Gathered()).sent]
    for found in gathered.values():
        _add_absences(found, sent)
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


def _gather(found: _Gathered, at: datetime, kind: str, connection_id: str, data: dict[str, Any]) -> None:
    if kind == "line_state":
        found.points.append(LinePoint(**{**data, "at": at}))
    elif kind == "delivered":
        _count_missed(found.missed, data)
    elif kind == "published":
        found.sent.append(Sent(data["from_at"], data["to_at"], int(data["sound_ms"]), int(data["picture_ms"])))
    elif kind == "party_joined":
        found.presence.came(connection_id, at.timestamp())
    else:
        found.presence.went(connection_id, str(data.get("reason", "")), at.timestamp())


def _add_absences(found: _Gathered, sent: list[Sent]) -> None:
    for begin, end, sound_ms, picture_ms in absences(found.presence, sent):
        from_at, to_at = (datetime.fromtimestamp(moment, UTC) for moment in (begin, end))
        found.missed.append(MissedSpan(from_at=from_at, to_at=to_at, sound_ms=sound_ms, picture_ms=picture_ms))
    found.missed.sort(key=lambda span: span.from_at)


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
