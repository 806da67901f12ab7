"""The product as a process with its real relay and headless rooms: killed mid-lesson, it forgets nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

START_WITHIN_S, RECORDING_WITHIN_S, LESSON_S = 90.0, 60.0, 12.0


@contextmanager
def serving(folder: Path, *, end_by: signal.Signals) -> Iterator[dict[str, Any]]:
    """`three-classrooms serve --demo` on free ports until the block is left; gives what READY says."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("THREE_CLASSROOMS_")}
    command = [sys.executable, "-m", "service.command_line", "serve", "--demo", "--port", "0", "--udp-port", "0"]
    with (folder / "output.txt").open("a") as output:
        start = output.tell()
        process = subprocess.Popen(
            [*command, "--data-folder", str(folder / "data")], stdout=output, stderr=output, env=environment
        )
    try:
        text = ""
        deadline = time.monotonic() + START_WITHIN_S
        while "READY {" not in text:
            assert process.poll() is None and time.monotonic() < deadline, text
            time.sleep(0.1)
            text = (folder / "output.txt").read_text()[start:]
        yield json.loads(re.search(r"READY (.*)", text)[1])  # type: ignore[index]
    finally:
        process.send_signal(end_by)
        try:
            process.wait(20)
        finally:
            process.kill()


@contextmanager
def signed_in_as(ready: dict[str, Any], role: str) -> Iterator[httpx.Client]:
    account = next(account for account in ready["accounts"] if account["role"] == role)
    with httpx.Client(base_url=ready["url"], trust_env=False, timeout=30) as client:
        answer = client.post("/api/session", json={name: account[name] for name in ("username", "password")})
        client.headers["X-CSRF-Token"] = answer.raise_for_status().json()["csrf_token"]
        yield client


def eventually(read: Callable[[], Any], within_s: float) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := read()):
        assert time.monotonic() < deadline, f"waited {within_s} s in vain"
        time.sleep(0.2)
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_service_loses_no_booking_no_usage_and_no_recording(tmp_path: Path) -> None:
    with serving(tmp_path, end_by=signal.SIGKILL) as ready:
        lesson_id = ready["lesson"]["id"]
        with signed_in_as(ready, "prefecture_administrator") as administrator:
            eventually(lambda: minutes(administrator, lesson_id, "room", 1), 60)
            time.sleep(LESSON_S)
            before = usage(administrator, lesson_id)
            time.sleep(1.0)
    with (
        serving(tmp_path, end_by=signal.SIGINT) as ready,
        signed_in_as(ready, "system_administrator") as administrator,
    ):
        after = usage(administrator, lesson_id)
        for party, item in before.items():
            assert after[party]["joins"] >= item["joins"]
            assert after[party]["lead_picture_minutes"] >= item["lead_picture_minutes"]
        lesson = administrator.get(f"/api/lessons/{lesson_id}").json()
        if lesson["state"] == "live":
            assert administrator.post(f"/api/lessons/{lesson_id}/end").json()["state"] == "ended"
        recording = eventually(lambda: finished(administrator, lesson_id), RECORDING_WITHIN_S)
        assert (recording["state"], len(recording["streams"])) == ("ready", 4)
        for stream in recording["streams"]:
            assert stream["duration_ms"] > (LESSON_S - 2) * 1000
            media = administrator.get(stream["media_url"], headers={"Range": "bytes=0-15"})
            assert (media.status_code, len(media.content)) == (206, 16)


def usage(client: httpx.Client, lesson_id: str) -> dict[str, Any]:
    items = client.get("/api/usage?limit=200").raise_for_status().json()["items"]
    return {item["school"] + item["room_or_person"]: item for item in items if item["lesson_id"] == lesson_id}


def minutes(client: httpx.Client, lesson_id: str, role: str, parties: int) -> bool:
    """Whether so many parties of the role were delivered the lead's picture and sound."""
    reached = [i for i in usage(client, lesson_id).values() if i["lead_picture_minutes"] and i["lead_sound_minutes"]]
    return sum(item["party_role"] == role for item in reached) >= parties


def finished(client: httpx.Client, lesson_id: str) -> Any:
    recording = client.get(f"/api/lessons/{lesson_id}/recording").raise_for_status().json()
    return recording if recording["state"] in {"ready", "failed"} else None
