"""HTTP byte ranges (RFC 9110 section 14) for one representation of known size: single ranges only."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


class RangeNotSatisfiableError(Exception):
    """The asked range lies wholly outside the representation; answer 416 with `Content-Range: bytes */size`."""


@dataclass(frozen=True)
class ByteRange:
    """The half-open range [start, stop) of bytes, never empty."""

    start: int
    stop: int

    @property
    def length_bytes(self) -> int:
        """The number of bytes in the range."""
        return self.stop - self.start

    def content_range(self, size_bytes: int) -> str:
        """Give the value of the Content-Range header (last position inclusive)."""
        return f"bytes {self.start}-{self.stop - 1}/{size_bytes}"


def parse_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """Read a Range header for a representation of `size_bytes`.

    Gives None when the whole representation is to be sent: no header, another unit, several ranges or bad
    syntax, all of which a server may ignore (RFC 9110 14.2). Raises RangeNotSatisfiableError for a valid
    range with nothing in it.
    """
    match = _RANGE.fullmatch(header) if header else None
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        return _suffix(int(match[2]), size_bytes)
    start = int(match[1])
    stop = int(match[2]) + 1 if match[2] else size_bytes
    if match[2] and stop <= start:
        return None
    if start >= size_bytes:
        raise RangeNotSatisfiableError
    return ByteRange(start, min(stop, size_bytes))


def applies(if_range: str | None, etag: str) -> bool:
    """Tell whether a Range is to be honoured under If-Range: only a strong match of the entity tag counts."""
    return if_range is None or if_range.strip() == etag


def _suffix(length_bytes: int, size_bytes: int) -> ByteRange:
    if length_bytes == 0 or size_bytes == 0:
        raise RangeNotSatisfiableError
    return ByteRange(max(0, size_bytes - length_bytes), size_bytes)
