"""Products judged by readers that are not ours: ffprobe, and the structure of MP4 and WebM read byte by byte; and lips
and voice held together against a clapper under loss and reordering.
"""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_journals import JournalFolder, Track

from media.contract import RecordedStream, RecordingManifest
from media.recorder.recording_maker import JournalRecordingMaker

EBML, SEGMENT, CUES, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1C53BB6B, 0x1F43B675
LIP_SYNC_S = 0.045


def make(journals: JournalFolder) -> tuple[RecordingManifest, Path]:
    output = journals.path.parent / "recording"
    return JournalRecordingMaker().make(journals.path, output, lambda share: None), output


def probed(path: Path) -> Any:
    command = ["ffprobe", "-v", "warning", "-show_streams", "-show_format", "-show_packets", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def boxes(data: bytes) -> Iterator[str]:
    """The types of an MP4's top-level boxes (ISO/IEC 14496-12 4.2); every byte belongs to one."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8].decode("ascii")
        size = size if size != 1 else int.from_bytes(data[at + 8 : at + 16], "big")
        assert size >= 8
        at += size
    assert at == len(data)


def elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(id, begin, end) of EBML elements side by side (RFC 8794 5-6); every byte belongs to one."""
    while at < end:
        id_bytes = 9 - data[at].bit_length()
        number = int.from_bytes(data[at : at + id_bytes], "big")
        at += id_bytes
        size_bytes = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + size_bytes], "big") & (1 << 7 * size_bytes) - 1
        at += size_bytes
        yield number, at, at + size
        at += size
    assert at == end


@pytest.fixture
def broken_lesson(journals: JournalFolder) -> JournalFolder:
    """Everything that goes wrong in one lesson: loss, another size, a reconnect, a late and silent beginning."""
    journals.add(Track(seconds=4, size=(320, 240), lost=lambda index: index in {30, 31}), ended=False, torn_bytes=9)
    journals.add(Track(codec="opus", source="microphone", begin_s=1, seconds=3), ended=False)
    journals.add(Track(begin_s=7, seconds=4, ssrc=5))
    journals.add(Track(codec="opus", source="microphone", begin_s=7, seconds=4, ssrc=6))
    journals.add(Track(codec="vp8", party_id="user:lead", role="lead", seconds=11, size=(320, 240)))
    journals.add(Track(codec="opus", source="microphone", party_id="user:lead", role="lead", seconds=11))
    journals.add(Track(codec="opus", source="microphone", party_id="room:voice", begin_s=2, seconds=5))
    return journals


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is of the Debian package ffmpeg")
def test_ffprobe_finds_every_file_whole_and_as_the_manifest_says(broken_lesson: JournalFolder) -> None:
    manifest, output = make(broken_lesson)
    assert len(manifest.streams) == 3
    for stream in manifest.streams:
        found = probed(output / stream.file_name)
        kinds = {one["codec_type"]: one["codec_name"] for one in found["streams"]}
        assert kinds.get("video") == stream.video_codec
        assert kinds.get("audio") == stream.audio_codec
        assert float(found["format"]["duration"]) * 1000 == pytest.approx(stream.duration_ms, abs=60)
        for index in range(len(found["streams"])):
            ticks = [int(one["dts"]) for one in found["packets"] if one["stream_index"] == index]
            assert len(ticks) > 40
            assert all(later > earlier for earlier, later in pairwise(ticks))
        pictures = [one for one in found["packets"] if one["codec_type"] == "video"]
        assert not pictures or pictures[0]["flags"].startswith("K")
        sounds = [float(one["pts_time"]) for one in found["packets"] if one["codec_type"] == "audio"]
        assert max(later - earlier for earlier, later in pairwise(sounds)) < 0.065


def test_mp4_and_webm_are_built_so_that_players_seek_without_reading_to_the_end(broken_lesson: JournalFolder) -> None:
    manifest, output = make(broken_lesson)
    for stream in manifest.streams:
        data = (output / stream.file_name).read_bytes()
        if stream.file_name.endswith(".mp4"):
            order = list(boxes(data))
            assert order[0] == "ftyp"
            assert order.index("moov") < order.index("mdat")
            continue
        head, segment = elements(data, 0, len(data))
        assert (head[0], segment[0]) == (EBML, SEGMENT)
        inside = [number for number, _, _ in elements(data, segment[1], segment[2])]
        assert inside.index(CUES) < inside.index(CLUSTER)


def flashes_and_beeps(path: Path) -> list[tuple[float, float]]:
    """For each second of which both survived, when the flash is seen and when the beep is heard."""
    with av.open(str(path)) as container:
        white = [frame.time for frame in container.decode(video=0) if frame.to_ndarray(format="gray")[10].mean() > 200]
    with av.open(str(path)) as container:
        loud = np.concatenate(
            [frame.time + np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1) / 48_000
             for frame in container.decode(audio=0)]
        )  # fmt: skip
    flashes, beeps = ({round(time): time for time in reversed(list(times)) if time % 1 < 0.05 or time % 1 > 0.9}
                      for times in (white, loud))  # fmt: skip
    return [(flashes[second], beeps[second]) for second in sorted(flashes.keys() & beeps.keys())]


@pytest.mark.parametrize("codec", ["h264", "vp8"])
@pytest.mark.parametrize("seed", [1, 2])
def test_lips_and_voice_stay_within_45_ms_under_loss_and_reordering(
    journals: JournalFolder, codec: str, seed: int
) -> None:
    chance = random.Random(seed)
    lost_pictures = {index for index in range(5000) if chance.random() < 0.05}
    lost_sounds = {index for index in range(5000) if chance.random() < 0.05}
    shaken = {"seconds": 20.0, "jitter_s": 0.08, "seed": seed}
    journals.add(Track(codec=codec, delay_s=0.15, lost=lost_pictures.__contains__, sender_ahead_s=7, **shaken))
    journals.add(
        Track(codec="opus", source="microphone", lost=lost_sounds.__contains__, sender_ahead_s=7, ssrc=3, **shaken)
    )
    manifest, output = make(journals)
    (stream,) = manifest.streams
    assert isinstance(stream, RecordedStream)
    assert stream.gaps
    pairs = flashes_and_beeps(output / stream.file_name)
    assert len(pairs) >= 8
    assert max(abs(flash - beep) for flash, beep in pairs) <= LIP_SYNC_S
