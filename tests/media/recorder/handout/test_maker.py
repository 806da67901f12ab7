"""The file to hand out, made of real files and looked at: pictures in their places and times, sound in its."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from made_journals import JournalFolder, Track, read_tenths

from media.contract import HandoutFile, HandoutSource
from media.recorder.errors import RecordingError
from media.recorder.handout.layout import HEIGHT, TILE_WIDTH, WIDTH, places
from media.recorder.handout.maker import ComposingHandoutMaker
from media.recorder.recording_maker import JournalRecordingMaker

LEAD = {"party_id": "user:lead", "role": "lead"}


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> list[HandoutSource]:
    """Seven seconds: the lead throughout, a screen from 2 to 4 s, a room from 1 s on that is away from 3 to 5 s."""
    folder = tmp_path_factory.mktemp("lesson")
    journals = JournalFolder(folder / "journals")
    journals.add(Track(codec="h264", seconds=7, size=(320, 180), **LEAD))
    journals.add(Track(codec="opus", source="microphone", seconds=7, **LEAD))
    journals.add(Track(codec="vp8", source="screen", begin_s=2, seconds=2, size=(320, 180), **LEAD))
    journals.add(Track(codec="vp8", begin_s=1, seconds=2, size=(160, 120)))
    journals.add(Track(codec="vp8", begin_s=5, seconds=2, size=(160, 120), ssrc=9))
    made = JournalRecordingMaker().make(journals.path, folder / "recording", lambda share: None)
    return [
        HandoutSource(
            path=str(folder / "recording" / stream.file_name),
            sha256=stream.sha256,
            role=stream.role,
            source=stream.source,
            offset_ms=stream.offset_ms,
            duration_ms=stream.duration_ms,
            has_picture=stream.has_picture,
            has_sound=stream.has_sound,
            gaps=stream.gaps,
        )
        for stream in made.streams
    ]


def make(lesson: list[HandoutSource], folder: Path) -> HandoutFile:
    shares: list[float] = []
    made = ComposingHandoutMaker(segment_s=2).make(lesson, folder / "out.mp4", folder / "work", shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    return made


def test_every_picture_is_in_its_place_at_its_time(lesson: list[HandoutSource], tmp_path: Path) -> None:
    made = make(lesson, tmp_path)
    assert made.duration_ms == pytest.approx(7000, abs=50)
    assert made.bytes == (tmp_path / "out.mp4").stat().st_size
    read = 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]
        for frame in container.decode(video=0):
            assert (frame.width, frame.height) == (WIDTH, HEIGHT)
            at_ms = round((frame.time or 0) * 1000)
            pixels = frame.to_ndarray(format="rgb24")
            for index, place in places(lesson, at_ms).items():
                one = lesson[index]
                size = (160, 120) if one.role == "room" else (320, 180)
                inner = place.fitted(*size)
                cut = pixels[inner.y : inner.y + inner.height, inner.x : inner.x + inner.width]
                if any(begin <= at_ms - one.offset_ms < end for begin, end in one.gaps):
                    assert cut.max() < 40
                elif one.duration_ms - (at_ms - one.offset_ms) > 70:
                    assert read_tenths(cut) / 10 == pytest.approx(at_ms / 1000, abs=0.2), (index, at_ms)
                    read += 1
    assert read > 7 * 15 + 2 * 15 + 3.5 * 15


def test_the_sound_is_where_the_flashes_are(lesson: list[HandoutSource], tmp_path: Path) -> None:
    make(lesson, tmp_path)
    with av.open(str(tmp_path / "out.mp4")) as container:
        chunks = [(frame.time or 0.0, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    loud = [begin + np.flatnonzero(np.abs(samples) > 0.1) / 48_000 for begin, samples in chunks]
    times = np.concatenate(loud)
    begins = [times[0], *times[1:][np.diff(times) > 0.5]]
    assert begins == [pytest.approx(second, abs=0.045) for second in range(7)]


def test_a_killed_making_goes_on_with_the_segment_it_was_at(lesson: list[HandoutSource], tmp_path: Path) -> None:
    script = (
        "import json, os, sys\nfrom pathlib import Path\nfrom media.contract import HandoutSource\n"
        "from media.recorder.handout.maker import ComposingHandoutMaker\n"
        "folder, said = Path(sys.argv[1]), json.loads(sys.argv[2])\n"
        "def kill(share):\n    if share > 0.4: os.kill(os.getpid(), 9)\n"
        "sources = [HandoutSource.model_validate(one) for one in said]\n"
        "ComposingHandoutMaker(2).make(sources, folder / 'out.mp4', folder / 'work', kill)\n"
    )
    said = "[" + ",".join(source.model_dump_json() for source in lesson) + "]"
    killed = subprocess.run([sys.executable, "-c", script, tmp_path, said], check=False)
    assert killed.returncode == -9
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "work" / "segments").glob("*.mp4")}
    assert sorted(kept) == ["00000.mp4", "00001.mp4"]
    assert not (tmp_path / "out.mp4").exists()
    resumed = make(lesson, tmp_path)
    now = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "work" / "segments").glob("*.mp4")}
    assert kept.items() <= now.items()
    assert len(now) == 4
    (tmp_path / "whole").mkdir()
    assert resumed == make(lesson, tmp_path / "whole")


def test_other_files_begin_anew(lesson: list[HandoutSource], tmp_path: Path) -> None:
    first = make(lesson, tmp_path)
    alone = make(lesson[:1], tmp_path)
    assert alone.sha256 != first.sha256
    assert TILE_WIDTH < WIDTH


@pytest.mark.parametrize("content", [None, b"", b"not a film"])
def test_a_missing_or_broken_file_is_an_error_in_words(
    lesson: list[HandoutSource], tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "broken.mp4").write_bytes(content)
    broken = lesson[0].model_copy(update={"path": str(tmp_path / "broken.mp4")})
    with pytest.raises(RecordingError, match=r"cannot be (read|written)"):
        ComposingHandoutMaker().make([broken], tmp_path / "out.mp4", tmp_path / "work", lambda share: None)
    with pytest.raises(RecordingError, match="nothing"):
        ComposingHandoutMaker().make([], tmp_path / "out.mp4", tmp_path / "work", lambda share: None)
