"""Chapters of a recording that follow from the usage log: what the lesson's conductor, its relay and its lines told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.recordings.schemas import ChapterView
from service.usage.tables import UsageRow

TOLD = ("lesson_started", "lesson_ended", "party_joined", "party_left", "track_published", "track_ended")
MOST_CHAPTERS = 500
MOST_LINE_ROWS = 50_000
"""Lines that are weak for a whole lesson report four times a minute, each receiving party."""
SEVERITY = {"full": 0, "small": 1, "slow": 2, "paused": 3}
"""What a receiving party gets of the lead's picture. `none` says that the lead sends none, which drops no layer."""
RECOVERED_AFTER = timedelta(seconds=20)
"""A line that is full for a shorter time wavers: what it drops then belongs to the chapter before."""


def chapters_of_log(
    session: Session, lesson_id: str, origin_at: datetime | None, names: Mapping[str, str]
) -> list[ChapterView]:
    """Give the chapters by time, in ms after the recording's origin; what came before stands at its beginning.

    `names`: the parties that may be named, by id; lines of others make no chapters.
    """
    if origin_at is None:
        return []
    found = [*_told(session, lesson_id, origin_at, names), *_layers_dropped(session, lesson_id, origin_at, names)]
    return sorted(found, key=lambda chapter: chapter.at_ms)[:MOST_CHAPTERS]


def _told(session: Session, lesson_id: str, origin_at: datetime, names: Mapping[str, str]) -> Iterable[ChapterView]:
    rows = session.scalars(
        select(UsageRow)
        .where(UsageRow.lesson_id == lesson_id, UsageRow.type.in_(TOLD))
        .order_by(UsageRow.at, UsageRow.id)
        .limit(MOST_CHAPTERS)
    )
    screens: set[str] = set()
    for row in rows:
        kind, track = row.type, str(row.data.get("track_id"))
        if kind == "track_published" and row.data.get("source") == "screen" and row.data.get("kind") == "video":
            screens.add(track)  # the end of a track is told without its source
            kind = "screen_started"
        elif kind == "track_ended" and track in screens:
            kind = "screen_ended"
        elif kind.startswith("track_"):
            continue
        name = names.get(row.party_id or "", "")
        yield ChapterView(at_ms=_after_ms(row.at, origin_at), type=kind, party_name=name)


@dataclass
class _Line:
    told: int = 0
    "The severity of the last chapter; what is no worse makes none."
    full_since: datetime | None = None


def _layers_dropped(
    session: Session, lesson_id: str, origin_at: datetime, names: Mapping[str, str]
) -> Iterable[ChapterView]:
    """A chapter where a party's line first gets less of the lead's picture, and where it gets still less."""
    rows = session.execute(
        select(UsageRow.at, UsageRow.party_id, UsageRow.data)
        .where(UsageRow.lesson_id == lesson_id, UsageRow.type == "line_state")
        .order_by(UsageRow.at, UsageRow.id)
        .limit(MOST_LINE_ROWS)
    )
    lines: dict[str, _Line] = {}
    for at, party_id, data in rows:
        severity = SEVERITY.get(str(data.get("picture")))
        if party_id not in names or severity is None:
            continue
        line = lines.setdefault(party_id, _Line())
        if line.full_since is not None and at - line.full_since >= RECOVERED_AFTER:
            line.told = 0
        line.full_since = (line.full_since or at) if severity == 0 else None
        if severity > line.told and data.get("reason") != "sender":
            line.told = severity
            kind = f"layer_{data['picture']}"
            yield ChapterView(at_ms=_after_ms(at, origin_at), type=kind, party_name=names[party_id])


def _after_ms(at: datetime, origin_at: datetime) -> int:
    return max(0, round((at - origin_at) / timedelta(milliseconds=1)))
