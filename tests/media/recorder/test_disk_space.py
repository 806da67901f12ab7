"""What is given up when space runs out, in which order, and that the rest goes on."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from media.recorder.disk_space import MIB, SpaceLevel, SpaceLimits, SpaceRule, given_up_at
from media.recorder.journal import JournalHeader, JournalWriter, RecordKind, read_journal
from media.recorder.journal_disk import JournalDisk, free_bytes

LIMITS = SpaceLimits(500, 400, 300, 200, 100)
SOURCES = [("room", "camera"), ("lead", "camera"), ("lead", "screen"), ("room", "microphone"), ("lead", "microphone")]


def header(source: str = "camera", role: str = "room") -> JournalHeader:
    kind = "audio" if source in {"microphone", "screen_audio"} else "video"
    return JournalHeader("l1", "room:r1", "三年级一班", role, "t1", source, kind, 1000.5)


@pytest.fixture
def disk() -> JournalDisk:
    return JournalDisk(flush_interval_s=0.01)


def kinds(path: Path) -> list[RecordKind]:
    return [record.kind for record in read_journal(path)]


@pytest.mark.parametrize(
    ("free", "level"),
    [(501, 0), (500, 0), (499, 1), (399, 2), (299, 3), (199, 4), (99, 5), (0, 5)],
)
def test_each_limit_begins_a_level(free: int, level: int) -> None:
    rule = SpaceRule(LIMITS)
    rule.saw(free, 0)
    assert rule.level == level


def test_rooms_pictures_go_first_and_the_leads_voice_last() -> None:
    levels = [given_up_at(role, source) for role, source in SOURCES]
    assert levels == sorted(levels)
    assert levels[0] is SpaceLevel.ROOM_PICTURES
    assert levels[-1] is SpaceLevel.ALL
    assert levels[1] == levels[2]
    assert given_up_at("teacher", "camera") is SpaceLevel.ROOM_PICTURES
    assert given_up_at("lead", "screen_audio") is SpaceLevel.ROOM_SOUND


def test_a_level_is_left_only_with_space_to_spare() -> None:
    rule = SpaceRule(LIMITS)
    rule.saw(399, 0)
    rule.saw(420, 1)
    assert rule.level is SpaceLevel.ROOM_PICTURES
    rule.saw(441, 2)
    assert rule.level is SpaceLevel.WARNED


def test_refused_writes_give_up_one_level_a_second_but_never_the_leads_voice() -> None:
    rule = SpaceRule(LIMITS)
    rule.saw(10_000, 0)
    levels = []
    for tenth in range(50):
        rule.was_refused(tenth / 10)
        levels.append(rule.level)
    assert sorted(set(levels)) == [2, 3, 4]
    assert all(later - earlier in {0, 1} for earlier, later in pairwise(levels))
    rule.saw(10_000, 20)
    assert rule.level is SpaceLevel.ROOM_SOUND
    rule.saw(10_000, 40)
    assert rule.level is SpaceLevel.WELL


@pytest.mark.parametrize("limits", [(1, 2, 1, 0, 0), (5, 4, 3, 2, -1)])
def test_limits_that_do_not_fall_are_refused(limits: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must fall"):
        SpaceLimits(*limits)


def test_what_is_given_up_is_a_pause_in_the_journal_and_nothing_dropped(tmp_path: Path, disk: JournalDisk) -> None:
    writer = JournalWriter(tmp_path / "t1.journal", header(), disk=disk, given_up_at=SpaceLevel.ROOM_PICTURES)
    writer.packet(1, b"one")
    disk.level = SpaceLevel.ROOM_PICTURES
    writer.packet(2, b"two")
    writer.packet(3, b"three")
    assert writer.given_up
    disk.level = SpaceLevel.WARNED
    writer.packet(4, b"four")
    assert writer.close(5)
    assert kinds(writer.path)[1:] == [
        RecordKind.PACKET,
        RecordKind.PAUSE,
        RecordKind.RESUME,
        RecordKind.PACKET,
        RecordKind.END,
    ]
    assert writer.dropped == 0
    disk.close()


def test_a_slow_disk_loses_rooms_pictures_before_the_leads_voice(tmp_path: Path) -> None:
    stalled = JournalDisk(flush_interval_s=60, queue_limit_bytes=60_000)
    tracks = [
        JournalWriter(tmp_path / f"{number}", header(source, role), disk=stalled, given_up_at=given_up_at(role, source))
        for number, (role, source) in enumerate(SOURCES)
    ]
    for at in range(40):
        for track, (_, source) in zip(tracks, SOURCES, strict=True):
            track.packet(at, bytes(100 if source == "microphone" else 1000))
    lost = [track.dropped for track in tracks]
    assert lost[0] > max(lost[1:3])
    assert min(lost[1:3]) > 0
    assert lost[3:] == [0, 0]
    for track in tracks:
        track.close(99, 0)
    stalled.close()
    assert all(kinds(track.path)[-1] is RecordKind.END for track in tracks)


@pytest.fixture
def longest_file(tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """Lets no file of this process get longer than that: a write beyond fails after its first part."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_half_way_leaves_whole_records_and_goes_on(
    tmp_path: Path, longest_file: Callable[[int], None]
) -> None:
    stopped = JournalDisk(flush_interval_s=600)
    writer = JournalWriter(tmp_path / "t1.journal", header(), disk=stopped)
    writer.packet(1, b"one")
    stopped.write([writer])
    longest_file(writer.path.stat().st_size + 1000)
    for at in range(40):
        writer.packet(2 + at, bytes(1000))
    stopped.write([writer])
    assert (writer.dropped, stopped.level) == (40, SpaceLevel.WELL)
    assert os.strerror(errno.EFBIG) in str(writer.problem)
    stopped.write([writer])
    assert writer.problem is not None
    longest_file(resource.RLIM_INFINITY)
    writer.packet(3, b"three")
    stopped.write([writer])
    assert writer.problem is None
    stopped.hurry()
    assert writer.close(4)
    stopped.close()
    assert [record.body for record in read_journal(writer.path)][1:] == [b"one", b"three", b""]


def test_a_write_refused_for_want_of_space_gives_up_rooms_pictures(tmp_path: Path) -> None:
    stopped = JournalDisk(flush_interval_s=600)
    writer = JournalWriter(tmp_path / "t1.journal", header(), disk=stopped)
    writer.packet(1, b"one")
    stopped.write([writer])
    with Path("/dev/full").open("wb") as full:
        writer.records.write_to(full.fileno(), 1)
        writer.packet(2, b"two")
        stopped.write([writer])
    assert (writer.dropped, stopped.level) == (1, SpaceLevel.ROOM_PICTURES)
    assert os.strerror(errno.ENOSPC) in str(writer.problem)
    writer.close(3, 0)
    stopped.close()


def test_the_disk_itself_is_looked_at(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "not" / "there" / "yet")
    assert free > MIB
    above = free * 2
    disk = JournalDisk(tmp_path / "journals", SpaceLimits(above, above, 1, 1, 0), flush_interval_s=0.01)
    disk.close()
    assert disk.level is SpaceLevel.ROOM_PICTURES
    assert disk.free_bytes == pytest.approx(free, rel=0.1)
