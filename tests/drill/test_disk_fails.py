"""A disk that fills up and one that fails writes: what can be kept is, in the right order, and it says so in time."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from made_journals import read_tenths

SCRIPT = Path(__file__).with_name("lesson_on_a_small_disk.py")
ROOT = SCRIPT.parents[2]
MOUNT = 'mount -t tmpfs -o size=6m none "$0" && mkdir "$0/journals" && exec "$@"'


def play(tmp_path: Path, way: str, *wrapped: str) -> dict[str, Any]:
    (tmp_path / "disk").mkdir()
    command = [sys.executable, str(SCRIPT), str(tmp_path / "disk" / "journals"), str(tmp_path / "made"), way]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    done = subprocess.run([*wrapped, *command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def stream(said: dict[str, Any], role: str) -> dict[str, Any]:
    (found,) = [one for one in said["streams"] if one["role"] == role]
    return found


def pictures(tmp_path: Path, said: dict[str, Any], role: str) -> list[float]:
    """Seconds of the lesson at which there is a picture; each shows the tenth of a second it was drawn in."""
    found = stream(said, role)
    seconds = []
    with av.open(str(tmp_path / "made" / found["file_name"])) as container:
        for frame in container.decode(video=0):
            second = frame.time + found["offset_ms"] / 1000
            assert read_tenths(frame.to_ndarray(format="rgb24")) / 10 == pytest.approx(second, abs=0.12)
            seconds.append(second)
    return seconds


def sound_breaks(tmp_path: Path, said: dict[str, Any], role: str) -> set[int]:
    """The whole seconds that begin without their beep."""
    import numpy as np

    found = stream(said, role)
    with av.open(str(tmp_path / "made" / found["file_name"])) as container:
        chunks = [(frame.time, np.abs(frame.to_ndarray()[0]).max()) for frame in container.decode(audio=0)]
    loud = {round(time + found["offset_ms"] / 1000) for time, peak in chunks if peak > 0.1 and (time % 1 < 0.5)}
    return set(range(10)) - loud


def test_a_disk_that_fills_up_loses_pictures_first_and_the_leads_voice_never(tmp_path: Path) -> None:
    said = play(tmp_path, "fills", "unshare", "-rm", "sh", "-c", MOUNT, str(tmp_path / "disk"))
    assert said["told"] == [None, "space_room_pictures", "space_lead_pictures", "space_room_sound", None]
    assert said["longest_call_s"] < 0.25
    room, lead = pictures(tmp_path, said, "room"), pictures(tmp_path, said, "lead")
    assert not [second for second in room if 2.1 < second < 7.9]
    assert [second for second in room if second < 2]
    assert [second for second in room if second > 8]
    assert len([second for second in lead if second < 4]) == 60
    assert not [second for second in lead if 4.1 < second < 7.9]
    assert [second for second in lead if second > 8]
    assert sound_breaks(tmp_path, said, "lead") == set()
    assert {6, 7} <= sound_breaks(tmp_path, said, "room") <= {6, 7, 8}
    assert stream(said, "room")["gaps"]


def test_a_disk_that_fails_writes_costs_what_it_refused_and_nothing_else(tmp_path: Path) -> None:
    said = play(tmp_path, "refuses")
    assert said["told"] == [None, "write_failed", None]
    assert said["longest_call_s"] < 0.25
    lead = pictures(tmp_path, said, "lead")
    assert len([second for second in lead if second < 4]) == 60
    assert len([second for second in lead if second >= 8]) == 60
    assert stream(said, "lead")["gaps"]
