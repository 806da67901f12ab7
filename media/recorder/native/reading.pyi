from collections.abc import Iterator
from pathlib import Path
from typing import Self

from typing_extensions import disjoint_base

from media.recorder.frames import Happening

@disjoint_base
class JournalReader:
    def __new__(cls, path: Path, *_others: object) -> Self: ...
    def scan(
        self,
    ) -> tuple[int, int, int, list[tuple[int, list[tuple[int, int]], list[tuple[int, int]], int | None]]]: ...

@disjoint_base
class FrameReader(JournalReader):
    def __new__(
        cls,
        path: Path,
        video: bool,
        clocks: list[tuple[int, list[int], list[int]]],
        after_us: int,
        until_us: int,
        shift_us: int = 0,
    ) -> Self: ...
    @property
    def last_us(self) -> int: ...
    def __iter__(self) -> Iterator[Happening]: ...
    def __next__(self) -> Happening: ...
