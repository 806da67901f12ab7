"""Journals a lesson while its disk is made to fail in one of two ways; run in a process of its own, because the limits
are the process's own: a file system of a few MiB in a mount namespace, or a largest size for files.

Arguments: the folder for journals, the folder for the recording, and "fills" or "refuses". Prints JSON.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from made_journals import LESSON_START_S, Track

from media.contract import Party
from media.recorder.disk_space import SpaceLevel, SpaceLimits
from media.recorder.journal_disk import JournalDisk, free_bytes
from media.recorder.recording_maker import JournalRecordingMaker
from media.relay.lesson_journals import LessonJournals
from media.session.actions import StartTrack

KIB = 1 << 10
LIMITS = SpaceLimits(5000 * KIB, 4000 * KIB, 3000 * KIB, 2000 * KIB, 0)
PHASE_S = 2
TRACKS = {
    ("room", "camera"): Track(codec="vp8", seconds=12),
    ("lead", "camera"): Track(codec="h264", seconds=12, ssrc=2),
    ("room", "microphone"): Track(codec="opus", seconds=12, ssrc=3),
    ("lead", "microphone"): Track(codec="opus", seconds=12, ssrc=4),
}


class Lesson:
    """Plays the tracks into journals, a stretch at a time, and notes how long a caller was ever held up."""

    def __init__(self, folder: Path, disk: JournalDisk) -> None:
        self.journals = LessonJournals(folder, "lesson", "synchronous", "分数", disk)
        self.longest_call_s = 0.0
        self._records = {key: sorted(track.records(), key=lambda one: one[0]) for key, track in TRACKS.items()}

    def play(self, begin_s: float, end_s: float) -> None:
        """Hand over what arrives in this stretch of the lesson."""
        for (role, source), records in self._records.items():
            party = Party(party_id=f"room:{role}", role=role, name=role)
            kind = "audio" if source == "microphone" else "video"
            track = StartTrack("c", f"{role}-{source}", party.party_id, "0", source, kind, "")
            for second, record_kind, body in records:
                if not begin_s <= second < end_s:
                    continue
                at = LESSON_START_S + second
                before = time.perf_counter()
                self.journals.open_track(track, party).put(record_kind, int(at * 1_000_000), body)
                self.longest_call_s = max(self.longest_call_s, time.perf_counter() - before)

    def close(self) -> None:
        """Close all journals."""
        asyncio.run(self.journals.close(LESSON_START_S + 12))


def fill(folder: Path, disk: JournalDisk, lesson: Lesson) -> list[str | None]:
    """One level after the other by somebody else's file, which goes away at last; what operators are told each time."""
    told = []
    filler = folder.parent / "filler"
    for phase, level in enumerate((0, 2, 3, 4, 0)):
        limit = LIMITS.in_order()[level - 1] if level else 0
        filler.write_bytes(b"")
        if level:
            with filler.open("wb") as file:
                file.write(bytes(free_bytes(folder) - limit + 100 * KIB))
        deadline = time.monotonic() + 10
        while disk.level != SpaceLevel(level) and time.monotonic() < deadline:
            time.sleep(0.02)
        trouble = lesson.journals.trouble()
        told.append(trouble.code if trouble else None)
        lesson.play(phase * PHASE_S, (phase + 1) * PHASE_S)
        time.sleep(0.6)
    return told


def refuse(disk: JournalDisk, lesson: Lesson) -> list[str | None]:
    """No file may be longer than 40 KiB for a while: writes fail half way through a record."""
    told = []
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for phase, limit in enumerate((resource.RLIM_INFINITY, 40 * KIB, resource.RLIM_INFINITY)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        lesson.play(phase * 4, phase * 4 + 4)
        time.sleep(0.6)
        trouble = lesson.journals.trouble()
        told.append(trouble.code if trouble else None)
    return told


def main() -> None:
    """Play it and tell what became of it."""
    folder, output, way = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    disk = JournalDisk(folder, LIMITS if way == "fills" else SpaceLimits(0, 0, 0, 0, 0), flush_interval_s=0.05)
    lesson = Lesson(folder, disk)
    told = fill(folder, disk, lesson) if way == "fills" else refuse(disk, lesson)
    lesson.close()
    disk.close()
    made = JournalRecordingMaker().make(folder, output, lambda share: None)
    streams = [stream.model_dump(mode="json") for stream in made.streams]
    print(json.dumps({"told": told, "longest_call_s": lesson.longest_call_s, "streams": streams}))


main()
