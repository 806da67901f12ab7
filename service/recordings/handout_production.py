"""Makes the files to hand out, one at a time: fetch a lesson's files, compose, store, verify; goes on after a restart.

Like recordings, the state lives in the database and the job queue only says "now".
"""

import asyncio
import contextlib
import hashlib
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from media.contract import HandoutFile, HandoutMaker, HandoutSource
from service.clock import Clock
from service.jobs.queue import JobQueue, MakeQueue
from service.recordings.access import shown_streams
from service.recordings.making_tables import Handout
from service.recordings.object_store import ObjectStore
from service.recordings.privacy_tables import DoomedObject
from service.recordings.production import MOST_ATTEMPTS, CopyDamagedError, Stoppable, without_paths
from service.recordings.subprocess_maker import WorkerDiedError
from service.recordings.tables import Recording, RecordingStream
from service.storage.base import new_id
from service.storage.database import Database

log = logging.getLogger(__name__)

SMALLEST_STEP = 0.01


class HandoutProduction:
    """Turns ready recordings into one MP4 each, as far as they may be handed out."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        maker: HandoutMaker | None,
        store: ObjectStore,
        work_folder: Path,
        *,
        make_queue: MakeQueue = JobQueue,
    ) -> None:
        """Without a maker, what is asked for waits for a process that has one."""
        self._database = database
        self._clock = clock
        self._maker = maker
        self._store = store
        self._work_folder = work_folder
        self._jobs = make_queue("make_handout", self.make)
        self._stopping = False
        self._died: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take jobs, first those a former process left unfinished."""
        self._stopping = False
        async with self._jobs.running():
            for lesson_id in await asyncio.to_thread(self._unfinished):
                self._jobs.put(lesson_id)
            try:
                yield
            finally:
                self._stopping = True
                maker: object = self._maker
                if isinstance(maker, Stoppable):
                    maker.stop()

    def wanted(self, lesson_id: str) -> None:
        """Somebody asked for the lesson's file. From any thread."""
        self._jobs.put(lesson_id)

    def make(self, lesson_id: str) -> None:
        """Make one file; runs on the job queue's thread. Failures end in the row."""
        maker = self._maker
        begun = self._begin(lesson_id) if maker is not None else None
        if maker is None or begun is None:
            return
        handout_id, streams = begun
        work = self._work_folder / handout_id
        try:
            work.mkdir(parents=True, exist_ok=True)
            sources = [self._fetched(stream, work) for stream in streams]
            made = maker.make(sources, work / "handout.mp4", work, lambda share: self._tell(handout_id, share))
            self._finish(lesson_id, handout_id, made, self._stored(lesson_id, work / "handout.mp4", made))
            shutil.rmtree(work, ignore_errors=True)
        except OperationalError:
            raise  # the queue comes back to it
        except Exception as error:
            if self._stopping:
                log.info("the file to hand out of lesson %s is made after the restart", lesson_id)
                return
            if isinstance(error, WorkerDiedError) and self._died.setdefault(handout_id, 0) < MOST_ATTEMPTS:
                self._died[handout_id] += 1
                log.warning("the worker that made a file of lesson %s died; another one goes on", lesson_id)
                self._jobs.put(lesson_id)
                return
            log.exception("the file to hand out of lesson %s could not be made", lesson_id)
            self._fail(lesson_id, handout_id, without_paths(str(error)))

    def _unfinished(self) -> list[str]:
        """Lessons whose file is to be made; what lies around of others goes."""
        with self._database.reading() as session:
            rows = session.execute(
                select(Handout.lesson_id, Handout.id).where(Handout.state.in_(("waiting", "making")))
            ).all()
        if self._work_folder.is_dir():
            for folder in self._work_folder.iterdir():
                if folder.name not in {row.id for row in rows}:
                    shutil.rmtree(folder, ignore_errors=True)
        return [row.lesson_id for row in rows]

    def _begin(self, lesson_id: str) -> tuple[str, list[RecordingStream]] | None:
        with self._database.unit_of_work() as session:
            handout = session.get(Handout, lesson_id)
            recording = session.get(Recording, lesson_id)
            if handout is None or recording is None or handout.state not in {"waiting", "making"}:
                return None
            streams = shown_streams(session, recording, "published")
            handout.state, handout.changed_at = "making", self._clock.now()
            handout.parties = sorted({stream.party_id for stream in streams})
            return handout.id, streams

    def _fetched(self, stream: RecordingStream, work: Path) -> HandoutSource:
        """A local copy of the stored file, fetched unless an earlier attempt did. Raises CopyDamagedError."""
        path = work / f"{stream.id}.{stream.object_key.rpartition('.')[2]}"
        if not path.exists() or path.stat().st_size != stream.size_bytes:
            partial = path.with_suffix(".partial")
            checksum = hashlib.sha256()
            with partial.open("wb") as file:
                for chunk in self._store.read(stream.object_key, 0, stream.size_bytes):
                    checksum.update(chunk)
                    file.write(chunk)
            if checksum.hexdigest() != stream.sha256:
                raise CopyDamagedError(f"the stored file of {stream.party_name} is damaged")
            partial.replace(path)
        return HandoutSource(
            path=str(path),
            sha256=stream.sha256,
            role=stream.role,  # type: ignore[arg-type]
            source=stream.source,  # type: ignore[arg-type]
            offset_ms=stream.offset_ms,
            duration_ms=stream.duration_ms,
            has_picture=stream.has_picture,
            has_sound=stream.has_sound,
            gaps=[(begin, end) for begin, end in stream.gaps],
        )

    def _stored(self, lesson_id: str, path: Path, made: HandoutFile) -> str:
        key = f"{lesson_id}/{new_id()}.mp4"
        self._store.put_file(key, path)
        checksum = hashlib.sha256()
        for chunk in self._store.read(key, 0, made.bytes):
            checksum.update(chunk)
        if checksum.hexdigest() != made.sha256:
            self._store.delete(key)
            raise CopyDamagedError("the file was damaged on its way into the store")
        return key

    def _finish(self, lesson_id: str, handout_id: str, made: HandoutFile, key: str) -> None:
        now = self._clock.now()
        with self._database.unit_of_work() as session:
            handout = session.get(Handout, lesson_id)
            if handout is None or handout.id != handout_id:
                # Meanwhile a release was withdrawn or the recording deleted: nobody may get this file.
                session.add(DoomedObject(object_key=key, doomed_at=now))
                return
            handout.state, handout.progress, handout.object_key = "ready", 1.0, key
            handout.size_bytes, handout.sha256, handout.duration_ms = made.bytes, made.sha256, made.duration_ms
            handout.changed_at = now

    def _fail(self, lesson_id: str, handout_id: str, detail: str) -> None:
        with self._database.unit_of_work() as session:
            handout = session.get(Handout, lesson_id)
            if handout is not None and handout.id == handout_id:
                handout.state, handout.problem_detail, handout.changed_at = "failed", detail, self._clock.now()

    def _tell(self, handout_id: str, share: float) -> None:
        with self._database.unit_of_work() as session:
            handout = session.scalar(select(Handout).where(Handout.id == handout_id))
            if handout is not None and share - handout.progress >= SMALLEST_STEP:
                handout.progress = min(1.0, share)
