"""Pauses, mute and a change of the relay are one timeline with honest gaps, whatever the clocks of the machines say."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_journals import LESSON_START_S, JournalFolder, Track, read_tenths
from media_files import beep_begins, flash_begins, pictures_of, sound_of

from media.contract import RecordedStream
from media.recorder.journal_format import MAGIC, JournalHeader, RecordKind, encode_record
from media.recorder.recording_maker import JournalRecordingMaker


def made(journals: JournalFolder) -> list[RecordedStream]:
    return JournalRecordingMaker().make(journals.path, journals.path.parent / "recording", lambda share: None).streams


def between(track: Track, begin_s: float, end_s: float, *, paused: bool) -> Track:
    """The track without what was sent between two seconds; `paused`: because recording was, and the journal says so."""
    records = track.records

    def run() -> Iterator[tuple[float, RecordKind, bytes]]:
        if paused:
            yield begin_s, RecordKind.PAUSE, b""
            yield end_s, RecordKind.RESUME, b""
        for arrival_s, kind, body in records():
            if kind is RecordKind.CODEC or not begin_s <= arrival_s < end_s:
                yield arrival_s, kind, body

    track.records = run  # type: ignore[method-assign]
    return track


def on_relay(track: Track, journals: JournalFolder, relay_id: str, ahead_s: float) -> None:
    """Journal the track on a relay whose clock is so far ahead."""
    kind = "audio" if track.codec == "opus" else "video"
    names = ("lesson", track.party_id, track.party_name, track.role)
    started_at = LESSON_START_S + track.begin_s + ahead_s
    path = journals.path / f"{relay_id}-{len(list(journals.path.iterdir()))}.journal"
    header = JournalHeader(*names, path.stem, track.source, kind, started_at, relay_id)
    data = MAGIC + encode_record(RecordKind.HEADER, round(started_at * 1e6), header.encode())
    for arrival_s, record_kind, body in sorted(track.records(), key=lambda record: record[0]):
        data += encode_record(record_kind, round((LESSON_START_S + arrival_s + ahead_s) * 1e6), body)
    path.write_bytes(data)


def assert_in_place(pictures: list[tuple[float, Any]], begins_s: float = 0.0) -> None:
    """Every picture stands at the tenth of a second that it shows."""
    for second, picture in pictures:
        assert read_tenths(picture) / 10 == pytest.approx(second + begins_s, abs=0.11)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_pause_is_a_gap_of_its_length_and_what_follows_stays_in_place(journals: JournalFolder, codec: str) -> None:
    journals.add(between(Track(codec=codec, seconds=7), 2.02, 4.02, paused=True))
    journals.add(between(Track(codec="opus", source="microphone", seconds=7), 2.02, 4.02, paused=True))
    (stream,) = made(journals)
    assert len(stream.gaps) == 1
    assert stream.gaps[0] == (pytest.approx(1933, abs=80), pytest.approx(4000, abs=80))
    assert stream.duration_ms == pytest.approx(7000, abs=50)
    pictures, sound = pictures_of(journals, stream), sound_of(journals, stream)
    assert_in_place(pictures)
    flashes, beeps = flash_begins(pictures), beep_begins(sound)
    assert beeps == [pytest.approx(second, abs=0.05) for second in (0, 1, 4, 5, 6)]
    assert np.abs(np.subtract(flashes, beeps)).max() < 0.05
    assert sound[round(2.1 * 48_000) : round(3.9 * 48_000)].max() < 0.01


def test_a_muted_microphone_is_silence_and_no_gap_of_the_picture(journals: JournalFolder) -> None:
    # Browsers send nothing while a microphone is off; numbers and timestamps go on behind it.
    journals.add(Track(codec="vp8", seconds=7))
    journals.add(between(Track(codec="opus", source="microphone", seconds=7), 2.0, 5.0, paused=False))
    (stream,) = made(journals)
    assert stream.gaps == []
    pictures, sound = pictures_of(journals, stream), sound_of(journals, stream)
    assert len(pictures) == 105
    assert len(sound) / 48_000 == pytest.approx(7, abs=0.05)
    assert beep_begins(sound) == [pytest.approx(second, abs=0.05) for second in (0, 1, 5, 6)]


@pytest.mark.parametrize("ahead_s", [-1.4, 0.0, 1.4, 7200.0])
@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_change_of_the_relay_is_one_timeline_though_its_clock_differs(
    journals: JournalFolder, codec: str, ahead_s: float
) -> None:
    for party_id, role in (("user:lead", "lead"), ("room:one", "room")):
        camera = Track(
            codec=codec, seconds=4, party_id=party_id, role=role, sender_ahead_s=3.0 if role == "lead" else 0
        )
        voice = replace(camera, codec="opus", source="microphone", ssrc=5)
        on_relay(camera, journals, "relay-1", 0.0)
        on_relay(voice, journals, "relay-1", 0.0)
        for track in (camera, voice):
            on_relay(replace(track, begin_s=6.0, first_seq=9, first_timestamp=77), journals, "relay-2", ahead_s)
    streams = made(journals)
    assert len(streams) == 2
    for stream in streams:
        assert stream.offset_ms == pytest.approx(0, abs=40)
        assert stream.duration_ms == pytest.approx(10_000, abs=80)
        assert [tuple(gap) for gap in stream.gaps] == [(pytest.approx(3933, abs=100), pytest.approx(6000, abs=80))]
        pictures = pictures_of(journals, stream)
        assert len(pictures) == 120
        assert_in_place(pictures)
        beeps = beep_begins(sound_of(journals, stream))
        assert beeps == [pytest.approx(second, abs=0.06) for second in (0, 1, 2, 3, 6, 7, 8, 9)]
        assert np.abs(np.subtract(flash_begins(pictures), beeps)).max() < 0.05


def test_a_party_that_sets_its_own_clock_moves_nobody(journals: JournalFolder) -> None:
    for party_id, first_s, later_s in (("user:lead", 0.0, 0.0), ("room:one", 0.0, 60.0)):
        track = Track(codec="vp8", seconds=3, party_id=party_id, role="room")
        on_relay(replace(track, sender_ahead_s=first_s), journals, "relay-1", 0.0)
        on_relay(replace(track, sender_ahead_s=later_s, begin_s=5.0, ssrc=9), journals, "relay-2", 0.0)
    for stream in made(journals):
        assert stream.duration_ms == pytest.approx(8000, abs=80)
        assert_in_place(pictures_of(journals, stream))
