"""A lesson watched while it runs: journals grow second by second, and the files with them."""

import io
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from made_journals import LESSON_START_S, JournalFolder, Track, read_tenths
from running_journals import RunningLesson

from media.contract import GrowingRecording, GrowingStream
from media.recorder.live.recorder import JournalLiveRecorder

LEAD = {"party_id": "user:lead", "role": "lead"}


@pytest.fixture
def lesson(tmp_path: Path) -> RunningLesson:
    return RunningLesson(tmp_path)


def only(recording: GrowingRecording) -> GrowingStream:
    (stream,) = recording.streams
    return stream


def pictures(lesson: RunningLesson, stream: GrowingStream) -> Iterator[tuple[float, int]]:
    """(second of the file, tenths of the lesson burnt in) of what can be fetched now."""
    data = (lesson.output / stream.file_name).read_bytes()[: stream.bytes]
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(video=0):
            yield frame.time, read_tenths(frame.to_ndarray(format="rgb24"))


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_what_is_watched_is_at_most_five_seconds_behind_and_stays_as_it_is(lesson: RunningLesson, codec: str) -> None:
    lesson.add(Track(codec=codec, seconds=12, **LEAD))
    lesson.add(Track(codec="opus", source="microphone", seconds=12, **LEAD))
    live = lesson.follow()
    assert live.advance().streams == []
    fetched = b""
    for second in range(1, 12):
        lesson.reach(second)
        recording = live.advance()
        if second < 4:
            continue
        stream = only(recording)
        assert (stream.video_codec if hasattr(stream, "video_codec") else codec, stream.ended) == (codec, False)
        data = (lesson.output / stream.file_name).read_bytes()[: stream.bytes]
        assert data.startswith(fetched)
        fetched = data
        seen = list(pictures(lesson, stream))
        assert [tenths for _, tenths in seen] == [index * 10 // 15 for index in range(len(seen))]
        assert seen[-1][0] > second - 5
        assert recording.origin_at == pytest.approx(LESSON_START_S, abs=0.05)
    live.close()
    assert len(list(pictures(lesson, stream.model_copy(update={"bytes": 1 << 40})))) >= 11 * 15 - 2


def test_a_long_lesson_is_caught_up_with_in_order(lesson: RunningLesson, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.recorder.live.journal_tail.MOST_AT_ONCE_BYTES", 20_000)
    lesson.add(Track(codec="vp8", seconds=10, size=(320, 240), **LEAD))
    lesson.add(Track(codec="opus", source="microphone", seconds=10, **LEAD))
    lesson.add(Track(codec="vp8", begin_s=14, seconds=6, ssrc=9, **LEAD))
    lesson.reach(20)
    live = lesson.follow()
    stream = only(live.advance())
    seen = list(pictures(lesson, stream))
    assert len(seen) > 150 + 30
    for second, tenths in seen:
        assert tenths / 10 == pytest.approx(second, abs=0.11)
    live.close()


def test_newcomers_reconnects_and_screens_appear_on_one_timeline(lesson: RunningLesson) -> None:
    lesson.add(Track(codec="h264", seconds=4, **LEAD))
    lesson.add(Track(codec="h264", begin_s=6, seconds=6, ssrc=5, size=(320, 240), **LEAD))
    lesson.add(Track(codec="vp8", begin_s=3, seconds=9, party_id="room:late"))
    lesson.add(Track(codec="vp8", source="screen", begin_s=5, seconds=3, ssrc=8, **LEAD))
    lesson.add(Track(codec="opus", source="microphone", begin_s=2, seconds=10, party_id="room:voice"))
    live = lesson.follow()
    for second in range(13):
        lesson.reach(second)
        recording = live.advance()
    streams = {(stream.party_id, stream.source): stream for stream in recording.streams}
    assert {key: round(stream.offset_ms / 1000) for key, stream in streams.items()} == {
        ("user:lead", "camera"): 0,
        ("room:late", "camera"): 3,
        ("user:lead", "screen"): 5,
        ("room:voice", "microphone"): 2,
    }
    for stream in streams.values():
        if stream.has_picture:
            for second, tenths in pictures(lesson, stream):
                assert tenths / 10 == pytest.approx(second + stream.offset_ms / 1000, abs=0.13)
    assert streams["user:lead", "camera"].duration_ms > 9000
    live.close()


def test_another_codec_begins_another_file(lesson: RunningLesson) -> None:
    lesson.add(Track(codec="h264", seconds=4, **LEAD))
    lesson.add(Track(codec="vp8", begin_s=5, seconds=6, ssrc=5, **LEAD))
    lesson.reach(11)
    live = lesson.follow()
    first, second = live.advance().streams
    assert (first.content_type, first.ended) == ("video/mp4", True)
    assert (second.content_type, second.ended, round(second.offset_ms / 1000)) == ("video/webm", False, 5)
    live.close()


def test_what_is_no_journal_is_left_out_and_the_rest_watched(
    lesson: RunningLesson, caplog: pytest.LogCaptureFixture
) -> None:
    lesson.add(Track(codec="vp8", seconds=5))
    (lesson.journals / "x.journal").write_bytes(b"no journal")
    (lesson.journals / "y.journal").write_bytes(b"3C")
    live = lesson.follow()
    lesson.reach(5)
    assert len(live.advance().streams) == len(live.advance().streams) == 1
    assert caplog.text.count("x.journal") == 1
    assert "y.journal" not in caplog.text
    live.close()


def test_the_folder_of_journals_may_still_be_missing(tmp_path: Path) -> None:
    live = JournalLiveRecorder().follow(tmp_path / "nothing", tmp_path / "output")
    assert live.advance().streams == []
    live.close()
    assert JournalFolder(tmp_path / "journals").path.is_dir()
