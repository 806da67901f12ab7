"""Finalising beside ffmpeg: a lesson's journals made into files, and the same streams remuxed by ffmpeg."""

import resource
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from made_journals import LESSON_START_S, PAYLOAD_TYPES, Track

from media.recorder.journal_format import MAGIC, SENDER_REPORT, JournalHeader, RecordKind, encode_record
from media.recorder.recording_maker import JournalRecordingMaker

LOOP_S = 20
TRACKS = (
    Track(codec="h264", seconds=LOOP_S, role="lead", party_id="user:lead", size=(640, 360), ssrc=1),
    Track(codec="opus", source="microphone", seconds=LOOP_S, role="lead", party_id="user:lead", ssrc=2),
    Track(codec="vp8", seconds=LOOP_S, size=(320, 180), ssrc=3),
    Track(codec="opus", source="microphone", seconds=LOOP_S, ssrc=4),
)


@dataclass(frozen=True)
class Finalised:
    """Lesson-hours for each minute of CPU."""

    ours: float
    ffmpeg: float
    packets: int


def finalise(folder: Path, minutes: int) -> Finalised:
    """Make one lesson of that length, four tracks, and let ffmpeg remux the files made. Raises CalledProcessError."""
    journals = folder / "journals"
    journals.mkdir()
    packets = sum(_write_long(track, journals / f"{number}.journal", minutes) for number, track in enumerate(TRACKS))
    hours = minutes / 60
    before = _cpu_s(resource.RUSAGE_SELF)
    made = JournalRecordingMaker().make(journals, folder / "made", lambda share: None)
    ours_s = _cpu_s(resource.RUSAGE_SELF) - before
    before = _cpu_s(resource.RUSAGE_CHILDREN)
    for stream in made.streams:
        source = folder / "made" / stream.file_name
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-i",
            str(source),
            "-c",
            "copy",
            str(folder / f"again{source.suffix}"),
        ]
        subprocess.run(command, check=True)
    ffmpeg_s = _cpu_s(resource.RUSAGE_CHILDREN) - before
    shutil.rmtree(folder / "made")
    return Finalised(hours / (ours_s / 60), hours / (ffmpeg_s / 60), packets)


def _cpu_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _write_long(track: Track, path: Path, minutes: int) -> int:
    """Write a journal in which the track's seconds come again and again; tells how many packets."""
    clock_rate = 48_000 if track.codec == "opus" else 90_000
    kind = "audio" if track.codec == "opus" else "video"
    header = JournalHeader(
        "lesson", track.party_id, "", track.role, path.stem, track.source, kind, float(LESSON_START_S)
    )
    once = sorted(track.records(), key=lambda one: one[0])
    in_a_loop = sum(kind is RecordKind.PACKET for _, kind, _ in once)
    written = 0
    with path.open("wb") as file:
        file.write(MAGIC + encode_record(RecordKind.HEADER, LESSON_START_S * 1_000_000, header.encode()))
        for loop in range(minutes * 60 // LOOP_S):
            for second, record_kind, body in once:
                if record_kind is RecordKind.CODEC and loop:
                    continue
                later = body
                if record_kind is RecordKind.PACKET:
                    later = _moved(body, loop * in_a_loop, loop * LOOP_S * clock_rate)
                    written += 1
                elif record_kind is RecordKind.SENDER_REPORT:
                    ntp, timestamp = SENDER_REPORT.unpack(body)
                    moved = timestamp + loop * LOOP_S * clock_rate & 0xFFFFFFFF
                    later = SENDER_REPORT.pack(ntp + (loop * LOOP_S << 32), moved)
                at_us = round((LESSON_START_S + loop * LOOP_S + second) * 1e6)
                file.write(encode_record(record_kind, at_us, later))
    return written


def _moved(packet: bytes, numbers: int, ticks: int) -> bytes:
    seq, timestamp = struct.unpack_from("!HI", packet, 2)
    assert packet[1] & 0x7F in PAYLOAD_TYPES.values()
    moved = struct.pack("!HI", seq + numbers & 0xFFFF, timestamp + ticks & 0xFFFFFFFF)
    return packet[:2] + moved + packet[8:]
