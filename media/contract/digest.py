"""What is read off a finished file for the timeline of its replay, and the seam of the part that reads it."""

from pathlib import Path
from typing import Protocol

from media.contract.messages import Message


class ThumbnailSheet(Message):
    """A JPEG of thumbnails in rows of `columns`; `tiles` gives the ms of the file each one shows."""

    file_name: str
    tile_width: int
    tile_height: int
    columns: int
    tiles: list[int]


class StreamDigest(Message):
    """When somebody speaks in a file (from_ms, to_ms), and its thumbnails."""

    speech: list[tuple[int, int]]
    sheet: ThumbnailSheet | None = None


class StreamDigester(Protocol):
    """Reads a digest off a file of a recording."""

    def digest(self, file: Path, output_folder: Path, duration_ms: int, *, thumbnails: bool) -> StreamDigest:
        """Read it; the sheet is written into `output_folder`. Raises an exception whose text says what is wrong."""
