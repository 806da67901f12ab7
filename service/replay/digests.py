"""Reads digests off finished recordings: a job for each lesson, repeatable, picked up again after a restart.

Which files wait follows from the database: those of ready recordings without a row in `recording_digests`.
"""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from media.contract.digest import StreamDigest, StreamDigester
from service.clock import Clock
from service.jobs.queue import JobQueue, MakeQueue
from service.jobs.sweep import Sweep
from service.recordings.object_store import ObjectNotFoundError, ObjectStore
from service.recordings.tables import Recording, RecordingStream
from service.replay.tables import RecordingDigest
from service.storage.base import new_id
from service.storage.database import Database

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 5.0
MOST_LESSONS_AT_ONCE = 20


@runtime_checkable
class Stoppable(Protocol):
    """A digester whose work under way can be ended."""

    def stop(self) -> None:
        """End it."""


class Digests:
    """Keeps the digests of all recordings in step with the recordings."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        store: ObjectStore,
        digester: StreamDigester | None,
        work_folder: Path,
        *,
        make_queue: MakeQueue = JobQueue,
    ) -> None:
        self._database = database
        self._clock = clock
        self._store = store
        self._digester = digester
        self._work_folder = work_folder
        self._jobs = make_queue("digest_recording", self.make)
        self._waiting: set[str] = set()
        self._stopping = False
        self._undigested = Sweep("recordings without digests", self.sweep, SWEEP_EVERY_S)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for recordings without digests every few seconds, and read them one after the other."""
        if self._digester is None:
            yield
            return
        self._stopping = False
        async with self._jobs.running():
            sweeping = asyncio.create_task(self._undigested.for_ever(at_once=True), name="digests-sweep")
            try:
                yield
            finally:
                self._stopping = True
                sweeping.cancel()
                await asyncio.gather(sweeping, return_exceptions=True)
                if isinstance(self._digester, Stoppable):
                    await asyncio.to_thread(self._digester.stop)

    def sweep(self) -> None:
        """Ask for a job for every lesson that has files without digests."""
        with self._database.reading() as session:
            lessons = session.scalars(
                select(RecordingStream.lesson_id)
                .join(Recording, Recording.lesson_id == RecordingStream.lesson_id)
                .outerjoin(RecordingDigest, RecordingDigest.stream_id == RecordingStream.id)
                .where(Recording.state == "ready", RecordingDigest.stream_id.is_(None))
                .distinct()
                .limit(MOST_LESSONS_AT_ONCE)
            ).all()
        for lesson_id in lessons:
            if lesson_id not in self._waiting:
                self._waiting.add(lesson_id)
                self._jobs.put(lesson_id)

    def make(self, lesson_id: str) -> None:
        """Read the digests of a lesson's files that have none; runs on the job queue's thread."""
        try:
            with self._database.reading() as session:
                recording = session.get(Recording, lesson_id)
                streams = list(recording.streams) if recording is not None and recording.state == "ready" else []
                known = {stream.id for stream in streams if session.get(RecordingDigest, stream.id) is not None}
            pictured = _with_thumbnails(streams)
            for stream in streams:
                if self._stopping:
                    return
                if stream.id not in known:
                    self._digest(stream, thumbnails=stream.id in pictured)
        finally:
            self._waiting.discard(lesson_id)

    def _digest(self, stream: RecordingStream, *, thumbnails: bool) -> None:
        row = RecordingDigest(stream_id=stream.id, speech=[], tiles=[])
        try:
            self._work_folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._work_folder) as folder:
                digest, key = self._read(stream, Path(folder), thumbnails=thumbnails)
        except OperationalError:
            raise  # the queue comes back to it
        except Exception as error:
            if self._stopping:
                return
            log.exception("no digest of the file %s", stream.id)
            row.problem = type(error).__name__[:200]
            self._keep(row, None)
            return
        row.speech = [list(part) for part in digest.speech]
        if digest.sheet is not None and key is not None:
            row.sheet_key, row.sheet_bytes = key, self._store.size_bytes(key)
            row.tile_width, row.tile_height = digest.sheet.tile_width, digest.sheet.tile_height
            row.columns, row.tiles = digest.sheet.columns, digest.sheet.tiles
        self._keep(row, key)

    def _read(self, stream: RecordingStream, folder: Path, *, thumbnails: bool) -> tuple[StreamDigest, str | None]:
        if self._digester is None:
            raise RuntimeError("there is no digester")
        file = folder / f"file.{stream.object_key.rpartition('.')[2]}"
        with file.open("wb") as out:
            for chunk in self._store.read(stream.object_key, 0, stream.size_bytes):
                out.write(chunk)
        digest = self._digester.digest(file, folder, stream.duration_ms, thumbnails=thumbnails)
        if digest.sheet is None:
            return digest, None
        key = f"{stream.lesson_id}/{new_id()}.jpg"
        self._store.put_file(key, folder / Path(digest.sheet.file_name).name)
        return digest, key

    def _keep(self, row: RecordingDigest, key: str | None) -> None:
        """Write the row, unless the file it is about went away meanwhile: then its sheet goes too."""
        row.made_at = self._clock.now()
        with self._database.unit_of_work() as session:
            wanted = session.get(RecordingStream, row.stream_id) is not None
            if wanted and session.get(RecordingDigest, row.stream_id) is None:
                session.add(row)
                return
        if key is not None:
            with contextlib.suppress(ObjectNotFoundError):
                self._store.delete(key)


def _with_thumbnails(streams: list[RecordingStream]) -> set[str]:
    """The files whose pictures the timeline shows: those of the lead, or of anybody where the lead has none."""
    pictures = [stream for stream in streams if stream.has_picture]
    lead = {stream.id for stream in pictures if stream.role == "lead"}
    return lead or {stream.id for stream in pictures}
