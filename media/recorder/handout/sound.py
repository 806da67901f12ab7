"""Mixes the sound of all files of a lesson, a second at a time."""

from collections.abc import Iterator, Sequence

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from media.contract import HandoutSource

SAMPLE_RATE_HZ = 48_000
Samples = npt.NDArray[np.float32]


class SoundSource:
    """The sound of one file as mono samples on the lesson's timeline; asked for stretches that only grow."""

    def __init__(self, source: HandoutSource) -> None:
        """Raises av.FFmpegError."""
        self._container = av.open(source.path)
        self._offset = source.offset_ms * SAMPLE_RATE_HZ // 1000
        self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        self._chunks = self._decoded()
        self._held: list[tuple[int, Samples]] = []

    def add_to(self, mixed: Samples, first: int) -> None:
        """Add what sounds from sample number `first` of the lesson on."""
        last = first + len(mixed)
        while not self._held or self._held[-1][0] + len(self._held[-1][1]) < last:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._held.append(chunk)
        for begin, samples in self._held:
            from_sample, to_sample = max(begin, first), min(begin + len(samples), last)
            if from_sample < to_sample:
                mixed[from_sample - first : to_sample - first] += samples[from_sample - begin : to_sample - begin]
        self._held = [(begin, samples) for begin, samples in self._held if begin + len(samples) > last]

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decoded(self) -> Iterator[tuple[int, Samples]]:
        for frame in self._container.decode(audio=0):
            begin = self._offset + round((frame.time or 0.0) * SAMPLE_RATE_HZ)
            for even in self._resampler.resample(frame):
                samples = even.to_ndarray().reshape(-1).astype(np.float32, copy=False)
                yield begin, samples
                begin += len(samples)


def mixed_sound(sources: Sequence[HandoutSource], duration_ms: int) -> Iterator[Samples]:
    """The lesson's sound in seconds of mono samples between -1 and 1; the last one is cut. Raises av.FFmpegError."""
    heard = [SoundSource(source) for source in sources if source.has_sound]
    try:
        total = duration_ms * SAMPLE_RATE_HZ // 1000
        for first in range(0, total, SAMPLE_RATE_HZ):
            mixed = np.zeros(min(SAMPLE_RATE_HZ, total - first), np.float32)
            for source in heard:
                source.add_to(mixed, first)
            # Voices of several rooms at once may exceed full scale: bend instead of cutting hard.
            yield np.tanh(mixed) if np.abs(mixed).max(initial=0) > 1 else mixed
    finally:
        for source in heard:
            source.close()
