"""Makes recordings after lessons: a job for each, one at a time, repeatable, picked up again after a restart.

The state lives in the database; the job queue only says "now". Journals are removed when every file made from them
lies in the object store and was read back with the right checksum, and not before.
"""

import asyncio
import contextlib
import hashlib
import logging
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from media.contract import RecordedStream, RecordingMaker, RecordingManifest
from service.clock import Clock
from service.jobs.queue import JobQueue, MakeQueue
from service.jobs.sweep import Sweep
from service.lessons.tables import Lesson
from service.recordings.deletion import AT_ONCE, delete_doomed, give_up_expired
from service.recordings.notices import over, stands
from service.recordings.object_store import ObjectStore
from service.recordings.privacy_tables import DoomedObject
from service.recordings.results import keep_result, old_keys
from service.recordings.subprocess_maker import WorkerDiedError
from service.recordings.tables import Recording
from service.storage.base import new_id
from service.storage.database import Database

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 10.0
MOST_ATTEMPTS = 5
NOTHING_RECORDED = "nothing_recorded"
HOUSEKEEPING_EVERY_SWEEPS = 60
CLOSED_WITHIN = timedelta(seconds=30)
"""A relay tells that it closed a lesson well within this time; if it does not, it is gone and what it wrote is used."""
_PATH = re.compile(r"(?<!\w)/[^\s'\",;:]+")


@runtime_checkable
class Stoppable(Protocol):
    """A maker whose work under way can be ended."""

    def stop(self) -> None:
        """End it."""


class CopyDamagedError(Exception):
    """A file read back from the object store is not the one that was made."""


