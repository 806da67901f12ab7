"""SIGKILL at ten random points of a lesson with real media: five while it runs, five while its files are made.

What was recorded up to a second before each kill is in the final files, on one timeline, and plays in Chromium.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from chromium_clock import ChromiumPlayer
from clocked_files import ClockedFile, read_file
from drilled_lesson import drilled_lesson, eventually, workers, writes
from running_product import Product, zone_where_it_is_morning

from media.recorder.journal import RecordKind, read_journal

SEED = 20_261_122
KILLS_IN_LESSON, KILLS_WHILE_MAKING = 5, 5
# The worker at the others: too many dead workers would be taken for a lesson that kills them.
SERVICE_KILLED_WHILE_MAKING = {1, 3, 4}
# Making takes a worker a fraction of a second: these kills wait until it writes, the others come while it begins.
KILLED_WHILE_IT_WRITES = {2, 3}
BEGINS_WITHIN_S = 0.25
# A room needs this long from joining until its picture is in the journal.
MEDIA_WITHIN_S = 60.0
RECORDED_UP_TO_S = 1.0
# Drawn, encoded, sent, received: a picture is this old at most when it is written.
UNDERWAY_S = 0.6


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    zone = {"THREE_CLASSROOMS_TIME_ZONE": str(zone_where_it_is_morning())}
    with Product.started(tmp_path / "data", **zone) as product:
        yield product


def pictures_since(folder: Path, began: float) -> float | None:
    """When the first picture of this run of the service was journalled, for each camera; the latest of them."""
    firsts = []
    for path in folder.glob("*.journal"):
        try:
            records = read_journal(path)
            header = next(records)
            if header.arrival_us / 1e6 < began or b'"camera"' not in header.body:
                continue
            firsts += [record.arrival_us / 1e6 for record in records if record.kind is RecordKind.PACKET][:1]
        except Exception:
            continue
    return max(firsts) if len(firsts) >= 2 else None


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_ten_kills_cost_at_most_a_second_each(product: Product, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    stints = []
    with drilled_lesson(product) as (county, lesson_id):
        journals = product.data_folder / "journals" / lesson_id
        began = time.time()
        for _ in range(KILLS_IN_LESSON):
            flowing = eventually(lambda: pictures_since(journals, began), MEDIA_WITHIN_S)  # noqa: B023
            time.sleep(chance.uniform(1.5, 3.0))
            killed_at = time.time()
            product.kill()
            stints.append((flowing, killed_at))
            began = time.time()
            product.start()
        with product.client(county.teacher.username, county.teacher.password) as teacher:
            assert teacher.post(f"/api/lessons/{lesson_id}/end").raise_for_status().json()["state"] == "ended"
    kill_while_making(product, chance)
    with product.client(county.teacher.username, county.teacher.password) as teacher:
        recording = eventually(lambda: finished(teacher, lesson_id), 120, 0.3)
        assert (recording["state"], recording["problem"]) == ("ready", None)
        files = fetched(teacher, recording, tmp_path / "files")
    for flowing, killed_at in stints:
        for file in files:
            newest = file.newest_before(killed_at)
            assert newest >= killed_at - RECORDED_UP_TO_S - UNDERWAY_S, (file.role, killed_at - newest)
        lead = next(file for file in files if file.role == "lead")
        assert lead.longest_break_s(flowing + 0.3, killed_at - RECORDED_UP_TO_S - UNDERWAY_S) < 0.5
    for file in files:
        assert_one_timeline(file)
    with ChromiumPlayer(tmp_path / "files") as player:
        for file in files:
            middles = [(flowing + killed_at) / 2 for flowing, killed_at in stints]
            seconds = [moment - file.begins_at for moment in middles]
            for moment, drawn_at in zip(middles, player.clocks(file.path.name, seconds), strict=True):
                assert drawn_at == pytest.approx(moment, abs=0.7), file.role
            assert player.plays_to_its_end(file.path.name) == pytest.approx(file.duration_ms / 1000, abs=0.5)


def kill_while_making(product: Product, chance: random.Random) -> None:
    """The worker and the whole service, in turn, each at a random point of the making; nobody has to ask again."""
    killed: set[int] = set()
    for number in range(KILLS_WHILE_MAKING):
        found = eventually(lambda: [pid for pid in workers(product) if pid not in killed], 60, 0.02)  # noqa: B023
        if number in KILLED_WHILE_IT_WRITES:
            eventually(lambda: any(writes(product, pid) for pid in found), 30, 0.001)  # noqa: B023
        else:
            time.sleep(chance.uniform(0.0, BEGINS_WITHIN_S))
        killed |= set(found)
        if number in SERVICE_KILLED_WHILE_MAKING:
            product.kill()
            product.start()
        else:
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def finished(client: Any, lesson_id: str) -> Any:
    recording = client.get(f"/api/lessons/{lesson_id}/recording").raise_for_status().json()
    return recording if recording["state"] in {"ready", "failed"} else None


def fetched(client: Any, recording: Any, folder: Path) -> list[ClockedFile]:
    from datetime import datetime

    folder.mkdir()
    origin_at = datetime.fromisoformat(recording["origin_at"]).timestamp()
    files = []
    for number, stream in enumerate(stream for stream in recording["streams"] if stream["has_picture"]):
        path = folder / f"{number}.{'mp4' if stream['content_type'] == 'video/mp4' else 'webm'}"
        path.write_bytes(client.get(stream["media_url"]).raise_for_status().content)
        files.append(read_file(path, origin_at, stream))
    assert len(files) >= 2
    return files


def assert_one_timeline(file: ClockedFile) -> None:
    """Every frame stands where it was drawn, never earlier, never going back, none twice."""
    late = sorted(frame.shown_at - frame.drawn_at for frame in file.frames)
    assert late[0] > -0.25, file.role
    assert late[-1] < 1.0, file.role
    assert late[len(late) * 9 // 10] - late[len(late) // 10] < 0.4, file.role
    assert all(later.drawn_at > earlier.drawn_at for earlier, later in pairwise(file.frames)), file.role
