"""The moving picture a headless classroom sends: its name, the time for people and for machines, and things that move.
Everything that stays the same is drawn once, so that a picture costs a fraction of a millisecond.
"""

import math
import time
import zlib
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
from av import VideoFrame

from media.room_client.block_clock import Luma, draw_clock
from media.room_client.lettering import CELL_WIDTH, text_mask

VIDEO_TIME_BASE = Fraction(1, 90_000)
BALL_SHARE = 9


class RoomPicture:
    """Draws the pictures of one room; `name` is shown as far as it is Latin, `seed` decides colour and movement."""

    def __init__(self, name: str, width: int = 640, height: int = 360, seed: str = "") -> None:
        if width % 2 or height % 2 or width < 160 or height < 90:
            raise ValueError("a picture must be even and at least 160 x 90 pixels")
        self.width, self.height = width, height
        number = zlib.crc32((seed or name).encode())
        self._u = 96 + number % 64
        self._v = 96 + number // 64 % 64
        self._speed = 0.5 + number // 4096 % 100 / 100
        self._background = self._draw_background(shown_name(name))
        self._ball = self._draw_ball()
        self._scale = max(1, width // 160)

    def draw(self, unix_ms: int) -> VideoFrame:
        """The picture at a time, without a pts; yuv420p."""
        luma = self._background.copy()
        top, left = self._ball_place(unix_ms)
        size = self._ball.shape[0]
        under = luma[top : top + size, left : left + size]
        under[self._ball] = 210
        self._draw_time(luma, unix_ms)
        draw_clock(luma, unix_ms)
        frame = VideoFrame(self.width, self.height, "yuv420p")
        chroma_height, chroma_width = self.height // 2, self.width // 2
        u = np.full((chroma_height, chroma_width), self._u, np.uint8)
        v = np.full((chroma_height, chroma_width), self._v, np.uint8)
        half = size // 2
        u[top // 2 : top // 2 + half, left // 2 : left // 2 + half] = 255 - self._u
        # The clock's rows are without colour, so that their brightness is exact.
        u[-(chroma_height * 2 // 15) :], v[-(chroma_height * 2 // 15) :] = 128, 128
        for plane, values in zip(frame.planes, (luma, u, v), strict=True):
            _fill(plane, values)
        return frame

    def _draw_background(self, name: str) -> Luma:
        rows = np.linspace(40, 110, self.height, dtype=np.uint8)[:, np.newaxis]
        luma: Luma = np.repeat(rows, self.width, axis=1)
        scale = max(1, min(self.width // 120, self.width // (CELL_WIDTH * max(1, len(name)))))
        _stamp(luma, text_mask(name, scale), self.height // 20, self.width // 40, 225)
        return luma

    def _draw_ball(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        size = self.height // BALL_SHARE // 2 * 2
        y, x = np.ogrid[:size, :size]
        inside: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (y - size / 2) ** 2 + (x - size / 2) ** 2 < (
            size / 2
        ) ** 2
        return inside

    def _ball_place(self, unix_ms: int) -> tuple[int, int]:
        phase = unix_ms / 1000 * self._speed
        size = self._ball.shape[0]
        top = self.height * 0.25 + (self.height * 0.3) * abs(math.sin(phase * 2.1))
        left = (self.width - size) * (0.5 + 0.5 * math.sin(phase))
        return int(top) // 2 * 2, int(left) // 2 * 2

    def _draw_time(self, luma: Luma, unix_ms: int) -> None:
        moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
        text = moment.strftime("%H:%M:%S.") + f"{unix_ms % 1000 // 100} UTC"
        _stamp(luma, text_mask(text, self._scale), self.height * 7 // 10, self.width // 40, 235)


def shown_name(name: str) -> str:
    """What of a name the letters can show; a name without any of them is called ROOM with a number of its own."""
    latin = " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in name).split())
    return latin[:24] if any(c.isalnum() for c in latin) else f"ROOM {zlib.crc32(name.encode()) % 10_000:04d}"


def unix_ms_now() -> int:
    """The wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


def _stamp(luma: Luma, mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]], top: int, left: int, value: int) -> None:
    part = luma[top : top + mask.shape[0], left : left + mask.shape[1]]
    part[mask[: part.shape[0], : part.shape[1]]] = value


def _fill(plane: object, values: Luma) -> None:
    line_size: int = plane.line_size  # type: ignore[attr-defined]
    if line_size == values.shape[1]:
        plane.update(values.tobytes())  # type: ignore[attr-defined]
        return
    rows = np.zeros((values.shape[0], line_size), np.uint8)
    rows[:, : values.shape[1]] = values
    plane.update(rows.tobytes())  # type: ignore[attr-defined]
