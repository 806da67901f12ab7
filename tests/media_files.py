"""What the files of a made recording hold: pictures with their seconds, sound, where flashes and beeps begin."""

from itertools import pairwise

import av
import numpy as np
from made_journals import JournalFolder

from media.contract import RecordedStream


def pictures_of(journals: JournalFolder, stream: RecordedStream) -> list[tuple[float, np.ndarray]]:
    with av.open(str(journals.path.parent / "recording" / stream.file_name)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def sound_of(journals: JournalFolder, stream: RecordedStream) -> np.ndarray:
    """Absolute samples at 48 kHz from the file's beginning."""
    with av.open(str(journals.path.parent / "recording" / stream.file_name)) as container:
        chunks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    sound = np.concatenate(chunks, axis=1)[0]
    return np.abs(sound.astype(float)) / (32768 if sound.dtype == np.int16 else 1)


def beep_begins(sound: np.ndarray) -> list[float]:
    """Seconds at which sound sets in after at least half a second of quiet."""
    loud = np.flatnonzero(sound > 0.1) / 48_000
    return [loud[0]] + [after for before, after in pairwise(loud) if after - before > 0.5]


def flash_begins(pictures: list[tuple[float, np.ndarray]]) -> list[float]:
    begins = []
    was_white = False
    for second, picture in pictures:
        white = bool(picture[10].mean() > 200)
        if white and not was_white:
            begins.append(second)
        was_white = white
    return begins
