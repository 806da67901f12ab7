"""Reads the digest of a finished file: speech from its sound, thumbnails from its key frames."""

from pathlib import Path

import av

from media.contract.digest import StreamDigest, ThumbnailSheet
from media.recorder.errors import RecordingError
from media.recorder.speech import speech_of
from media.recorder.thumbnails import write_sheet

SHEET_NAME = "sheet.jpg"


class FileDigester:
    """Implements `media.contract.digest.StreamDigester`; runs in the calling thread."""

    def digest(self, file: Path, output_folder: Path, duration_ms: int, *, thumbnails: bool) -> StreamDigest:
        """Read speech and, if asked for, thumbnails. Raises RecordingError for a file that cannot be read."""
        try:
            speech = speech_of(file)
            sheet = write_sheet(file, output_folder / SHEET_NAME, duration_ms) if thumbnails else None
        except (av.error.FFmpegError, OSError) as error:
            raise RecordingError(f"the file cannot be read: {error.strerror or error}") from error
        if sheet is None:
            return StreamDigest(speech=speech)
        return StreamDigest(
            speech=speech,
            sheet=ThumbnailSheet(
                file_name=sheet.path.name,
                tile_width=sheet.tile_width,
                tile_height=sheet.tile_height,
                columns=sheet.columns,
                tiles=sheet.tiles,
            ),
        )
