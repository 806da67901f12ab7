"""Single relaxations of a rule ("one seat more in this series") and the instance with one of them applied."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from scheduler.errors import SnapshotError
from scheduler.instance.snapshot import LEAD_KBPS, RECEIVE_KBPS, Snapshot
from scheduler.pairing.rules import Rule


@dataclass(frozen=True, slots=True, order=True)
class Relaxation:
    """One more of what a rule counts, for one teacher, series, school or relay node."""

    rule: Rule
    resource: str

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def relax(snapshot: Snapshot, relaxation: Relaxation) -> Snapshot:
    """The instance with that one relaxation. Raises SnapshotError for a rule that no single number stands for."""
    if relaxation.rule not in _RELAXED:
        raise SnapshotError(f"{relaxation.rule} is not relaxed by one more of anything")
    part, change = _RELAXED[relaxation.rule]
    entries = getattr(snapshot, part)
    changed: dict[str, Any] = {part: tuple(change(one) if one.id == relaxation.resource else one for one in entries)}
    return replace(snapshot, **changed)


def _one_more_room(school: Any) -> Any:
    """One kit more, and link for it: the smaller of both decides how many lessons a school receives at once."""
    cap = school.receiving_cap + 1
    return replace(school, kits=max(school.kits, cap), down_kbps=max(school.down_kbps, cap * RECEIVE_KBPS))


_RELAXED: Mapping[Rule, tuple[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        Rule.LESSON_FULL: ("series", lambda series: replace(series, seats=series.seats + 1)),
        Rule.SERIES_LIMIT: ("series", lambda series: replace(series, lessons=series.lessons + 1)),
        Rule.TEACHER_LIMIT: ("teachers", lambda teacher: replace(teacher, weekly_limit=teacher.weekly_limit + 1)),
        Rule.SCHOOL_FULL: ("schools", _one_more_room),
        Rule.UPLINK_FULL: (
            "schools",
            lambda school: replace(school, up_kbps=(school.leading_cap + 1) * LEAD_KBPS),
        ),
        Rule.RELAY_FULL: ("nodes", lambda node: replace(node, room_cap=node.room_cap + 1)),
    }
)
RELAXABLE = frozenset(_RELAXED)
