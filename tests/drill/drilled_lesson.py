"""A live lesson of two headless rooms on a product that is killed and started again under it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from county import County, make_county
from running_product import Product

ROOMS = Path(__file__).with_name("two_rooms.py")
PAIRED_WITHIN_S = 20.0


def eventually(read: Callable[[], Any], within_s: float, every_s: float = 0.1) -> Any:
    """What `read` gives once it gives something."""
    deadline = time.monotonic() + within_s
    while not (found := read()):
        assert time.monotonic() < deadline, f"waited {within_s} s in vain"
        time.sleep(every_s)
    return found


@contextmanager
def drilled_lesson(product: Product) -> Iterator[tuple[County, str]]:
    """The id of a lesson of two rooms; both come back by themselves whenever they are cut off."""
    county = make_county(product, 1)
    tokens = [_paired(product, school) for school in county.schools]
    lesson_id = _started(product, county)
    rooms = subprocess.Popen(
        [sys.executable, str(ROOMS), product.url, *tokens], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield county, lesson_id
    finally:
        rooms.kill()
        rooms.wait()


def workers(product: Product) -> list[int]:
    """Process ids of the workers that make files."""
    assert product.process is not None
    threads = Path(f"/proc/{product.process.pid}/task").iterdir()
    found = {int(pid) for thread in threads for pid in _read(thread / "children").split()}
    return sorted(pid for pid in found if b"spawn_main" in _read(Path(f"/proc/{pid}/cmdline")))


def writes(product: Product, pid: int) -> bool:
    """Whether that worker has a file of a recording open."""
    journals = product.data_folder / "journals"
    with suppress(OSError):  # it, or a file of it, is gone meanwhile
        opened = [descriptor.readlink() for descriptor in Path(f"/proc/{pid}/fd").iterdir()]
        return any(path.is_relative_to(product.data_folder) and not path.is_relative_to(journals) for path in opened)
    return False


def _started(product: Product, county: County) -> str:
    """Book the lesson for both rooms, accept it and start it."""
    lead, receiving = county.schools
    starts = datetime.now(UTC) + timedelta(minutes=5)
    with product.client(county.teacher.username, county.teacher.password) as teacher:
        request = {
            "kind": "synchronous",
            "title": "声音的特性",
            "subject": teacher.get("/api/subjects").raise_for_status().json()["items"][0]["code"],
            "grade": teacher.get("/api/grades").raise_for_status().json()["items"][0]["code"],
            "starts_at": starts.isoformat(),
            "ends_at": (starts + timedelta(minutes=40)).isoformat(),
            "lead_room_id": lead.room_id,
            "receivers": [{"room_id": receiving.room_id}],
        }
        lesson = teacher.post("/api/lessons", json=request).raise_for_status().json()
        path = f"/api/lessons/{lesson['id']}"
        account = receiving.administrator
        with product.client(account.username, account.password) as administrator:
            accept = f"{path}/receivers/{lesson['receivers'][0]['id']}/accept"
            administrator.post(accept).raise_for_status()
        teacher.post(f"{path}/start").raise_for_status()
    return str(lesson["id"])


def _paired(product: Product, school: Any) -> str:
    """Pair the school's room as a device would; its token."""
    with httpx.Client(base_url=product.url, timeout=30) as device:
        pairing = device.post("/api/device/pairing", json={}).raise_for_status().json()
        with product.client(school.administrator.username, school.administrator.password) as administrator:
            answer = administrator.post(f"/api/rooms/{school.room_id}/pairing", json={"code": pairing["code"]})
            answer.raise_for_status()

        def token() -> str:
            path = f"/api/device/pairing/{pairing['pairing_id']}"
            said = device.post(path, json={"secret": pairing["secret"]}).raise_for_status().json()
            return str(said.get("token", ""))

        return str(eventually(token, PAIRED_WITHIN_S))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone meanwhile
        return b""
