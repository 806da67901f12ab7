"""The native reader of whole journals against the plain one that follows growing ones: the same clocks and frames from
the same bytes, however much of them was lost, delayed, sent twice or damaged.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_journals import LESSON_START_S, Track

from media.recorder.arrivals import ArrivalReader, Arrived, Interrupted, Reported, Resequencer
from media.recorder.frames import EncodedFrame, Happening, PictureAssembler, sound_frame
from media.recorder.journal import JournalError, JournalHeader, read_journal
from media.recorder.journal_format import MAGIC, CodecNote, RecordKind, encode_record
from media.recorder.timeline import FOREVER_US, happenings, in_succession
from media.recorder.track_clock import Run, TrackClock, TrackScan, scan, sender_delays_us


def plain_items(path: Path) -> Iterator[Arrived | Reported | Interrupted]:
    reader = ArrivalReader()
    for record in read_journal(path):
        item = reader.take(record)
        if item is not None:
            yield item


def plain_scan(path: Path) -> TrackScan:
    header = JournalHeader.decode(next(read_journal(path)).body)
    result = TrackScan(path, header, path.stat().st_size)
    for item in plain_items(path):
        if isinstance(item, Arrived):
            if item.run == len(result.runs):
                result.runs.append(Run(item.codec.clock_rate))
            result.runs[item.run].add_packet(item)
            result.packets += 1
            result.first_arrival_us = result.first_arrival_us or item.arrival_us
            result.last_arrival_us = max(result.last_arrival_us, item.arrival_us)
        elif isinstance(item, Reported):
            result.runs[item.run].add_report(item)
    for run in result.runs:
        run.bucket_end_us = 0
    return result


def plain_packets(path: Path) -> Iterator[tuple[Arrived, bool]]:
    order = Resequencer()
    for item in plain_items(path):
        if isinstance(item, Arrived):
            yield from order.add(item)
        elif isinstance(item, Interrupted):
            yield from order.interrupt()
    yield from order.interrupt()


def plain_frames(path: Path, kind: str) -> Iterator[EncodedFrame]:
    if kind == "audio":
        for packet, broken in plain_packets(path):
            yield from sound_frame(packet, broken)
        return
    pictures = PictureAssembler()
    for packet, broken in plain_packets(path):
        if packet.codec.name in {"vp8", "h264"}:
            yield from pictures.add(packet, broken)
    yield from pictures.finish()


def plain_happenings(found: TrackScan, delay_us: int | None) -> list[Happening]:
    clock = TrackClock(found, delay_us)
    result, last_us = [], 0
    for frame in plain_frames(found.path, found.header.kind):
        last_us = max(last_us, clock.time_us(frame.run, frame.ext_timestamp, frame.arrival_us))
        result.append(Happening(last_us, frame))
    return result


def hold_together(path: Path) -> int:
    """Both read the journal, to the same end; how many frames there were."""
    ours, plain = scan(path), plain_scan(path)
    assert ours == plain
    delays = sender_delays_us([ours])
    sizes: list[int] = []
    frames = list(happenings(in_succession([ours], delays), sizes.append))
    if not ours.packets:
        return 0
    assert frames == plain_happenings(plain, delays.get(path))
    assert all(type(frame.frame.is_key) is bool and type(frame.frame.after_loss) is bool for frame in frames)
    assert sizes == [ours.size_bytes]
    return len(frames)


def mixed_up(track: Track, seed: int) -> list[bytes]:
    """The track's records, some lost, late, twice, with pauses, other SSRCs and other codecs among them."""
    chance = random.Random(seed)
    records = []
    for second, kind, sent in track.records():
        at_s, body = second, sent
        if kind is RecordKind.PACKET:
            if chance.random() < 0.03:
                continue
            if chance.random() < 0.05:
                at_s += chance.choice([0.03, 0.2, 1.5])
            if chance.random() < 0.02:
                records.append((at_s + 0.1, kind, body))
            if chance.random() < 0.02:
                body = body[: chance.randrange(len(body))]
            if chance.random() < 0.02:
                place = chance.randrange(len(body)) if body else 0
                body = body[:place] + chance.randbytes(1) + body[place + 1 :]
        records.append((at_s, kind, body))
        if chance.random() < 0.01:
            records.append((at_s, chance.choice([RecordKind.PAUSE, RecordKind.RESUME]), b""))
        if chance.random() < 0.01:
            note = CodecNote(chance.choice(["vp8", "h264", "opus", "av1"]), chance.choice([96, 108, 111]), 90_000)
            records.append((at_s, RecordKind.CODEC, chance.choice([note.encode(), b"{}", b"\xff"])))
    records.sort(key=lambda record: record[0])
    return [encode_record(kind, round((LESSON_START_S + at_s) * 1e6), body) for at_s, kind, body in records]


