"""Speech is found in real Opus, whatever the room's noise; coughs and pauses are not."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from media.recorder.speech import speech_of

RATE_HZ = 48_000


def write_sound(path: Path, loud: list[tuple[float, float]], seconds: float, noise: float) -> None:
    """A WebM of noise in which a voice-like buzz sounds during `loud` (seconds)."""
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    wave = np.random.default_rng(5).normal(0, noise, times.size)
    buzz = sum(np.sin(2 * np.pi * 140 * harmonic * times) / harmonic for harmonic in range(1, 9))
    for begin, end in loud:
        inside = (times >= begin) & (times < end)
        wave[inside] += 0.12 * buzz[inside]
    samples = (np.clip(wave, -1, 1) * 32_767).astype(np.int16)
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono")
        for begin in range(0, samples.size - 959, 960):
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis, begin : begin + 960], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, begin, Fraction(1, RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("noise", [0.00005, 0.003])
def test_two_turns_are_found_and_a_cough_is_not(tmp_path: Path, noise: float) -> None:
    turns = [(2.0, 5.0), (5.4, 7.0), (12.0, 13.5)]
    write_sound(tmp_path / "room.webm", [*turns, (9.0, 9.15)], 16, noise)
    found = speech_of(tmp_path / "room.webm")
    assert len(found) == 2, found  # a short pause does not end a turn
    for (begin, end), (begun, over) in zip(found, [(2_000, 7_000), (12_000, 13_500)], strict=True):
        assert abs(begin - begun) <= 150
        assert abs(end - over) <= 150


def test_a_silent_room_does_not_speak(tmp_path: Path) -> None:
    write_sound(tmp_path / "room.webm", [], 6, 0.0004)
    assert speech_of(tmp_path / "room.webm") == []


def test_who_speaks_all_the_time_is_heard_all_the_time(tmp_path: Path) -> None:
    write_sound(tmp_path / "lead.webm", [(0.0, 6.0)], 6, 0.0002)
    found = speech_of(tmp_path / "lead.webm")
    assert len(found) == 1
    assert found[0][1] - found[0][0] > 5_500
