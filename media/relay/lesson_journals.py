"""Keeps the journals of one lesson: which tracks are being written, whether recording is on, and what goes wrong."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from media.contract import LessonKind, Party
from media.recorder.disk_space import SpaceLevel, given_up_at
from media.recorder.journal import BEGINS_WITH_FIRST_RECORD, JournalHeader, JournalWriter
from media.recorder.journal_disk import JournalDisk
from media.recorder.journal_format import JournalError
from media.recorder.lesson_file import LessonFile, read_lesson_file, write_lesson_file
from media.recorder.native.records import JournalRecords
from media.session.actions import StartTrack

logger = logging.getLogger(__name__)

CLOSE_DEADLINE_S = 10.0
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a recording: a stable code, and a sentence for the teacher if something is being lost."""

    code: str
    lost: str | None


_GIVEN_UP = {
    SpaceLevel.WARNED: Trouble("space_low", None),
    SpaceLevel.ROOM_PICTURES: Trouble(
        "space_room_pictures", "the disk is almost full: pictures of the receiving rooms are not recorded"
    ),
    SpaceLevel.LEAD_PICTURES: Trouble("space_lead_pictures", "the disk is almost full: only sound is recorded"),
    SpaceLevel.ROOM_SOUND: Trouble("space_room_sound", "the disk is almost full: only the lead's voice is recorded"),
    SpaceLevel.ALL: Trouble("space_all", "the disk is full: nothing is recorded"),
}


class LessonJournals:
    """The journal folder of one lesson. Times are Unix seconds; nothing here blocks the event loop."""

    def __init__(
        self, folder: Path, lesson_id: str, kind: LessonKind, title: str, disk: JournalDisk, *, relay_id: str = ""
    ) -> None:
        self._folder = folder
        self._disk = disk
        self._relay_id = relay_id
        self._given_up: set[str] = set()
        self._lesson = (lesson_id, kind, title)
        self._writers: dict[str, JournalWriter] = {}
        self._closed: list[JournalWriter] = []
        self._dropped_before = 0
        self._folder_problem: str | None = None
        self._preparing: asyncio.Task[None] | None = None

    def prepare(self, opened_at: float) -> None:
        """Write the lesson file unless an earlier run of the same lesson did."""
        self._preparing = asyncio.create_task(asyncio.to_thread(self._write_lesson_file, opened_at))

    def open_track(self, track: StartTrack, party: Party) -> JournalRecords:
        """What is to take the track's packets; its journal begins with the first of them."""
        writer = self._writers.get(track.track_id)
        if writer is None:
            header = JournalHeader(
                lesson_id=self._lesson[0],
                party_id=party.party_id,
                party_name=party.name,
                role=party.role,
                track_id=track.track_id,
                source=track.source,
                kind=track.kind,
                started_at=BEGINS_WITH_FIRST_RECORD,
                relay_id=self._relay_id,
            )
            path = self._folder / f"{track.track_id}.journal"
            last_level = given_up_at(party.role, track.source)
            writer = JournalWriter(path, header, disk=self._disk, given_up_at=last_level)
            self._writers[track.track_id] = writer
        return writer.records

    def pause(self, at: float) -> None:
        """Recording is switched off: what follows is meant to be missing."""
        for writer in self._writers.values():
            writer.pause(_us(at))

    def resume(self, at: float) -> None:
        """Recording is switched on again."""
        for writer in self._writers.values():
            writer.resume(_us(at))

    def end_track(self, track_id: str, at: float) -> None:
        """Close a track's journal."""
        writer = self._writers.pop(track_id, None)
        if writer is not None:
            writer.close(_us(at), 0)
            self._closed.append(writer)

    def trouble(self) -> Trouble | None:
        """What is wrong right now; None when all is well. What fails outright is told before what is given up."""
        self._closed = [writer for writer in self._closed if writer.dropped or not writer.close(0, 0)]
        writers = [*self._writers.values(), *self._closed]
        dropped = sum(writer.dropped for writer in writers)
        fresh, self._dropped_before = dropped > self._dropped_before, dropped
        failed = next((writer.problem for writer in writers if writer.problem), None) or self._folder_problem
        if failed is not None:
            return Trouble("write_failed", failed)
        if self._disk.level is not SpaceLevel.WELL:
            return _GIVEN_UP[self._disk.level]
        if fresh:
            return Trouble("too_slow", "the disk is too slow: parts of the recording are being lost")
        return None

    def regained(self) -> list[str]:
        """Tracks that are written again after they were given up; their pictures need a key frame to begin with."""
        before = self._given_up
        self._given_up = {track_id for track_id, writer in self._writers.items() if writer.given_up}
        return [track_id for track_id in before - self._given_up if track_id in self._writers]

    async def close(self, at: float) -> list[str]:
        """Close everything and name all journals of the folder, earlier runs' included."""
        for track_id in list(self._writers):
            self.end_track(track_id, at)
        if self._preparing is not None:
            await self._preparing
        return await asyncio.to_thread(self._finish, at)

    def _finish(self, at: float) -> list[str]:
        for writer in self._closed:
            if not writer.close(_us(at), CLOSE_DEADLINE_S):
                logger.error("the journal %s did not close in time", writer.path.name)
        self._closed.clear()
        return sorted(path.name for path in self._folder.glob("*.journal")) if self._folder.is_dir() else []

    def _write_lesson_file(self, opened_at: float) -> None:
        try:
            known = read_lesson_file(self._folder)
        except JournalError:
            # A damaged one is replaced: the journals themselves say whose they are.
            known = None
        except OSError as error:
            self._folder_problem = f"the recording folder cannot be read: {error.strerror}"
            return
        lesson_id, kind, title = self._lesson
        try:
            write_lesson_file(self._folder, LessonFile(lesson_id, kind, title, known.opened_at if known else opened_at))
        except OSError as error:
            self._folder_problem = f"the recording folder cannot be written: {error.strerror}"


def _us(at: float) -> int:
    return int(at * _MICROSECONDS)
