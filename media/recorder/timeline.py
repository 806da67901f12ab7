"""Everything one party showed and said, from all its journals, on one timeline."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from media.recorder.frames import Happening
from media.recorder.native.reading import FrameReader
from media.recorder.track_clock import TrackClock, TrackScan

FOREVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class Track:
    """A journal with what is needed to play it: its clock, and when the next connection took its place."""

    scan: TrackScan
    clock: TrackClock
    until_us: int = FOREVER_US


def in_succession(scans: list[TrackScan], delays_us: dict[Path, int]) -> list[Track]:
    """Journals of one source of one party in order; each ends where the next begins (a party has one connection)."""
    ordered = sorted((scan for scan in scans if scan.packets), key=lambda scan: (scan.first_arrival_us, scan.path))
    ends = [following.first_arrival_us for following in ordered[1:]] + [FOREVER_US]
    return [
        Track(scan, TrackClock(scan, delays_us.get(scan.path)), end) for scan, end in zip(ordered, ends, strict=False)
    ]


def happenings(tracks: list[Track], looked_through: Callable[[int], None]) -> Iterator[Happening]:
    """Frames of the tracks one after the other, times never falling. `looked_through` is told each journal's size."""
    last_us = 0
    for track in tracks:
        scan = track.scan
        video = scan.header.kind == "video"
        reader = FrameReader(scan.path, video, track.clock.points(), last_us, track.until_us, scan.shift_us)
        yield from reader
        last_us = reader.last_us
        looked_through(scan.size_bytes)


def merged(pictures: Iterator[Happening], sounds: Iterator[Happening]) -> Iterator[Happening]:
    """Both in order of time, pictures before sounds of the same moment."""
    picture, sound = next(pictures, None), next(sounds, None)
    while picture is not None and sound is not None:
        if sound.time_us < picture.time_us:
            yield sound
            sound = next(sounds, None)
        else:
            yield picture
            picture = next(pictures, None)
    for first, rest in ((picture, pictures), (sound, sounds)):
        if first is not None:
            yield first
            yield from rest
