"""The soft sound a headless classroom sends: a slow melody of its own, encoded once and played round and round."""

import random
import zlib
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av import AudioFrame, CodecContext
from av.audio.codeccontext import AudioCodecContext

SAMPLE_RATE_HZ = 48_000
FRAME_SAMPLES = 960
LOOP_S = 16
NOTE_S = 0.5
LOUDNESS = 0.12
BITRATE_BPS = 32_000
SOUND_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)
# A pentatonic scale sounds well in any order, even from four rooms at once.
SCALE = (1, 9 / 8, 5 / 4, 3 / 2, 5 / 3, 2)


def melody(seed: str) -> npt.NDArray[np.int16]:
    """Sixteen seconds of mono samples at 48 kHz, different for each seed; notes and rests change every half second."""
    chance = random.Random(zlib.crc32(seed.encode()))  # noqa: S311 - a melody is no secret
    base_hz = chance.choice((196.0, 220.0, 246.9, 261.6, 293.7, 329.6))
    note_samples = int(NOTE_S * SAMPLE_RATE_HZ)
    times = np.arange(note_samples) / SAMPLE_RATE_HZ
    envelope = np.minimum(times / 0.02, 1) * np.exp(-times * 3)
    notes = []
    for _ in range(int(LOOP_S / NOTE_S)):
        frequency_hz = base_hz * chance.choice(SCALE)
        wave = np.sin(2 * np.pi * frequency_hz * times) + 0.3 * np.sin(4 * np.pi * frequency_hz * times)
        notes.append(wave * envelope * (chance.random() < 0.85))
    samples = np.concatenate(notes) * LOUDNESS / 1.3
    return (samples * 32767).astype(np.int16)


def encoded_melody(seed: str) -> list[bytes]:
    """The melody as Opus packets of 20 ms each."""
    codec = CodecContext.create("libopus", "w")
    if not isinstance(codec, AudioCodecContext):
        raise TypeError("libopus is no audio codec")
    codec.sample_rate = SAMPLE_RATE_HZ
    codec.layout = "mono"
    codec.format = "s16"
    codec.bit_rate = BITRATE_BPS
    codec.time_base = SOUND_TIME_BASE
    packets = []
    for index, chunk in enumerate(np.split(melody(seed), LOOP_S * SAMPLE_RATE_HZ // FRAME_SAMPLES)):
        frame = AudioFrame.from_ndarray(chunk[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, index * FRAME_SAMPLES, SOUND_TIME_BASE
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets + [bytes(packet) for packet in codec.encode(None)]
