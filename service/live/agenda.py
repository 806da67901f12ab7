"""What the relays should be doing now, as the bookings say it. Blocks on the database."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from media.contract import LessonKind, OpenLesson
from service.lessons.course import opens_on_relay
from service.lessons.tables import Lesson, Receiver
from service.live.placement import Load

MOST_REMEMBERED = 4_096


@dataclass(frozen=True)
class OpenOne:
    """One lesson that should be open on a relay."""

    open: OpenLesson
    recording: bool
    state: str
    parties: int
    """Rooms that take part; what placement counts."""

    @property
    def load(self) -> Load:
        """The lesson as placement sees it."""
        return Load(self.open.lesson_id, self.parties, self.state == "live")


def read_open(session: Session, now: datetime) -> dict[str, OpenOne]:
    """Read the lessons that should be open on a relay, by id; plain columns, for this is read twice a second."""
    rooms = (
        select(func.count())
        .where(Receiver.lesson_id == Lesson.id, Receiver.state.in_(("pending", "accepted")))
        .scalar_subquery()
    )
    columns = (Lesson.id, Lesson.kind, Lesson.title, Lesson.recorded, Lesson.starts_at, Lesson.ends_at, Lesson.state)
    rows = session.execute(select(*columns, rooms.label("rooms")).where(opens_on_relay(now)))
    return {row.id: _open_one(*row) for row in rows}


@lru_cache(maxsize=MOST_REMEMBERED)
def _open_one(
    lesson_id: str,
    kind: LessonKind,
    title: str,
    recorded: bool,
    starts_at: datetime,
    ends_at: datetime,
    state: str,
    rooms: int,
) -> OpenOne:
    """One row's lesson; what did not change is the same object, so that comparing hundreds costs nothing."""
    return OpenOne(
        open=OpenLesson(
            lesson_id=lesson_id,
            kind=kind,
            title=title,
            recorded=recorded,
            starts_at=starts_at.timestamp(),
            ends_at=ends_at.timestamp(),
        ),
        recording=recorded and state == "live",
        state=state,
        parties=rooms + 1,
    )


def state_of(session: Session, lesson_id: str) -> str:
    """Give the state of a lesson; one that is gone was cancelled."""
    return session.scalar(select(Lesson.state).where(Lesson.id == lesson_id)) or "cancelled"
