"""A clock burnt into the picture as 2 rows of 28 black and white blocks that survives scaling and hard compression.

The first 44 bits are Unix milliseconds, most significant first, the last 12 a checksum: with w0..w3 the four 11-bit
words of the time, most significant first, it is (3 w0 + 5 w1 + 7 w2 + 11 w3 + 0x5A5) modulo 4096. The rows fill the
lowest 2/15 of the picture and its whole width; white is 1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from av import VideoFrame

COLUMNS = 28
ROWS = 2
TIME_BITS = 44
CHECK_BITS = 12
ROW_SHARE = 15
BLACK, WHITE = 16, 235
# Less contrast between black and white blocks than this is no clock.
CONTRAST = 60

Luma = npt.NDArray[np.uint8]


def checksum(unix_ms: int) -> int:
    """The 12-bit checksum of a time."""
    words = [unix_ms >> shift & 0x7FF for shift in (33, 22, 11, 0)]
    return (3 * words[0] + 5 * words[1] + 7 * words[2] + 11 * words[3] + 0x5A5) & 0xFFF


def draw_clock(luma: Luma, unix_ms: int) -> None:
    """Draw into a luma plane of shape (height, width)."""
    height, width = luma.shape
    row_height = height // ROW_SHARE
    bits = unix_ms << CHECK_BITS | checksum(unix_ms)
    values = [bits >> (ROWS * COLUMNS - 1 - index) & 1 for index in range(ROWS * COLUMNS)]
    edges = [column * width // COLUMNS for column in range(COLUMNS + 1)]
    for row in range(ROWS):
        top = height - (ROWS - row) * row_height
        line = np.repeat(
            np.where(values[row * COLUMNS : (row + 1) * COLUMNS], WHITE, BLACK).astype(np.uint8), np.diff(edges)
        )
        luma[top : top + row_height] = line


def read_clock(frame: VideoFrame | Luma) -> int | None:
    """Unix milliseconds burnt into a decoded picture (or its luma plane), None if none can be read for certain."""
    luma = frame if isinstance(frame, np.ndarray) else luma_of(frame)
    if luma.ndim != 2 or luma.shape[0] < ROW_SHARE * 4 or luma.shape[1] < COLUMNS * 4:
        return None
    samples = _block_means(luma)
    low, high = float(samples.min()), float(samples.max())
    if high - low < CONTRAST:
        return None
    bits = 0
    for value in samples > (low + high) / 2:
        bits = bits << 1 | int(value)
    unix_ms = bits >> CHECK_BITS
    return unix_ms if bits & 0xFFF == checksum(unix_ms) else None


def luma_of(frame: VideoFrame) -> Luma:
    """The luma plane of a picture, shape (height, width)."""
    if frame.format.name not in {"yuv420p", "yuvj420p", "nv12"}:
        frame = frame.reformat(format="yuv420p")
    plane: Any = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _block_means(luma: Luma) -> npt.NDArray[np.float64]:
    height, width = luma.shape
    row_height = height / ROW_SHARE
    means = []
    for row in range(ROWS):
        top = height - (ROWS - row) * row_height
        rows = slice(int(top + row_height * 0.3), max(int(top + row_height * 0.7), int(top + row_height * 0.3) + 1))
        for column in range(COLUMNS):
            left, right = (column + 0.3) * width / COLUMNS, (column + 0.7) * width / COLUMNS
            means.append(luma[rows, int(left) : max(int(right), int(left) + 1)].mean())
    return np.array(means)
