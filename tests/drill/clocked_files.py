"""Finished files of a lesson whose pictures carry a clock: every frame read, and held against the file's own time."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from media.room_client.block_clock import read_clock


@dataclass(frozen=True)
class ClockedFrame:
    """One decoded picture: its time on the lesson's timeline, and the time burnt into it; both Unix seconds."""

    shown_at: float
    drawn_at: float


@dataclass(frozen=True)
class ClockedFile:
    """A file with its readable pictures."""

    path: Path
    role: str
    begins_at: float
    "Unix time of the file's beginning."
    duration_ms: int
    frames: list[ClockedFrame]

    def newest_before(self, moment: float) -> float:
        """When the newest picture that was drawn before `moment` was drawn."""
        return max((frame.drawn_at for frame in self.frames if frame.drawn_at <= moment), default=0.0)

    def longest_break_s(self, begin: float, end: float) -> float:
        """The longest time without a picture between two moments."""
        drawn = sorted(frame.drawn_at for frame in self.frames if begin <= frame.drawn_at <= end)
        return max((later - earlier for earlier, later in pairwise([begin, *drawn, end])), default=end - begin)


def read_file(path: Path, origin_at: float, stream: dict[str, Any]) -> ClockedFile:
    """Decode all of it; pictures whose clock cannot be read are left out."""
    frames = []
    begins_at = origin_at + stream["offset_ms"] / 1000
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            drawn_ms = read_clock(frame)
            if drawn_ms is not None:
                frames.append(ClockedFrame(begins_at + frame.time, drawn_ms / 1000))
    return ClockedFile(path, stream["role"], begins_at, stream["duration_ms"], frames)
