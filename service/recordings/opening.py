"""The beginning of a recording: its row, made in the transaction that starts the lesson."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.recordings.tables import Recording


def open_recording(session: Session, lesson_id: str, now: datetime) -> None:
    """Note that the lesson is being recorded."""
    if session.get(Recording, lesson_id) is None:
        session.add(Recording(lesson_id=lesson_id, state="recording", progress=0.0, attempts=0, changed_at=now))
