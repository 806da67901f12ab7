"""What administrators must know about recordings, as it stands now: disks that fill up, lessons that are not recorded
well, files that could not be made, journals nobody can read.

A notice begins once, is told once to those it concerns through their inbox, and is over when its cause is.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from media.contract import RecordingState, RelayHeartbeat
from service.accounts.roles import Role
from service.accounts.tables import User
from service.clock import Clock
from service.jobs.sweep import Sweep
from service.lessons.tables import Lesson
from service.notices.writing import lesson_data, tell
from service.organisation.tables import Organisation
from service.recordings.making_tables import RecordingNotice
from service.storage.database import Database

SETTLE_EVERY_S = 3.0
WELL = "well"
MOST_DETAIL = 500
_STANDING = RecordingNotice.over_at.is_(None)


class RecordingNotices:
    """Hears about lessons on the event loop and writes on a thread; `beats` gives the relays' newest heartbeats."""

    def __init__(self, database: Database, clock: Clock, beats: Callable[[], Iterable[RelayHeartbeat]]) -> None:
        self._database = database
        self._clock = clock
        self._beats = beats
        self._lock = Lock()
        self._lessons: dict[str, RecordingState] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the notices in agreement with what is heard."""
        sweep = Sweep("notices about recordings", self.settle, SETTLE_EVERY_S)
        settling = asyncio.create_task(sweep.for_ever(at_once=True), name="recording-notices")
        try:
            yield
        finally:
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)

    def heard(self, event: RecordingState) -> None:
        """Remember the newest word about a lesson; never blocks."""
        with self._lock:
            self._lessons[event.lesson_id] = event

    def settle(self) -> None:
        """Bring the notices into agreement with what was heard; what fails is settled the next time."""
        with self._lock:
            heard = dict(self._lessons)
            self._lessons.clear()
        try:
            self._settle(list(heard.values()))
        except Exception:
            with self._lock:
                self._lessons = heard | self._lessons
            raise

    def _settle(self, lessons: list[RecordingState]) -> None:
        now = self._clock.now()
        relays = list(self._beats())
        with self._database.reading() as session:
            standing = {(one.kind, one.subject) for one in session.scalars(select(RecordingNotice).where(_STANDING))}
        for beat in relays:
            told = ("disk_space", beat.relay_id) in standing
            if beat.recording_level != WELL or told:
                self._settle_relay(beat, now)
        for state in lessons:
            told = ("recording_trouble", state.lesson_id) in standing
            lost = state.code if state.active and state.problem is not None else None
            if lost is not None or told:
                self._settle_lesson(state, lost, now)

    def _settle_relay(self, beat: RelayHeartbeat, now: datetime) -> None:
        with self._database.unit_of_work() as session:
            if beat.recording_level == WELL:
                over(session, "disk_space", beat.relay_id, now)
                return
            free_gb = round((beat.recording_free_bytes or 0) / 1e9, 1)
            data = {"relay": beat.relay_id, "level": beat.recording_level, "free_gb": free_gb}
            stands(session, "disk_space", beat.relay_id, now, detail=beat.recording_level, data=data)

    def _settle_lesson(self, state: RecordingState, lost: str | None, now: datetime) -> None:
        with self._database.unit_of_work() as session:
            if lost is None:
                over(session, "recording_trouble", state.lesson_id, now)
            else:
                stands(
                    session,
                    "recording_trouble",
                    state.lesson_id,
                    now,
                    lesson_id=state.lesson_id,
                    detail=state.problem or "",
                    data={"code": lost},
                )


def stands(
    session: Session,
    kind: str,
    subject: str,
    now: datetime,
    *,
    detail: str,
    data: dict[str, Any],
    lesson_id: str | None = None,
) -> None:
    """Note that something is wrong. When it is news, or has become something else, those it concerns are told."""
    notice = session.scalar(
        select(RecordingNotice).where(RecordingNotice.kind == kind, RecordingNotice.subject == subject)
    )
    detail = detail[:MOST_DETAIL]
    is_news = notice is None or notice.over_at is not None or notice.detail != detail
    if notice is None:
        notice = RecordingNotice(kind=kind, subject=subject, lesson_id=lesson_id, first_at=now)
        session.add(notice)
    if notice.over_at is not None:
        notice.first_at, notice.over_at, notice.seen_by, notice.seen_at = now, None, None, None
    notice.detail, notice.data, notice.last_at = detail, data, now
    session.flush()
    if is_news:
        _tell(session, kind, lesson_id, data, now)


def over(session: Session, kind: str, subject: str, now: datetime) -> None:
    """Note that it is over; nothing if it was not known."""
    notice = session.scalar(
        select(RecordingNotice).where(
            RecordingNotice.kind == kind, RecordingNotice.subject == subject, RecordingNotice.over_at.is_(None)
        )
    )
    if notice is not None:
        notice.over_at = now


def standing_notices(session: Session, lead_school_path: str, *, deployment: bool) -> Iterable[RecordingNotice]:
    """What stands about lessons of the subtree, and with `deployment` about the machines, newest first."""
    below = select(Lesson.id).join(Organisation, Organisation.id == Lesson.lead_school_id)
    below = below.where(Organisation.path.startswith(lead_school_path))
    of_lessons = RecordingNotice.lesson_id.in_(below)
    concerned = or_(of_lessons, RecordingNotice.lesson_id.is_(None)) if deployment else of_lessons
    return session.scalars(
        select(RecordingNotice).where(_STANDING, concerned).order_by(RecordingNotice.last_at.desc(), RecordingNotice.id)
    )


def _tell(session: Session, kind: str, lesson_id: str | None, data: dict[str, Any], now: datetime) -> None:
    """System administrators, and the lead school when it is about a lesson."""
    administrators = session.scalars(
        select(User.id).where(User.role == Role.SYSTEM_ADMINISTRATOR, User.disabled.is_(False))
    ).all()
    lesson = session.get(Lesson, lesson_id) if lesson_id is not None else None
    said = data | (lesson_data(lesson) if lesson is not None else {})
    schools = [lesson.lead_school_id] if lesson is not None else []
    if kind == "disk_space":
        kind = f"disk_{data['level']}"
    tell(session, now, kind, said, users=administrators, schools=schools, lesson_id=lesson_id)