def beginning(track: Track) -> bytes:
    kind = "audio" if track.codec == "opus" else "video"
    header = JournalHeader("l", track.party_id, "", track.role, "t", track.source, kind, float(LESSON_START_S))
    return MAGIC + encode_record(RecordKind.HEADER, LESSON_START_S * 1_000_000, header.encode())


@pytest.mark.parametrize("codec", ["h264", "vp8", "opus"])
@pytest.mark.parametrize("size", [(160, 120), (640, 360)])
def test_whole_tracks_are_read_alike(tmp_path: Path, codec: str, size: tuple[int, int]) -> None:
    path = tmp_path / "t.journal"
    track = Track(codec=codec, seconds=4, size=size, source="microphone" if codec == "opus" else "camera")
    path.write_bytes(track.encode("t"))
    assert hold_together(path) == (200 if codec == "opus" else 60)


@pytest.mark.parametrize("codec", ["h264", "vp8", "opus"])
@pytest.mark.parametrize("seed", range(12))
def test_mixed_up_tracks_are_read_alike(tmp_path: Path, codec: str, seed: int) -> None:
    path = tmp_path / "t.journal"
    track = Track(codec=codec, seconds=6, sender_ahead_s=random.Random(seed).choice([0, 1.5, 900]), jitter_s=0.05)
    records = mixed_up(track, seed)
    path.write_bytes(beginning(track) + b"".join(records))
    assert hold_together(path) > 0
    # The same with bytes damaged anywhere behind the header.
    chance = random.Random(seed)
    damaged = bytearray(b"".join(records))
    for _ in range(chance.randrange(1, 8)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    path.write_bytes(beginning(track) + damaged[: chance.randrange(len(damaged) // 2, len(damaged))])
    hold_together(path)


def test_a_sender_that_changes_its_source_again_and_again_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "t.journal"
    chance = random.Random(5)
    track = Track(codec="vp8", seconds=6)
    records = []
    for second, kind, body in track.records():
        changed = body
        if kind is RecordKind.PACKET:
            ssrc = 77 if second < 2 or second > 4 else chance.choice([78, 79])
            changed = body[:8] + ssrc.to_bytes(4, "big") + body[12:]
        records.append(encode_record(kind, round((LESSON_START_S + second) * 1e6), changed))
    path.write_bytes(beginning(track) + b"".join(records))
    assert hold_together(path) > 0


def test_a_long_outage_holds_no_more_than_the_limit_and_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "t.journal"
    track = Track(codec="opus", seconds=60, source="microphone", lost=lambda index: index == 10)
    records = [encode_record(kind, LESSON_START_S * 1_000_000, body) for _, kind, body in track.records()]
    path.write_bytes(beginning(track) + b"".join(records))
    assert hold_together(path) == 2999


@pytest.mark.parametrize("content", [b"", b"3CJ", b"RIFF" + bytes(100)])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.journal"
    path.write_bytes(content)
    with pytest.raises(JournalError):
        scan(path)


def test_a_frame_is_told_only_before_the_next_connection(tmp_path: Path) -> None:
    first, second = tmp_path / "a.journal", tmp_path / "b.journal"
    first.write_bytes(Track(codec="opus", source="microphone", seconds=4).encode("a"))
    second.write_bytes(Track(codec="opus", source="microphone", seconds=4, begin_s=2).encode("b"))
    tracks = in_succession([scan(first), scan(second)], {})
    assert [track.until_us < FOREVER_US for track in tracks] == [True, False]
    times = [happening.time_us for happening in happenings(tracks, lambda size: None)]
    assert times == sorted(times)
    assert len(times) == 300
