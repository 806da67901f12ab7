"""Counts what a person really played of a recording: each second of the lesson once, and no faster than time passes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service.replay.parts_of_time import cut_to, first_of, length_ms, simplified, united, without
from service.replay.tables import WatchedLesson, Watcher
from service.usage.rows import append_row

FASTEST = 2.0
"""The fastest speed the player offers: nobody can have played more of a lesson than this times the time that passed."""
LONGEST_SILENCE = timedelta(minutes=2)
"""A page reports every quarter of a minute; after a longer silence only so much can be claimed at once."""
SLACK_MS = 2_000


def count_watched(
    session: Session, user_id: str, lesson_id: str, played: Sequence[Sequence[int]], duration_ms: int, now: datetime
) -> int:
    """Add the stretches `played` (ms on the lesson's timeline) and give how many ms were new and believable.

    One person has one clock, however many windows: what two windows claim for the same time counts once.
    """
    claimed = first_of(cut_to(played, 0, duration_ms), _most_ms(session, user_id, now))
    row = session.get(WatchedLesson, (user_id, lesson_id))
    known = [] if row is None else united(row.parts)
    fresh = without(claimed, known)
    if not fresh:
        return 0
    if row is None:
        row = WatchedLesson(user_id=user_id, lesson_id=lesson_id, first_at=now)
        session.add(row)
    parts = simplified(united([*known, *fresh]))
    fresh_ms = length_ms(fresh)
    row.parts = [list(part) for part in parts]
    row.watched_ms = (row.watched_ms or 0) + fresh_ms
    row.last_at = now
    append_row(
        session,
        now,
        "recording_watched",
        lesson_id=lesson_id,
        user_id=user_id,
        data={"parts": [list(part) for part in fresh], "new_ms": fresh_ms},
    )
    return fresh_ms


def begin_watching(session: Session, user_id: str, now: datetime) -> None:
    """Note that the person starts to play: what is reported next cannot have been played before."""
    watcher = session.get(Watcher, user_id)
    if watcher is None:
        session.add(Watcher(user_id=user_id, reported_at=now))
    elif now - watcher.reported_at > LONGEST_SILENCE:
        watcher.reported_at = now


def _most_ms(session: Session, user_id: str, now: datetime) -> int:
    watcher = session.get(Watcher, user_id)
    if watcher is None:
        session.add(Watcher(user_id=user_id, reported_at=now))
        return SLACK_MS
    passed = min(max(now - watcher.reported_at, timedelta()), LONGEST_SILENCE)
    watcher.reported_at = now
    return SLACK_MS + round(passed / timedelta(milliseconds=1) * FASTEST)
