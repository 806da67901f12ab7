"""A lesson booked, accepted and started through the API, for tests whose story begins in the middle of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from county import County
from running_product import Installation


@dataclass(frozen=True)
class RunningLesson:
    """A lesson that is live; `path` is its page."""

    id: str
    title: str

    @property
    def path(self) -> str:
        """Its page's path."""
        return f"/lessons/{self.id}"


def start_lesson(product: Installation, county: County, receiving: int, title: str = "声音的特性") -> RunningLesson:
    """Book a lesson for the first `receiving` receiving schools, accept it for each and start it."""
    with product.client(county.teacher.username, county.teacher.password) as teacher:
        lesson = _book(teacher, county, receiving, title)
        for receiver, school in zip(lesson["receivers"], county.schools[1:], strict=False):
            account = school.administrator
            with product.client(account.username, account.password) as administrator:
                accept = f"/api/lessons/{lesson['id']}/receivers/{receiver['id']}/accept"
                administrator.post(accept).raise_for_status()
        teacher.post(f"/api/lessons/{lesson['id']}/start").raise_for_status()
    return RunningLesson(lesson["id"], title)


def _book(teacher: httpx.Client, county: County, receiving: int, title: str) -> dict[str, Any]:
    starts = datetime.now(UTC) + timedelta(minutes=5)
    subject = teacher.get("/api/subjects").raise_for_status().json()["items"][0]["code"]
    grade = teacher.get("/api/grades").raise_for_status().json()["items"][0]["code"]
    request = {
        "kind": "synchronous",
        "title": title,
        "subject": subject,
        "grade": grade,
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(minutes=40)).isoformat(),
        "receivers": [{"room_id": school.room_id} for school in county.schools[1 : receiving + 1]],
    }
    return dict(teacher.post("/api/lessons", json=request).raise_for_status().json())
