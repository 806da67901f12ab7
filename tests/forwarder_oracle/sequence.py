"""Sequence numbers: 16 bits on the wire become extended numbers, and forwarded streams are renumbered without gaps."""

from collections import deque

_MAX_STEPS = 64
# A wider gap is a new start of the publisher; passing it on would break the receiver's rollover guess.
MAX_GAP = 1000


class SequenceUnroller:
    """Extends 16-bit numbers to the nearest extended number of the highest seen."""

    def __init__(self, first_seq: int) -> None:
        # One cycle up, so that packets older than the first stay positive.
        self.highest = first_seq + 0x10000

    def extend(self, seq: int) -> int:
        """Return the extended number; `highest` moves only by `advance`."""
        return self.highest + (((seq - self.highest) + 0x8000) & 0xFFFF) - 0x8000

    def advance(self, ext_seq: int) -> None:
        """Take note of an accepted number."""
        self.highest = max(self.highest, ext_seq)


class SequenceMap:
    """Renumbers a source for one receiver so that what is left out on purpose leaves no gap, and losses still do."""

    def __init__(self, last_out: int) -> None:
        """Start so that the first forwarded packet gets `last_out` + 1."""
        self.last_out = last_out
        self._highest_in = -1
        # (first source number, what to add from there on), oldest first
        self._steps: deque[tuple[int, int]] = deque(maxlen=_MAX_STEPS)

    def restart(self) -> None:
        """The next packet, whatever its number, follows the last one sent; older ones are no longer mapped."""
        self._steps.clear()
        self._highest_in = -1

    def forward(self, ext_seq: int) -> int | None:
        """Return the receiver's extended number, None for a packet from before the start. Each number only once."""
        if self._steps and ext_seq - self._highest_in > MAX_GAP:
            self.restart()
        if not self._steps:
            self._steps.append((ext_seq, self.last_out + 1 - ext_seq))
        for first, offset in reversed(self._steps):
            if first <= ext_seq:
                self._highest_in = max(self._highest_in, ext_seq)
                self.last_out = max(self.last_out, ext_seq + offset)
                return ext_seq + offset
        return None

    def leave_out(self, ext_seq: int) -> bool:
        """Close the gap that a packet would leave; False if later ones went out already and it must be forwarded."""
        if self._steps and ext_seq - self._highest_in > MAX_GAP:
            self.restart()
        if not self._steps:
            self._steps.append((ext_seq + 1, self.last_out - ext_seq))
            self._highest_in = ext_seq
            return True
        if ext_seq <= self._highest_in:
            return ext_seq < self._steps[0][0]
        self._highest_in = ext_seq
        self._steps.append((ext_seq + 1, self._steps[-1][1] - 1))
        return True

    def source_of(self, out_ext_seq: int) -> int | None:
        """Return the source's number of a packet sent under `out_ext_seq`, None if unknown or forgotten."""
        below = None
        for first, offset in reversed(self._steps):
            ext_seq = out_ext_seq - offset
            if ext_seq >= first and (below is None or ext_seq < below):
                return ext_seq
            below = first
        return None
