"""Notes in the usage log who opened which recording; a player's many range requests count once a minute."""

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from service.recordings.tables import RecordingStream
from service.storage.database import Database
from service.usage.rows import append_row

ONCE_IN = timedelta(minutes=1)
MOST_REMEMBERED = 10_000


class ViewsLog:
    """Remembers who was noted lately, so that watching for an hour is sixty rows and not ten thousand."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: OrderedDict[tuple[str, str, str], datetime] = OrderedDict()
        self._lock = Lock()

    def note(self, user_id: str, stream: RecordingStream, now: datetime, *, download: bool) -> None:
        """Write down that the person was given this file, unless that was noted within the last minute."""
        kind = "recording_downloaded" if download else "recording_viewed"
        if not self._is_news((user_id, stream.id, kind), now):
            return
        with self._database.unit_of_work() as session:
            append_row(
                session,
                now,
                kind,
                lesson_id=stream.lesson_id,
                party_id=stream.party_id,
                user_id=user_id,
                data={"stream_id": stream.id, "source": stream.source},
            )

    def note_handout(self, user_id: str, lesson_id: str, now: datetime) -> None:
        """Write down that the person was given the lesson's one MP4, unless that was noted within the last minute."""
        if self._is_news((user_id, lesson_id, "handout_downloaded"), now):
            with self._database.unit_of_work() as session:
                append_row(session, now, "handout_downloaded", lesson_id=lesson_id, user_id=user_id)

    def note_live(self, user_id: str, lesson_id: str, party_id: str, now: datetime) -> None:
        """Write down that the person watched a recording while its lesson ran, once a minute."""
        if self._is_news((user_id, lesson_id + party_id, "recording_watched_live"), now):
            with self._database.unit_of_work() as session:
                append_row(
                    session, now, "recording_watched_live", lesson_id=lesson_id, party_id=party_id, user_id=user_id
                )

    def _is_news(self, key: tuple[str, str, str], now: datetime) -> bool:
        with self._lock:
            noted = self._noted.get(key)
            if noted is not None and now - noted < ONCE_IN:
                return False
            self._noted[key] = now
            self._noted.move_to_end(key)
            while len(self._noted) > MOST_REMEMBERED:
                self._noted.popitem(last=False)
            return True
