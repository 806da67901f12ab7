"""Who is on stage in each open lesson, as the relays tell it: whichever relay carries the lesson next is told so.

The leading process has it in memory and writes it down at its next look at the database; who leads next reads it there.
"""

from collections.abc import Collection

from sqlalchemy import select

from service.lessons.tables import Lesson
from service.live.tables import LessonStage
from service.storage.database import Database

NOBODY: frozenset[str] = frozenset()


class Stages:
    """`agree` blocks on the database and is called on a thread; all else is for the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._on_stage: dict[str, frozenset[str]] = {}
        self._unwritten: set[str] = set()
        self._is_read = False

    def of(self, lesson_id: str) -> frozenset[str]:
        """Give the parties on stage."""
        return self._on_stage.get(lesson_id, NOBODY)

    def set(self, lesson_id: str, party_ids: Collection[str]) -> frozenset[str]:
        """Remember who is on stage; gives whoever came or went."""
        before, now = self.of(lesson_id), frozenset(party_ids)
        if before != now or not self._is_read:
            self._on_stage[lesson_id] = now
            self._unwritten.add(lesson_id)
        return before ^ now

    def forget(self) -> None:
        """Another process leads: what is known here gets old."""
        self._on_stage, self._unwritten, self._is_read = {}, set(), False

    def agree(self) -> None:
        """Write down what is new, and know what the process that led before wrote."""
        unwritten = {lesson_id: self._on_stage[lesson_id] for lesson_id in list(self._unwritten)}
        if unwritten:
            with self._database.unit_of_work() as session:
                for lesson_id, party_ids in unwritten.items():
                    row = session.get(LessonStage, lesson_id)
                    if not party_ids and row is not None:
                        session.delete(row)
                    elif row is not None:
                        row.party_ids = sorted(party_ids)
                    elif party_ids and session.get(Lesson, lesson_id) is not None:
                        session.add(LessonStage(lesson_id=lesson_id, party_ids=sorted(party_ids)))
        self._unwritten -= {lesson_id for lesson_id, written in unwritten.items() if self.of(lesson_id) == written}
        if not self._is_read:
            with self._database.reading() as session:
                rows = {row.lesson_id: frozenset(row.party_ids) for row in session.scalars(select(LessonStage))}
            self._on_stage = rows | self._on_stage
            self._is_read = True
