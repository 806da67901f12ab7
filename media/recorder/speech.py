"""When somebody speaks in a recorded file, from the levels of its decoded sound.

Decoded rather than read from the audio level extension (RFC 6464), because not every sender sends it and a journal may
be gone when this is wanted.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

WINDOW_MS = 50
QUIETEST_SPEECH_DB = -52.0
"""Below this, in dB under full scale, it is a quiet room, however quiet the rest is."""
ABOVE_FLOOR_DB = 9.0
FLOOR_PERCENTILE = 20
SILENCE_DB = -100.0
CLOSED_HOLE_MS = 800
"""Shorter silences are pauses of one speaker."""
SHORTEST_SPEECH_MS = 350
"""Shorter sounds are coughs, chairs and clicks."""


def speech_of(path: Path) -> list[tuple[int, int]]:
    """Give the stretches (from_ms, to_ms) of the file in which somebody speaks; none for a file without sound.

    Raises av.error.FFmpegError if the file cannot be read.
    """
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        levels = _levels_db(container)
    return speech_in(levels)


def speech_in(levels_db: np.ndarray) -> list[tuple[int, int]]:
    """Give the stretches of speech in levels (dB under full scale), one for each WINDOW_MS from the beginning on."""
    heard = levels_db[levels_db > SILENCE_DB]
    if heard.size == 0:
        return []
    floor_db = float(np.percentile(heard, FLOOR_PERCENTILE))
    # Where somebody speaks nearly all the time, the low end of the levels is speech too.
    floor_db = min(floor_db, float(heard.max()) - 2 * ABOVE_FLOOR_DB)
    loud = levels_db > max(QUIETEST_SPEECH_DB, floor_db + ABOVE_FLOOR_DB)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False]))))
    stretches: list[tuple[int, int]] = []
    for begin, end in (edges.reshape(-1, 2) * WINDOW_MS).tolist():
        if stretches and begin - stretches[-1][1] <= CLOSED_HOLE_MS:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((begin, end))
    return [(begin, end) for begin, end in stretches if end - begin >= SHORTEST_SPEECH_MS]


def _levels_db(container: av.container.InputContainer) -> np.ndarray:
    """The level of every window; what the file has no sound for is silence."""
    energies: list[float] = []
    counts: list[int] = []
    for at_ms, samples in _decoded(container):
        index = max(0, at_ms // WINDOW_MS)
        if index >= len(energies):
            missing = index + 1 - len(energies)
            energies.extend([0.0] * missing)
            counts.extend([0] * missing)
        energies[index] += float(np.dot(samples, samples))
        counts[index] += samples.size
    mean = np.array(energies) / np.maximum(1, np.array(counts))
    return np.where(mean > 0, 10 * np.log10(np.maximum(mean, 1e-12)), SILENCE_DB - 1)


def _decoded(container: av.container.InputContainer) -> Iterator[tuple[int, np.ndarray]]:
    """Every decoded frame's time and its first channel, between -1 and 1."""
    stream = container.streams.audio[0]
    for frame in container.decode(stream):
        if frame.time is None:
            continue
        samples = frame.to_ndarray()
        first = samples[0] if frame.format.is_planar else samples[0, :: frame.layout.nb_channels]
        if np.issubdtype(first.dtype, np.integer):
            first = first / float(np.iinfo(first.dtype).max)
        yield round(frame.time * 1000), first.astype(np.float64)
