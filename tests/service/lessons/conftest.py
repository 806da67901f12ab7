"""A county with rooms, and lessons booked through the API."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture
def rooms(county: Any) -> Any:
    """Two rooms of the lead school and one of each other school; all paired but the second."""
    county.add_room("lead room", "school_north_1", paired=True)
    county.add_room("other lead room", "school_north_1")
    county.add_room("village room", "school_north_2", can_lead=False, paired=True)
    county.add_room("south room", "school_south_1", can_lead=False, paired=True)
    county.add_room("far room", "school_south_2", can_lead=False, paired=True)
    return county


@pytest.fixture
def lesson_request(rooms: Any, clock: Any) -> Callable[..., dict[str, Any]]:
    """A booking of the lead room with the given receiving rooms, an hour from now; fields can be replaced."""

    def make(*receivers: str, in_minutes: float = 60, minutes: float = 40, **fields: Any) -> dict[str, Any]:
        starts = clock.now() + timedelta(minutes=in_minutes)
        body = {
            "kind": "synchronous",
            "title": "分数的意义",
            "subject": "mathematics",
            "grade": "grade_5",
            "starts_at": iso(starts),
            "ends_at": iso(starts + timedelta(minutes=minutes)),
            "lead_room_id": rooms.rooms["lead room"].id,
            "receivers": [{"room_id": rooms.rooms[name].id} for name in receivers or ("south room",)],
        }
        return {key: value for key, value in (body | fields).items() if value is not None}

    return make
