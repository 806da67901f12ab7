"""The steps through the core that an input made it take, where the core was built to count them (`--coverage`)."""

import ctypes

PLACES = 1 << 16
CLASSES = bytes([0, *(1 << n for n, size in enumerate((1, 1, 1, 4, 8, 16, 96, 128)) for _ in range(size))])
"How often matters only roughly: once, twice, 3, 4-7, 8-15, 16-31, 32-127 times, more."


class Ways:
    """The map that `way_counts.c` fills; in an ordinary build no ways are ever told."""

    def __init__(self) -> None:
        try:
            self._counts: ctypes.Array[ctypes.c_uint8] | None = (ctypes.c_uint8 * PLACES).in_dll(
                ctypes.CDLL(None), "way_counts"
            )
        except ValueError:
            self._counts = None

    def clear(self) -> None:
        """Count from nought."""
        if self._counts is not None:
            ctypes.memset(self._counts, 0, PLACES)

    def taken(self) -> int:
        """The steps taken since `clear`, a bit for each and for how often."""
        return 0 if self._counts is None else int.from_bytes(bytes(self._counts).translate(CLASSES), "little")
