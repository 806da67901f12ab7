"""Journals made with real encoders: each second begins with a white flash and a beep, and blocks tell the time."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from media.recorder.journal_format import MAGIC, SENDER_REPORT, CodecNote, JournalHeader, RecordKind, encode_record

FLASH_S = 0.12
FRAME_RATE = 15
KEY_EVERY_FRAMES = 15
BLOCKS = 10
LESSON_START_S = 1_800_000_000
NTP_TO_UNIX_S = 2_208_988_800
CLOCK_RATES = {"opus": 48_000, "vp8": 90_000, "h264": 90_000}
PAYLOAD_TYPES = {"opus": 111, "vp8": 96, "h264": 108}


def picture_at(second: float, width: int, height: int) -> np.ndarray:
    """A grey picture, white at the top while flashing; the bottom has ten blocks: tenths of a second in binary."""
    picture = np.full((height, width, 3), 80, np.uint8)
    if second % 1 < FLASH_S:
        picture[: height // 2] = 255
    # Noise, so that key frames need several packets.
    noise = np.random.default_rng(3).integers(0, 255, (height // 8, width, 1), np.uint8)
    picture[height // 2 : height // 2 + height // 8] = noise
    tenths = int(second * 10 + 1e-6)
    for block in range(BLOCKS):
        value = 235 if tenths >> block & 1 else 16
        picture[height * 3 // 4 :, block * width // BLOCKS : (block + 1) * width // BLOCKS] = value
    return picture


def read_tenths(picture: np.ndarray) -> int:
    """What the blocks of `picture_at` say."""
    height, width = picture.shape[:2]
    row = picture[height * 7 // 8]
    return sum(1 << block for block in range(BLOCKS) if row[(2 * block + 1) * width // (2 * BLOCKS)].mean() > 128)


@lru_cache(maxsize=64)
def encoded_pictures(
    codec: str, begin_s: float, seconds: float, size: tuple[int, int]
) -> list[tuple[float, list[bytes]]]:
    encoder = H264Encoder() if codec == "h264" else Vp8Encoder()
    result = []
    for index in range(round(seconds * FRAME_RATE)):
        second = begin_s + index / FRAME_RATE
        frame = av.VideoFrame.from_ndarray(picture_at(second, *size), format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = index * 90_000 // FRAME_RATE, Fraction(1, 90_000)
        payloads, _ = encoder.encode(frame, force_keyframe=index % KEY_EVERY_FRAMES == 0)
        result.append((second, payloads))
    return result


@lru_cache(maxsize=64)
def encoded_sounds(begin_s: float, seconds: float, beep_s: float = FLASH_S) -> list[tuple[float, list[bytes]]]:
    encoder = OpusEncoder()
    result = []
    for index in range(round(seconds * 50)):
        times = begin_s + (np.arange(960) + index * 960) / 48_000
        wave = np.where(times % 1 < beep_s, 12_000 * np.sin(2 * np.pi * 1000 * times), 0).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, index * 960, Fraction(1, 48_000)
        payloads, _ = encoder.encode(frame)
        if payloads:
            result.append((begin_s + index / 50, payloads))
    return result


@dataclass
class Track:
    """One journal to be written: what is sent from `begin_s` on, by a sender whose clock is `sender_ahead_s` off."""

    source: str = "camera"
    codec: str = "h264"
    begin_s: float = 0.0
    seconds: float = 4.0
    party_id: str = "room:one"
    party_name: str = "三年级一班"
    role: str = "room"
    size: tuple[int, int] = (160, 120)
    sender_ahead_s: float = 0.0
    reports: bool = True
    delay_s: float = 0.02
    jitter_s: float = 0.0
    first_seq: int = 65_500
    first_timestamp: int = 0xFFFFF000
    ssrc: int = 77
    lost: Callable[[int], bool] = field(default=lambda index: False)
    seed: int = 1
    beep_s: float = FLASH_S
    "Of each second; long beeps count as speech."

    def records(self) -> Iterator[tuple[float, RecordKind, bytes]]:
        """(arrival second of the lesson, kind, body), not sorted."""
        clock_rate = CLOCK_RATES[self.codec]
        frames = (
            encoded_sounds(self.begin_s, self.seconds, self.beep_s)
            if self.codec == "opus"
            else encoded_pictures(self.codec, self.begin_s, self.seconds, self.size)
        )
        chance = random.Random(self.seed)
        index = 0
        reported_s = float("-inf")
        yield self.begin_s, RecordKind.CODEC, CodecNote(self.codec, PAYLOAD_TYPES[self.codec], clock_rate).encode()
        for second, payloads in frames:
            timestamp = (self.first_timestamp + round((second - self.begin_s) * clock_rate)) & 0xFFFFFFFF
            for number, payload in enumerate(payloads):
                packet = RtpPacket(
                    payload_type=PAYLOAD_TYPES[self.codec],
                    marker=int(number == len(payloads) - 1),
                    sequence_number=(self.first_seq + index) & 0xFFFF,
                    timestamp=timestamp,
                    ssrc=self.ssrc,
                    payload=payload,
                )
                arrival_s = second + self.delay_s + self.jitter_s * chance.random()
                if not self.lost(index):
                    yield arrival_s, RecordKind.PACKET, packet.serialize(HeaderExtensionsMap())
                index += 1
            if self.reports and second - reported_s >= 1:
                reported_s = second
                ntp = int((LESSON_START_S + NTP_TO_UNIX_S + second + self.sender_ahead_s) * 2**32)
                yield second + self.delay_s, RecordKind.SENDER_REPORT, SENDER_REPORT.pack(ntp, timestamp)

    def encode(self, track_id: str) -> bytes:
        """The whole journal without an end record."""
        started_at = LESSON_START_S + self.begin_s
        kind = "audio" if self.codec == "opus" else "video"
        header = JournalHeader(
            "lesson", self.party_id, self.party_name, self.role, track_id, self.source, kind, started_at
        )
        data = MAGIC + encode_record(RecordKind.HEADER, int(started_at * 1e6), header.encode())
        for arrival_s, record_kind, body in sorted(self.records(), key=lambda record: record[0]):
            data += encode_record(record_kind, round((LESSON_START_S + arrival_s) * 1e6), body)
        return data


class JournalFolder:
    """A lesson's journal folder being filled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def add(self, track: Track, *, ended: bool = True, torn_bytes: int = 0) -> Path:
        """Write a journal; with `torn_bytes` its end is cut off as by a kill."""
        number = len(list(self.path.iterdir()))
        data = track.encode(f"track{number}")
        if ended:
            data += encode_record(RecordKind.END, round((LESSON_START_S + track.begin_s + track.seconds) * 1e6), b"")
        path = self.path / f"track{number}.journal"
        path.write_bytes(data[: len(data) - torn_bytes])
        return path
