"""The growing files of one party's camera or screen: another one begins where the picture's codec changes."""

import heapq
import re
from itertools import count
from pathlib import Path

from media.recorder.frames import Happening
from media.recorder.product_file import ProductFile, Written

# Picture and sound of one moment reach us within this time of each other, resent packets included.
HOLD_US = 2_000_000
# How long sound alone is held for a picture before it becomes a file without one.
WAIT_FOR_PICTURE_US = 3_000_000


class LiveParty:
    """Puts happenings in order and writes them a little later."""

    def __init__(self, folder: Path, party_id: str, source: str) -> None:
        self._folder = folder
        self._stem = f"{re.sub(r'[^0-9A-Za-z]+', '-', party_id)[:60]}-{source}"
        self._numbers = count(1)
        self._tie = count()
        self._held: list[tuple[int, int, Happening]] = []
        self._newest_us: dict[str, int] = {}
        self._written_us = 0
        self._heard_before: list[Happening] = []
        self._file: ProductFile | None = None
        self.files: list[Written] = []

    @property
    def growing(self) -> Written | None:
        """The file that still gets longer."""
        return self._file.written if self._file is not None else None

    def add(self, kind: str, happenings: list[Happening]) -> None:
        """Hold what happened, `kind` "audio" or "video", until everything of its moment is there."""
        for happening in happenings:
            heapq.heappush(self._held, (happening.time_us, next(self._tie), happening))
            self._newest_us[kind] = max(self._newest_us.get(kind, 0), happening.time_us)

    def write(self, lesson_us: int | None = None, *, to_the_end: bool = False) -> None:
        """Write what is due at `lesson_us`, how far the lesson is; None until everything there is was read, when the
        kind that is behind is waited for.
        """
        reached_us = min(self._newest_us.values(), default=0) if lesson_us is None else lesson_us
        due_us = reached_us - (0 if to_the_end else HOLD_US)
        while self._held and self._held[0][0] <= due_us:
            _, _, happening = heapq.heappop(self._held)
            # What comes later than that belongs to the past; the final files have it in its place.
            if happening.time_us >= self._written_us:
                self._written_us = happening.time_us
                self._write(happening)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, happening: Happening) -> None:
        time_us, frame = happening
        if frame.codec == "opus":
            if self._file is not None:
                self._file.add_sound(time_us, frame.data)
                return
            self._heard_before.append(happening)
            if time_us - self._heard_before[0].time_us > WAIT_FOR_PICTURE_US:
                self._begin(happening)
            return
        if self._file is not None and self._file.written.video_codec != frame.codec:
            self.close()
        if self._file is None:
            if not frame.is_key:
                return
            self._begin(happening)
        if self._file is not None:
            self._file.add_picture(time_us, frame)

    def _begin(self, first: Happening) -> None:
        key_frame = None if first.frame.codec == "opus" else first.frame
        begins_us = self._heard_before[0].time_us if self._heard_before else first.time_us
        suffix = "mp4" if key_frame is not None and key_frame.codec == "h264" else "webm"
        path = self._folder / f"{self._stem}-{next(self._numbers)}.{suffix}"
        # Sound may begin at any time, and a file's tracks are fixed at its beginning: there is always one for it.
        self._file = ProductFile(path, begins_us, key_frame, has_sound=True, growing=True)
        self.files.append(self._file.written)
        for heard in self._heard_before:
            self._file.add_sound(heard.time_us, heard.frame.data)
        self._heard_before.clear()
