"""The digest of files the recorder made: thumbnails show the picture of their time; damaged files are refused."""

from pathlib import Path

import av
import pytest
from made_journals import JournalFolder, Track, read_tenths

from media.recorder.digest import FileDigester
from media.recorder.errors import RecordingError
from media.recorder.recording_maker import JournalRecordingMaker

SECONDS = 14


@pytest.fixture(scope="module", params=["h264", "vp8"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("digest")
    journals = JournalFolder(folder / "journals")
    journals.add(Track(codec=request.param, seconds=SECONDS, size=(320, 180)))
    journals.add(Track(codec="opus", source="microphone", seconds=SECONDS))
    manifest = JournalRecordingMaker().make(journals.path, folder / "made", lambda share: None)
    stream = manifest.streams[0]
    return folder / "made" / stream.file_name, stream.duration_ms


def test_each_thumbnail_shows_the_picture_of_its_time(recorded: tuple[Path, int], tmp_path: Path) -> None:
    file, duration_ms = recorded
    digest = FileDigester().digest(file, tmp_path, duration_ms, thumbnails=True)
    sheet = digest.sheet
    assert sheet is not None
    assert (sheet.tile_width, sheet.tile_height, len(sheet.tiles)) == (160, 90, 4)
    assert all(abs(at - wanted) <= 1_100 for at, wanted in zip(sheet.tiles, (0, 4_000, 8_000, 12_000), strict=True))
    with av.open(str(tmp_path / sheet.file_name)) as image:
        picture = next(image.decode(video=0)).to_ndarray(format="rgb24")
    for index, at_ms in enumerate(sheet.tiles):
        left = index % sheet.columns * sheet.tile_width
        tile = picture[: sheet.tile_height, left : left + sheet.tile_width]
        assert abs(read_tenths(tile) - at_ms / 100) <= 2, f"tile {index}"


def test_without_thumbnails_only_speech_is_read(recorded: tuple[Path, int], tmp_path: Path) -> None:
    file, duration_ms = recorded
    digest = FileDigester().digest(file, tmp_path, duration_ms, thumbnails=False)
    assert (digest.sheet, digest.speech) == (None, [])  # beeps of 0.12 s are no speech
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "broken.webm").write_bytes(b"\x1aE\xdf\xa3" + b"nonsense" * 200)
    with pytest.raises(RecordingError, match="the file cannot be read"):
        FileDigester().digest(tmp_path / "broken.webm", tmp_path, 1_000, thumbnails=True)