class Production:
    """Turns journals into recordings."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        maker: RecordingMaker,
        store: ObjectStore,
        *,
        journal_folder: Path,
        work_folder: Path,
        make_queue: MakeQueue = JobQueue,
    ) -> None:
        self._database = database
        self._clock = clock
        self._maker = maker
        self._store = store
        self._journal_folder = journal_folder
        self._work_folder = work_folder
        self._jobs = make_queue("make_recording", self.make)
        self._housekeeping = make_queue("keep_house", self.keep_house)
        self._under_way: set[str] = set()
        self._stopping = False
        self._unfinished = Sweep("unfinished recordings", self._look_round, SWEEP_EVERY_S)
        self._rounds = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take jobs, first those a former process left unfinished."""
        self._stopping = False
        async with self._jobs.running(), self._housekeeping.running():
            await asyncio.to_thread(self.sweep, after_restart=True)
            self.look()
            sweeping = asyncio.create_task(self._unfinished.for_ever(), name="recordings-sweep")
            try:
                yield
            finally:
                self._stopping = True
                sweeping.cancel()
                await asyncio.gather(sweeping, return_exceptions=True)
                if isinstance(self._maker, Stoppable):
                    self._maker.stop()

    def lesson_closed(self, lesson_id: str) -> None:
        """The relay has written its last: make the recording, if there is one to make. From the event loop."""
        self._jobs.put(lesson_id)

    def retry(self, lesson_id: str) -> None:
        """Try a failed recording again. From any thread."""
        self._jobs.put(lesson_id)

    def look(self) -> None:
        """Something is to be deleted: do it soon. From any thread."""
        self._housekeeping.put("now")

    def keep_house(self, _: str = "") -> None:
        """Give up what policies do not keep, and delete what is given up; runs on the job queue's thread."""
        now = self._clock.now()
        give_up_expired(self._database, now)
        while delete_doomed(self._database, self._store, self._journal_folder, now) >= AT_ONCE:
            pass

    def sweep(self, *, after_restart: bool = False) -> None:
        """Find recordings that wait for nothing but us: unfinished ones, and those whose relay never said goodbye."""
        now = self._clock.now()
        with self._database.reading() as session:
            unfinished = session.scalars(select(Recording.lesson_id).where(Recording.state == "processing")).all()
            over = Lesson.ended_at <= (now if after_restart else now - CLOSED_WITHIN)
            orphaned = session.scalars(
                select(Recording.lesson_id).join(Lesson).where(Recording.state == "recording", over)
            ).all()
        for lesson_id in [*unfinished, *orphaned]:
            if lesson_id not in self._under_way:
                self._jobs.put(lesson_id)

    def make(self, lesson_id: str) -> None:
        """Make one recording, from journals to rows; runs on the job queue's thread. Failures end in the row."""
        attempt = 0 if lesson_id in self._under_way else self._begin(lesson_id)
        if attempt == 0:
            return
        again = False
        self._under_way.add(lesson_id)
        try:
            self._make(lesson_id)
        except Exception as error:
            if self._stopping:
                log.info("the recording of lesson %s is made after the restart", lesson_id)
                return
            if isinstance(error, OperationalError):
                # What was made so far is kept, and the sweep comes back to it.
                log.info("the recording of lesson %s waits for the database", lesson_id)
                return
            if isinstance(error, WorkerDiedError) and attempt < MOST_ATTEMPTS:
                log.warning("the worker that made the recording of lesson %s died; another one tries", lesson_id)
                again = True
                return
            log.exception("the recording of lesson %s could not be made", lesson_id)
            self._fail(lesson_id, "making_failed", without_paths(str(error)))
        finally:
            self._under_way.discard(lesson_id)
            if again:
                self._jobs.put(lesson_id)

    def _begin(self, lesson_id: str) -> int:
        """Which attempt this is, from 1 on; 0 when there is nothing to make."""
        with self._database.unit_of_work() as session:
            recording = session.get(Recording, lesson_id)
            if recording is None or recording.deleted_at is not None or recording.state == "ready":
                return 0
            # A relay also closes lessons that were moved, or begun again: only an ended one has all its journals.
            if recording.lesson.state != "ended":
                return 0
            recording.state, recording.progress = "processing", 0.0
            recording.problem = recording.problem_detail = None
            recording.attempts += 1
            recording.changed_at = self._clock.now()
            return recording.attempts

    def _make(self, lesson_id: str) -> None:
        journals, work = self._journal_folder / lesson_id, self._work_folder / lesson_id
        if not any(journals.glob("*.journal")):
            self._fail(lesson_id, NOTHING_RECORDED, "Nobody sent picture or sound while the lesson was recorded.")
            return
        manifest = self._maker.make(journals, work, _Progress(self._database, lesson_id))
        if not manifest.streams:
            self._fail(lesson_id, NOTHING_RECORDED, "Nobody sent picture or sound while the lesson was recorded.")
            return
        keys = [self._keep(lesson_id, work, stream) for stream in manifest.streams]
        self._finish(lesson_id, manifest, keys)
        _remove_journals(journals, manifest.unreadable)
        shutil.rmtree(work, ignore_errors=True)

    def _keep(self, lesson_id: str, work: Path, stream: RecordedStream) -> str:
        """Store one file and read it back; only what comes back whole counts."""
        key = f"{lesson_id}/{new_id()}{Path(stream.file_name).suffix}"
        self._store.put_file(key, work / stream.file_name)
        checksum = hashlib.sha256()
        for chunk in self._store.read(key, 0, stream.bytes):
            checksum.update(chunk)
        if self._store.size_bytes(key) != stream.bytes or checksum.hexdigest() != stream.sha256:
            self._store.delete(key)
            raise CopyDamagedError(f"{stream.file_name} was damaged on its way into the store")
        return key

    def _finish(self, lesson_id: str, manifest: RecordingManifest, keys: list[str]) -> None:
        now = self._clock.now()
        with self._database.unit_of_work() as session:
            for key in old_keys(session, lesson_id):
                session.add(DoomedObject(object_key=key, doomed_at=now))
            keep_result(session, lesson_id, manifest, keys, now)
            over(session, "making_failed", lesson_id, now)
            if manifest.unreadable:
                said = ", ".join(manifest.unreadable)
                data = {"journals": len(manifest.unreadable)}
                stands(session, "journals_unreadable", lesson_id, now, detail=said, data=data, lesson_id=lesson_id)

    def _fail(self, lesson_id: str, problem: str, detail: str) -> None:
        with self._database.unit_of_work() as session:
            recording = session.get_one(Recording, lesson_id)
            recording.state, recording.problem, recording.problem_detail = "failed", problem, detail
            recording.changed_at = now = self._clock.now()
            if problem != NOTHING_RECORDED:
                stands(session, "making_failed", lesson_id, now, detail=detail, data={}, lesson_id=lesson_id)

    def _look_round(self) -> None:
        self._rounds += 1
        if self._rounds % HOUSEKEEPING_EVERY_SWEEPS == 0:
            self.look()
        self.sweep()


class _Progress:
    """Writes the share done into the row, a few dozen times at most."""

    def __init__(self, database: Database, lesson_id: str) -> None:
        self._database = database
        self._lesson_id = lesson_id
        self._written = 0.0

    def __call__(self, share: float) -> None:
        share = min(1.0, max(0.0, share))
        if share - self._written < 0.04:
            return
        self._written = share
        with contextlib.suppress(OperationalError), self._database.unit_of_work() as session:
            recording = session.get(Recording, self._lesson_id)
            if recording is not None:
                recording.progress = share


def _remove_journals(folder: Path, unreadable: list[str]) -> None:
    """All of them, but for those that nobody could read: somebody may know how."""
    if not unreadable:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.glob("*.journal"):
        if path.name not in unreadable:
            path.unlink(missing_ok=True)


def without_paths(text: str) -> str:
    """Cut this machine's paths out of a text that people will read."""
    return _PATH.sub("…", text)[:500]
