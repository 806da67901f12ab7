"""Makes a lesson's recording from its journals. May be called at any time, again, and after a crash: what is there and
still right is kept, everything else is made anew beside it and put in place whole.
"""

import logging
import re
import shutil
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Literal

from media.contract import RecordedStream, RecordingManifest
from media.recorder.errors import RecordingError
from media.recorder.journal_format import JournalError
from media.recorder.lesson_file import read_lesson_file
from media.recorder.manifest_file import kept_manifest, write_manifest
from media.recorder.party_files import PartyFiles
from media.recorder.product_file import Written
from media.recorder.relay_clocks import on_one_clock
from media.recorder.timeline import happenings, in_succession, merged
from media.recorder.track_clock import TrackScan, scan, sender_delays_us
from media.recorder.verification import sha256_of, verify

logger = logging.getLogger(__name__)

SOURCES = {"camera": "camera", "microphone": "camera", "screen": "screen", "screen_audio": "screen"}
ROLES = {"lead", "room", "teacher", "observer"}
SCAN_SHARE = 0.2
MAKING_FOLDER_NAME = ".making"
Progress = Callable[[float], None]


class JournalRecordingMaker:
    """Implements `media.contract.RecordingMaker` with PyAV; runs in the calling thread and takes its time."""

    def make(self, journal_folder: Path, output_folder: Path, progress: Progress) -> RecordingManifest:
        """Make the files of the lesson whose journals lie in `journal_folder`.

        Journals that are damaged from their first byte are left out with a warning. A lesson in which nobody sent
        anything makes a manifest without streams. Raises RecordingError if there are no journals, if none of them can
        be read, or if the output cannot be written; ProductError if a file did not stand its check.
        """
        paths = sorted(journal_folder.glob("*.journal"))
        try:
            manifest = kept_manifest(output_folder, paths)
            if manifest is None:
                if not paths:
                    raise RecordingError(f"there are no journals in {journal_folder.name}")
                output_folder.mkdir(parents=True, exist_ok=True)
                manifest = self._make_anew(journal_folder, paths, output_folder, progress)
        except OSError as error:
            raise RecordingError(f"the recording cannot be written: {error.strerror or error}") from error
        progress(1.0)
        return manifest

    def _make_anew(
        self, journal_folder: Path, paths: list[Path], output_folder: Path, progress: Progress
    ) -> RecordingManifest:
        sizes = {path.name: path.stat().st_size for path in paths}
        scans, unreadable = _scan_all(paths, progress)
        scans = on_one_clock(scans)
        making = output_folder / MAKING_FOLDER_NAME
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        try:
            files = _write_all(scans, making, progress)
            manifest = _manifest(journal_folder, scans, files, unreadable)
            for _, written in files:
                written.path.replace(output_folder / written.path.name)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        write_manifest(output_folder, manifest, sizes)
        return manifest


def _scan_all(paths: list[Path], progress: Progress) -> tuple[list[TrackScan], list[str]]:
    """What the journals hold, and the names of those nobody can read."""
    scans, unreadable = [], []
    for index, path in enumerate(paths):
        try:
            found = scan(path)
            if found.header.source not in SOURCES or found.header.role not in ROLES:
                raise JournalError(f"{path.name} names an unknown source or role")
            scans.append(found)
        except JournalError as error:
            logger.warning("A journal is left out of the recording: %s", error)
            unreadable.append(path.name)
        progress(SCAN_SHARE * (index + 1) / len(paths))
    if not scans:
        raise RecordingError("none of the journals can be read")
    lessons = {found.header.lesson_id for found in scans}
    if len(lessons) > 1:
        raise RecordingError("the journals are of different lessons")
    return scans, unreadable


def _write_all(scans: list[TrackScan], folder: Path, progress: Progress) -> list[tuple[TrackScan, Written]]:
    """Every party's files, each with the party's newest journal, verified."""
    total_bytes = sum(found.size_bytes for found in scans) or 1
    done_bytes = 0

    def looked_through(size_bytes: int) -> None:
        nonlocal done_bytes
        done_bytes += size_bytes
        progress(min(0.99, SCAN_SHARE + (1 - SCAN_SHARE) * done_bytes / total_bytes))

    files = []
    for number, ((party_id, source), group) in enumerate(_by_party_and_source(scans), 1):
        delays_us = sender_delays_us([found for found in scans if found.header.party_id == party_id])
        pictures = in_succession([found for found in group if found.header.kind == "video"], delays_us)
        sounds = in_succession([found for found in group if found.header.kind == "audio"], delays_us)
        stem = f"{number:02d}-{re.sub(r'[^0-9A-Za-z]+', '-', party_id)[:60]}-{source}"
        party_files = PartyFiles(folder, stem, has_sound=bool(sounds))
        newest = max(group, key=lambda found: found.header.started_at)
        everything = merged(happenings(pictures, looked_through), happenings(sounds, looked_through))
        for written in party_files.write(everything):
            verify(written)
            files.append((newest, written))
    return files


def _by_party_and_source(scans: list[TrackScan]) -> list[tuple[tuple[str, str], list[TrackScan]]]:
    def key(found: TrackScan) -> tuple[str, str]:
        return found.header.party_id, SOURCES[found.header.source]

    return [(name, list(group)) for name, group in groupby(sorted(scans, key=key), key=key)]


def _manifest(
    journal_folder: Path, scans: list[TrackScan], files: list[tuple[TrackScan, Written]], unreadable: list[str]
) -> RecordingManifest:
    lesson = read_lesson_file(journal_folder)
    if files:
        origin_us = min(written.begins_us for _, written in files)
    else:
        opened_at = lesson.opened_at if lesson else min(found.header.started_at for found in scans)
        origin_us = int(opened_at * 1_000_000)
    streams = [_stream(newest, written, origin_us) for newest, written in files]
    return RecordingManifest(
        lesson_id=scans[0].header.lesson_id,
        origin_at=origin_us / 1_000_000,
        duration_ms=max((stream.offset_ms + stream.duration_ms for stream in streams), default=0),
        streams=streams,
        unreadable=unreadable,
    )


def _stream(newest: TrackScan, written: Written, origin_us: int) -> RecordedStream:
    header = newest.header
    source: Literal["camera", "screen", "microphone"] = "camera"
    if SOURCES[header.source] == "screen":
        source = "screen"
    elif written.video_codec is None:
        source = "microphone"
    return RecordedStream.model_validate(
        {
            "party_id": header.party_id,
            "party_name": header.party_name,
            "role": header.role,
            "source": source,
            "file_name": written.path.name,
            "content_type": written.content_type,
            "offset_ms": (written.begins_us - origin_us) // 1000,
            "duration_ms": written.duration_us // 1000,
            "has_picture": written.video_codec is not None,
            "has_sound": written.has_sound,
            "video_codec": written.video_codec,
            "audio_codec": "opus" if written.has_sound else None,
            "width": written.width,
            "height": written.height,
            "bytes": written.path.stat().st_size,
            "gaps": [(from_us // 1000, to_us // 1000) for from_us, to_us in written.gaps_us],
            "sha256": sha256_of(written.path),
        }
    )
