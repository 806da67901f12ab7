import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_journals import JournalFolder, Track, read_tenths
from media_files import beep_begins, flash_begins, pictures_of, sound_of

from media.contract import RecordingMaker, RecordingManifest
from media.recorder.errors import RecordingError
from media.recorder.journal_format import MAGIC, RecordKind
from media.recorder.lesson_file import LessonFile, write_lesson_file
from media.recorder.recording_maker import JournalRecordingMaker


def make(journals: JournalFolder, progress: Callable[[float], None] = lambda share: None) -> RecordingManifest:
    maker: RecordingMaker = JournalRecordingMaker()
    return maker.make(journals.path, journals.path.parent / "recording", progress)


@pytest.mark.parametrize(("codec", "content_type"), [("h264", "video/mp4"), ("vp8", "video/webm")])
def test_camera_and_microphone_become_one_file_with_lips_and_voice_together(
    journals: JournalFolder, codec: str, content_type: str
) -> None:
    journals.add(Track(codec=codec, sender_ahead_s=3600))
    journals.add(Track(codec="opus", source="microphone", sender_ahead_s=3600, first_timestamp=5))
    (stream,) = make(journals).streams
    assert (stream.content_type, stream.video_codec, stream.audio_codec) == (content_type, codec, "opus")
    assert (stream.width, stream.height, stream.gaps) == (160, 120, [])
    assert stream.duration_ms == pytest.approx(4000, abs=40)
    pictures = pictures_of(journals, stream)
    assert [read_tenths(picture) for _, picture in pictures] == [index * 10 // 15 for index in range(60)]
    flashes, beeps = flash_begins(pictures), beep_begins(sound_of(journals, stream))
    assert len(flashes) == len(beeps) == 4
    assert np.abs(np.subtract(flashes, beeps)).max() < 0.05


def test_sound_that_comes_later_than_the_picture_on_the_wire_is_put_beside_it(journals: JournalFolder) -> None:
    journals.add(Track(codec="vp8"))
    journals.add(Track(codec="opus", source="microphone", delay_s=0.4, jitter_s=0.1))
    (stream,) = make(journals).streams
    flashes, beeps = flash_begins(pictures_of(journals, stream)), beep_begins(sound_of(journals, stream))
    assert np.abs(np.subtract(flashes, beeps)).max() < 0.05


def test_without_reports_arrival_tells_the_time(journals: JournalFolder) -> None:
    journals.add(Track(codec="vp8", reports=False, jitter_s=0.05))
    journals.add(Track(codec="opus", source="microphone", reports=False, jitter_s=0.05))
    (stream,) = make(journals).streams
    flashes, beeps = flash_begins(pictures_of(journals, stream)), beep_begins(sound_of(journals, stream))
    assert len(flashes) == len(beeps) == 4
    assert np.abs(np.subtract(flashes, beeps)).max() < 0.08


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_reconnect_with_another_size_goes_on_in_the_same_file_in_sync(journals: JournalFolder, codec: str) -> None:
    journals.add(Track(codec=codec), ended=False, torn_bytes=7)
    journals.add(Track(codec="opus", source="microphone"), ended=False, torn_bytes=5)
    journals.add(Track(codec=codec, begin_s=9, size=(320, 240), first_seq=5, first_timestamp=99, ssrc=5))
    journals.add(Track(codec="opus", source="microphone", begin_s=9, first_seq=900, ssrc=6))
    (stream,) = make(journals).streams
    assert (stream.width, stream.height) == (320, 240)
    assert len(stream.gaps) == 1
    assert stream.gaps[0] == (pytest.approx(3933, abs=100), pytest.approx(9000, abs=30))
    assert stream.duration_ms == pytest.approx(13_000, abs=40)
    pictures, sound = pictures_of(journals, stream), sound_of(journals, stream)
    for second, picture in pictures:
        assert read_tenths(picture) / 10 == pytest.approx(second, abs=0.11)
    assert len(sound) / 48_000 == pytest.approx(13, abs=0.05)
    flashes, beeps = flash_begins(pictures), beep_begins(sound)
    assert len(flashes) == len(beeps) == 8
    assert np.abs(np.subtract(flashes, beeps)).max() < 0.05
    assert sound[round(4.1 * 48_000) : round(8.9 * 48_000)].max() < 0.01


def test_a_second_connection_takes_the_place_of_the_first_from_its_beginning(journals: JournalFolder) -> None:
    journals.add(Track(codec="vp8", seconds=6))
    journals.add(Track(codec="vp8", begin_s=3, seconds=3, first_seq=4, ssrc=9))
    (stream,) = make(journals).streams
    pictures = pictures_of(journals, stream)
    assert len(pictures) == 90
    assert [read_tenths(picture) for _, picture in pictures] == [index * 10 // 15 for index in range(90)]


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_after_a_loss_no_picture_is_shown_until_the_next_key_frame(journals: JournalFolder, codec: str) -> None:
    track = Track(codec=codec, size=(320, 240))
    packets = [record for record in track.records() if record[1] is RecordKind.PACKET]
    assert len(packets) > 70
    journals.add(Track(codec=codec, size=(320, 240), lost=lambda index: index == len(packets) // 3))
    (stream,) = make(journals).streams
    pictures = pictures_of(journals, stream)
    assert 45 <= len(pictures) < 60
    for second, picture in pictures:
        assert read_tenths(picture) == int(second * 10 + 0.01)
    assert len(stream.gaps) == 1
    from_ms, to_ms = stream.gaps[0]
    assert to_ms % 1000 in range(0, 3) or to_ms % 1000 >= 998
    assert 200 <= to_ms - from_ms <= 1100


def test_packets_out_of_order_and_twice_make_the_same_file_as_in_order(journals: JournalFolder) -> None:
    journals.add(Track(codec="vp8", size=(320, 240)))
    shaken = JournalFolder(journals.path.parent / "shaken")
    shaken.add(Track(codec="vp8", size=(320, 240), jitter_s=0.2))
    tidy_stream, shaken_stream = make(journals).streams[0], make(shaken).streams[0]
    assert shaken_stream.duration_ms == pytest.approx(tidy_stream.duration_ms, abs=30)
    assert len(pictures_of(shaken, shaken_stream)) == 60
    assert shaken_stream.gaps == []


def test_lost_sound_is_filled_so_that_later_sound_stays_in_place(journals: JournalFolder) -> None:
    journals.add(Track(codec="opus", source="microphone", lost=lambda index: 60 <= index < 140))
    (stream,) = make(journals).streams
    assert (stream.source, stream.content_type, stream.has_picture) == ("microphone", "audio/webm", False)
    assert stream.gaps == [(pytest.approx(1180, abs=30), pytest.approx(2800, abs=30))]
    beeps = beep_begins(sound_of(journals, stream))
    assert beeps == [pytest.approx(second, abs=0.05) for second in (0, 1, 3)]


def test_a_codec_change_begins_the_next_file(journals: JournalFolder) -> None:
    journals.add(Track(codec="h264"))
    journals.add(Track(codec="vp8", begin_s=5, ssrc=9))
    journals.add(Track(codec="opus", source="microphone", seconds=9))
    first, second = make(journals).streams
    assert (first.video_codec, second.video_codec) == ("h264", "vp8")
    assert second.offset_ms == pytest.approx(5000, abs=30)
    assert first.duration_ms == pytest.approx(5000, abs=130)
    assert beep_begins(sound_of(journals, second)) == [pytest.approx(index, abs=0.06) for index in range(4)]


def test_a_screen_is_a_file_of_its_own_and_parties_lie_on_one_timeline(journals: JournalFolder) -> None:
    journals.add(Track(party_id="user:lead", role="lead"))
    journals.add(Track(party_id="user:lead", role="lead", source="screen", codec="vp8", begin_s=2, seconds=2))
    journals.add(Track(party_id="room:two", codec="vp8", begin_s=1, seconds=2, sender_ahead_s=-86_400))
    manifest = make(journals)
    assert {(stream.party_id, stream.source): stream.offset_ms for stream in manifest.streams} == {
        ("user:lead", "camera"): pytest.approx(0, abs=2),
        ("user:lead", "screen"): pytest.approx(2000, abs=2),
        ("room:two", "camera"): pytest.approx(1000, abs=2),
    }
    assert manifest.duration_ms == pytest.approx(4000, abs=40)
    assert manifest.origin_at == pytest.approx(1_800_000_000.02, abs=0.005)
    assert len({stream.file_name for stream in manifest.streams}) == 3


def test_a_lying_sender_clock_moves_nothing_far(journals: JournalFolder) -> None:
    path = journals.add(Track(codec="vp8"))
    liar = Track(codec="opus", source="microphone", seconds=4)
    records = liar.records

    def lying() -> object:
        for number, (arrival_s, kind, body) in enumerate(records()):
            yield arrival_s, kind, body if kind != 2 else (number * 10**17).to_bytes(8, "little") + body[8:]

    liar.records = lying  # type: ignore[method-assign, assignment]
    journals.add(liar)
    assert path.exists()
    (stream,) = make(journals).streams
    assert stream.duration_ms == pytest.approx(4000, abs=100)


def test_making_again_gives_the_same_and_repairs_what_was_harmed(journals: JournalFolder) -> None:
    journals.add(Track())
    journals.add(Track(codec="opus", source="microphone"))
    shares: list[float] = []
    first = make(journals, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    output = journals.path.parent / "recording"
    file = output / first.streams[0].file_name
    written_ns = file.stat().st_mtime_ns
    assert make(journals) == first
    assert file.stat().st_mtime_ns == written_ns
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"?")
    assert make(journals) == first
    assert file.read_bytes() == content
    journals.add(Track(party_id="room:two"))
    assert len(make(journals).streams) == 2
    assert {path.suffix for path in output.iterdir()} == {".mp4", ".json"}
    for path in journals.path.iterdir():
        path.unlink()
    assert len(make(journals).streams) == 2


def test_a_killed_making_leaves_nothing_that_counts_and_can_be_repeated(journals: JournalFolder) -> None:
    for number in range(4):
        journals.add(Track(codec="vp8", party_id=f"room:{number}", size=(320, 240)))
    output = journals.path.parent / "recording"
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom media.recorder.recording_maker import JournalRecordingMaker\n"
        "def kill(share):\n    if share > 0.5: os.kill(os.getpid(), 9)\n"
        "JournalRecordingMaker().make(Path(sys.argv[1]), Path(sys.argv[2]), kill)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, journals.path, output], check=False)
    assert killed.returncode == -9
    assert not (output / "recording.json").exists()
    assert len(make(journals).streams) == 4
    assert not (output / ".making").exists()


def test_a_lesson_in_which_nobody_sent_anything_has_no_streams(journals: JournalFolder) -> None:
    write_lesson_file(journals.path, LessonFile("lesson", "synchronous", "分数", 1234.5))
    journals.add(Track(seconds=0))
    manifest = make(journals)
    assert (manifest.streams, manifest.duration_ms, manifest.origin_at) == ([], 0, 1234.5)


@pytest.mark.parametrize("codec", ["h264", "vp8", "opus"])
def test_a_single_frame_makes_a_file(journals: JournalFolder, codec: str) -> None:
    journals.add(Track(codec=codec, seconds=0.07, source="microphone" if codec == "opus" else "camera"))
    (stream,) = make(journals).streams
    assert 0 < stream.duration_ms <= 110


def test_a_track_without_any_key_frame_makes_no_file(journals: JournalFolder) -> None:
    journals.add(Track(codec="vp8", seconds=0.9, lost=lambda index: index == 0))
    assert make(journals).streams == []


def test_damaged_journals_are_left_out_and_the_others_made(
    journals: JournalFolder, caplog: pytest.LogCaptureFixture
) -> None:
    journals.add(Track(codec="vp8"))
    (journals.path / "broken.journal").write_bytes(b"not a journal at all")
    (journals.path / "empty.journal").write_bytes(b"")
    journals.add(Track(codec="vp8", source="periscope"))
    assert len(make(journals).streams) == 1
    assert "broken.journal" in caplog.text
    assert "empty.journal" in caplog.text
    assert "unknown source" in caplog.text


@pytest.mark.parametrize("content", [b"", b"3CJ", MAGIC + b"\xff" * 64])
def test_a_lesson_of_damaged_journals_only_is_an_error_in_words(journals: JournalFolder, content: bytes) -> None:
    (journals.path / "x.journal").write_bytes(content)
    with pytest.raises(RecordingError, match="none of the journals"):
        make(journals)


def test_no_journals_no_folder_and_no_place_to_write_are_errors_in_words(journals: JournalFolder) -> None:
    with pytest.raises(RecordingError, match="no journals"):
        make(journals)
    with pytest.raises(RecordingError, match="no journals"):
        JournalRecordingMaker().make(journals.path / "missing", journals.path / "out", lambda share: None)
    journals.add(Track(seconds=1))
    in_the_way = journals.path.parent / "file"
    in_the_way.write_text("in the way")
    with pytest.raises(RecordingError, match="cannot be written"):
        JournalRecordingMaker().make(journals.path, in_the_way, lambda share: None)


def test_a_journal_full_of_noise_does_no_harm(journals: JournalFolder, tmp_path: Path) -> None:
    track = Track(codec="h264")
    noise = np.random.default_rng(7)
    records = track.records

    def noisy() -> object:
        for arrival_s, kind, body in records():
            yield arrival_s, kind, body
            if kind == 1:
                yield arrival_s, kind, body[:12] + noise.bytes(int(noise.integers(0, 60)))
                yield arrival_s, kind, noise.bytes(int(noise.integers(0, 40)))

    track.records = noisy  # type: ignore[method-assign, assignment]
    journals.add(track)
    for stream in make(journals).streams:
        assert stream.duration_ms < 8000


def test_late_reports_of_a_busy_sender_do_not_move_pictures_behind_their_arrival(journals: JournalFolder) -> None:
    # Each picture report pairs a picture's timestamp with a clock read 400 ms later, as by a sender short of time.
    late = Track(codec="vp8")
    records = late.records

    def belated() -> object:
        for arrival_s, kind, body in records():
            if kind != 2:
                yield arrival_s, kind, body
                continue
            ntp = int.from_bytes(body[:8], "little") + int(0.4 * 2**32)
            yield arrival_s + 0.4, kind, ntp.to_bytes(8, "little") + body[8:]

    late.records = belated  # type: ignore[method-assign, assignment]
    journals.add(late)
    journals.add(Track(codec="opus", source="microphone"))
    (stream,) = make(journals).streams
    flashes, beeps = flash_begins(pictures_of(journals, stream)), beep_begins(sound_of(journals, stream))
    assert np.abs(np.subtract(flashes, beeps)).max() < 0.08
