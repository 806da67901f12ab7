"""Decodes the pictures of a lesson's files side by side and paints them onto one."""

from collections.abc import Iterator, Sequence

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame

from media.contract import HandoutSource
from media.recorder.handout.layout import HEIGHT, WIDTH, Place, places

Plane = npt.NDArray[np.uint8]
# Black in limited range (ITU-T H.264 annex E).
BLACK_LUMA, GREY_CHROMA = 16, 128


class PictureSource:
    """The pictures of one file in order; asked for times that only grow."""

    def __init__(self, source: HandoutSource, from_ms: int) -> None:
        """Begins at the key frame before `from_ms` of the lesson. Raises av.FFmpegError."""
        self._source = source
        self._container: InputContainer = av.open(source.path)
        own_ms = from_ms - source.offset_ms
        if own_ms > 0:
            self._container.seek(own_ms * 1000)
        self._frames: Iterator[VideoFrame] = self._container.decode(video=0)
        self._shown: VideoFrame | None = None
        self._next: VideoFrame | None = next(self._frames, None)
        self._painted: tuple[VideoFrame, Place, Plane, Plane, Plane] | None = None

    def paint(self, at_ms: int, place: Place, canvas: "Canvas") -> None:
        """Paint what was seen at that time of the lesson; nothing in a gap."""
        own_ms = at_ms - self._source.offset_ms
        while self._next is not None and self._next.time * 1000 <= own_ms:
            self._shown, self._next = self._next, next(self._frames, None)
        if self._shown is None or any(begin <= own_ms < end for begin, end in self._source.gaps):
            return
        canvas.put(place.fitted(self._shown.width, self._shown.height), self._planes(self._shown, place))

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _planes(self, frame: VideoFrame, place: Place) -> tuple[Plane, Plane, Plane]:
        known = self._painted
        if known is not None and known[0] is frame and known[1] == place:
            return known[2:]
        inner = place.fitted(frame.width, frame.height)
        scaled = frame.reformat(width=inner.width, height=inner.height, format="yuv420p").to_ndarray()
        planes = split_planes(scaled.astype(np.uint8, copy=False), inner.width, inner.height)
        self._painted = (frame, place, *planes)
        return planes


class Canvas:
    """The picture being painted."""

    def __init__(self) -> None:
        self._pixels = np.empty((HEIGHT * 3 // 2, WIDTH), np.uint8)
        self._luma, *self._chroma = split_planes(self._pixels, WIDTH, HEIGHT)
        self.clear()

    def clear(self) -> None:
        """All black."""
        self._luma[:] = BLACK_LUMA
        for plane in self._chroma:
            plane[:] = GREY_CHROMA

    def put(self, place: Place, planes: tuple[Plane, Plane, Plane]) -> None:
        """Put a picture of the place's size there."""
        self._luma[place.y : place.y + place.height, place.x : place.x + place.width] = planes[0]
        x, y, width, height = place.x // 2, place.y // 2, place.width // 2, place.height // 2
        for target, plane in zip(self._chroma, planes[1:], strict=True):
            target[y : y + height, x : x + width] = plane

    def frame(self) -> VideoFrame:
        """The picture as it is now."""
        return VideoFrame.from_ndarray(self._pixels, format="yuv420p")


def split_planes(pixels: Plane, width: int, height: int) -> tuple[Plane, Plane, Plane]:
    """Y, U and V of packed planar 4:2:0 pixels, shape (height * 3 / 2, width); views, not copies."""
    quarter = width * height // 4
    flat = pixels.reshape(-1)
    chroma = (height // 2, width // 2)
    return (
        flat[: 4 * quarter].reshape(height, width),
        flat[4 * quarter : 5 * quarter].reshape(chroma),
        flat[5 * quarter :].reshape(chroma),
    )


class Scene:
    """All pictures of a lesson on one canvas, from `from_ms` on; times only grow."""

    def __init__(self, sources: Sequence[HandoutSource], from_ms: int) -> None:
        self._sources = sources
        self._from_ms = from_ms
        self._open: dict[int, PictureSource] = {}
        self._canvas = Canvas()

    def at(self, at_ms: int) -> VideoFrame:
        """What is seen at that time. Raises av.FFmpegError."""
        now = places(self._sources, at_ms)
        for gone in set(self._open) - set(now):
            self._open.pop(gone).close()
        self._canvas.clear()
        for index, place in now.items():
            if index not in self._open:
                self._open[index] = PictureSource(self._sources[index], at_ms)
            self._open[index].paint(at_ms, place, self._canvas)
        return self._canvas.frame()

    def close(self) -> None:
        """Close all files."""
        for source in self._open.values():
            source.close()
        self._open.clear()
