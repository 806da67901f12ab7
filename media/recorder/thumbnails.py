"""A sheet of thumbnails of a recorded file: key frames only are decoded, scaled and laid out in one JPEG."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TILE_WIDTH = 160
COLUMNS = 10
MOST_TILES = 300
CLOSEST_MS = 4_000
QUALITY = 5
"""JPEG quantiser, 2 (best) to 31."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a written sheet shows: the ms of the file each tile is of, row by row."""

    path: Path
    tile_width: int
    tile_height: int
    columns: int
    tiles: list[int]


def write_sheet(path: Path, target: Path, duration_ms: int) -> Sheet | None:
    """Write the sheet of the file at `path` to `target`; None for a file without a picture to be decoded.

    Raises av.error.FFmpegError if the file cannot be read.
    """
    tiles: list[int] = []
    pictures: list[np.ndarray] = []
    with av.open(str(path)) as container:
        if not container.streams.video:
            return None
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        step_ms = max(CLOSEST_MS, -(-duration_ms // MOST_TILES))
        height = _tile_height(stream.codec_context.width, stream.codec_context.height)
        for wanted_ms in range(0, max(1, duration_ms), step_ms):
            found = _key_frame_at(container, stream, wanted_ms)
            if found is None or (tiles and found[0] <= tiles[-1]):
                continue
            tiles.append(found[0])
            small = found[1].reformat(width=TILE_WIDTH, height=height, format="rgb24")
            pictures.append(small.to_ndarray())
    if not pictures:
        return None
    _write_jpeg(_laid_out(pictures, height), target)
    return Sheet(target, TILE_WIDTH, height, COLUMNS, tiles)


def _key_frame_at(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, wanted_ms: int
) -> tuple[int, av.VideoFrame] | None:
    """The key frame at or before a moment, with its own time."""
    if stream.time_base is None:
        return None
    container.seek(int(wanted_ms / 1000 / stream.time_base), stream=stream, backward=True)
    for frame in container.decode(stream):
        if frame.time is not None:
            return round(frame.time * 1000), frame
    return None


def _tile_height(width: int, height: int) -> int:
    """Fit the tile's height to the picture's shape; even, as the encoder needs it."""
    scaled = TILE_WIDTH * height // width if width > 0 and height > 0 else TILE_WIDTH * 9 // 16
    return min(2 * TILE_WIDTH, max(2, scaled // 2 * 2))


def _laid_out(pictures: list[np.ndarray], tile_height: int) -> np.ndarray:
    rows = -(-len(pictures) // COLUMNS)
    sheet = np.zeros((rows * tile_height, COLUMNS * TILE_WIDTH, 3), np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // COLUMNS * tile_height, index % COLUMNS * TILE_WIDTH
        sheet[top : top + tile_height, left : left + TILE_WIDTH] = picture
    return sheet


def _write_jpeg(sheet: np.ndarray, target: Path) -> None:
    frame = av.VideoFrame.from_ndarray(sheet, format="rgb24").reformat(format="yuvj420p")
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)  # noqa: S101 - "mjpeg" is a video codec
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.framerate = Fraction(1)
    encoder.qmin = encoder.qmax = QUALITY
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    target.write_bytes(b"".join(bytes(packet) for packet in packets))
