"""The files of one party's camera or screen: one as a rule, another one whenever its video codec changes."""

from collections.abc import Iterator
from pathlib import Path

from media.recorder.frames import EncodedFrame, Happening
from media.recorder.product_file import ProductFile, Written

SUFFIXES = {"h264": "mp4", "vp8": "webm", None: "webm"}


class PartyFiles:
    """Writes what happens into files named `<stem>.<suffix>`, `<stem>-2.<suffix>` and so on in `folder`."""

    def __init__(self, folder: Path, stem: str, has_sound: bool) -> None:
        self._folder = folder
        self._stem = stem
        self._has_sound = has_sound
        self._file: ProductFile | None = None
        self._heard_before: list[Happening] = []
        self._written: list[Written] = []

    def write(self, happenings: Iterator[Happening]) -> list[Written]:
        """Write all; the files are in order of time. Nothing at all makes no file."""
        try:
            for happening in happenings:
                if happening.frame.codec == "opus":
                    self._add_sound(happening)
                else:
                    self._add_picture(happening)
            if self._file is None and self._heard_before:
                self._open(self._heard_before[0].time_us, None)
            self._close()
        finally:
            if self._file is not None:
                self._file.abandon()
        return self._written

    def _add_sound(self, happening: Happening) -> None:
        if self._file is None:
            # Which kind of file this will be is known with the first picture: sound until then is kept, a few
            # kilobytes a second.
            self._heard_before.append(happening)
        else:
            self._file.add_sound(happening.time_us, happening.frame.data)

    def _add_picture(self, happening: Happening) -> None:
        time_us, frame = happening
        if self._file is not None and self._file.written.video_codec != frame.codec:
            self._close()
        if self._file is None:
            begins_us = self._heard_before[0].time_us if self._heard_before else time_us
            self._open(min(begins_us, time_us), frame)
        if self._file is not None:
            self._file.add_picture(time_us, frame)

    def _open(self, begins_us: int, key_frame: EncodedFrame | None) -> None:
        number = len(self._written) + 1
        suffix = SUFFIXES[key_frame.codec if key_frame else None]
        name = f"{self._stem}.{suffix}" if number == 1 else f"{self._stem}-{number}.{suffix}"
        self._file = ProductFile(self._folder / name, begins_us, key_frame, self._has_sound)
        for happening in self._heard_before:
            self._file.add_sound(happening.time_us, happening.frame.data)
        self._heard_before.clear()

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            self._written.append(file.close())
