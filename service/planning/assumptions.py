"""What-if questions: one global assumption of an instance changed by so much, everything else as it was."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

from scheduler.instance.snapshot import LEAD_KBPS, RECEIVE_KBPS, Snapshot

Assumption = Literal[
    "teacher_weekly_limit", "seats_per_lesson", "dedicated_lessons", "receiving_rooms", "bandwidth", "relay_rooms"
]

_CHANGES: Mapping[str, tuple[str, Callable[[Any, int], Any]]] = MappingProxyType(
    {
        "teacher_weekly_limit": ("teachers", lambda one, by: replace(one, weekly_limit=max(0, one.weekly_limit + by))),
        "seats_per_lesson": ("series", lambda one, by: replace(one, seats=max(1, one.seats + by))),
        "dedicated_lessons": (
            "series",
            lambda one, by: replace(one, lessons=max(1, one.lessons + by)) if one.kind == "dedicated" else one,
        ),
        "receiving_rooms": ("schools", lambda one, by: replace(one, kits=max(0, one.kits + by))),
        "bandwidth": (
            "schools",
            lambda one, by: replace(
                one,
                down_kbps=max(0, one.down_kbps + by * RECEIVE_KBPS),
                up_kbps=max(0, one.up_kbps + by * LEAD_KBPS),
            ),
        ),
        "relay_rooms": ("nodes", lambda one, by: replace(one, room_cap=max(0, one.room_cap + 100 * by))),
    }
)


def changed(snapshot: Snapshot, assumption: Assumption, by: int) -> Snapshot:
    """The instance with the assumption changed for every teacher, series, school or relay.

    `by` is in lessons, seats or rooms; for bandwidth in streams (4 Mbit/s down and 6 Mbit/s up each), for relays in
    hundreds of rooms.
    """
    part, change = _CHANGES[assumption]
    entries: dict[str, Any] = {part: tuple(change(one, by) for one in getattr(snapshot, part))}
    return replace(snapshot, name=f"{snapshot.name} · {assumption} {by:+d}", **entries)
