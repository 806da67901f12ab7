"""Bytes that decide: what a fuzz target would leave to chance is read from its input, so that inputs can be kept."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class ScriptEndedError(Exception):
    """The input has nothing more to decide: the target is done with it."""


class Script:
    """Answers the questions of `random.Random` that the targets ask, from the bytes of an input."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def randrange(self, end: int) -> int:
        """A number below `end`, from as many bytes as that takes."""
        size = max((end - 1).bit_length() + 7 >> 3, 1)
        if self._at >= len(self._data):
            raise ScriptEndedError
        number = int.from_bytes(self._data[self._at : self._at + size])
        self._at += size
        return number % end

    def randint(self, first: int, last: int) -> int:
        """A number from `first` to `last`."""
        return first + self.randrange(last - first + 1)

    def random(self) -> float:
        """A share, in steps of 1/256."""
        return self.randrange(256) / 256

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.randrange(len(options))]

    def choices(self, options: Sequence[T], weights: Sequence[int]) -> list[T]:
        """A list of one of the options, by weight."""
        return [self.choice([option for option, weight in zip(options, weights, strict=True) for _ in range(weight)])]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """So many different options."""
        left = list(options)
        return [left.pop(self.randrange(len(left))) for _ in range(count)]

    def randbytes(self, count: int) -> bytes:
        """The next bytes; past the end they are zero."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken + bytes(count - len(taken))
