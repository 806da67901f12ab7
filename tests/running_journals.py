"""Journals of a lesson that still runs: only what was there at a given second is written."""

from pathlib import Path

from made_journals import LESSON_START_S, Track

from media.recorder.journal_format import MAGIC, RECORD_HEAD
from media.recorder.live.recorder import JournalLiveRecorder, JournalLiveRecording


class RunningLesson:
    """Journals of which only what was there at a given second of the lesson is written; the last record may be torn."""

    def __init__(self, folder: Path) -> None:
        self.journals = folder / "journals"
        self.output = folder / "output"
        self.journals.mkdir()
        self._whole: dict[str, bytes] = {}

    def add(self, track: Track) -> None:
        name = f"track{len(self._whole)}"
        self._whole[f"{name}.journal"] = track.encode(name)

    def reach(self, second: float, torn_bytes: int = 5) -> None:
        for name, data in self._whole.items():
            end = len(MAGIC)
            while end < len(data):
                length, _, _, arrival_us = RECORD_HEAD.unpack_from(data, end)
                if arrival_us > (LESSON_START_S + second) * 1e6:
                    break
                end += RECORD_HEAD.size + length
            if end > len(MAGIC):
                (self.journals / name).write_bytes(data[: end + torn_bytes])

    def follow(self) -> JournalLiveRecording:
        return JournalLiveRecorder().follow(self.journals, self.output)
