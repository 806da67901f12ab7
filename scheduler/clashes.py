"""Claims of rooms, teachers, classes and others on time, the clashes between them, free slots near a wished one.

Intervals are half-open: a lesson that ends at 9:10 does not clash with one that starts at 9:10.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from scheduler.errors import ClaimError
from scheduler.timetable import Slot

ResourceKind = Literal["room", "teacher", "class", "kit", "link", "relay"]
RESOURCE_KINDS: frozenset[str] = frozenset(get_args(ResourceKind))


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """A thing that can serve one lesson at a time. Raises ClaimError for an unknown kind or an empty id."""

    kind: ResourceKind
    id: str

    def __post_init__(self) -> None:
        if self.kind not in RESOURCE_KINDS:
            raise ClaimError(f"{self.kind!r} is not a kind of resource ({', '.join(sorted(RESOURCE_KINDS))})")
        if not self.id:
            raise ClaimError(f"a claimed {self.kind} has no id")


@dataclass(frozen=True, slots=True)
class Claim:
    """A resource taken by a lesson over [starts_at, ends_at); any aware times are taken and kept as UTC.

    Raises ClaimError for times without a zone or an interval that does not end after it starts.
    """

    resource: Resource
    starts_at: datetime
    ends_at: datetime
    lesson_id: str

    def __post_init__(self) -> None:
        # Two datetimes that share a zone compare by the wall clock, even across a clock change: UTC orders instants.
        object.__setattr__(self, "starts_at", to_utc(self.starts_at))
        object.__setattr__(self, "ends_at", to_utc(self.ends_at))
        if self.ends_at <= self.starts_at:
            raise ClaimError(f"lesson {self.lesson_id} must end after it starts ({self.starts_at} to {self.ends_at})")


@dataclass(frozen=True, slots=True)
class Clash:
    """A wanted claim and the booked one in its way: same resource, overlapping time, another lesson."""

    wanted: Claim
    booked: Claim

    @property
    def resource(self) -> Resource:
        """The resource both want."""
        return self.wanted.resource

    @property
    def starts_at(self) -> datetime:
        """Start of the overlap (UTC)."""
        return max(self.wanted.starts_at, self.booked.starts_at)

    @property
    def ends_at(self) -> datetime:
        """End of the overlap (UTC)."""
        return min(self.wanted.ends_at, self.booked.ends_at)


def to_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ClaimError for a time without a zone."""
    if at.utcoffset() is None:
        raise ClaimError(f"{at} has no time zone")
    return at.astimezone(UTC)


def find_clashes(wanted: Iterable[Claim], booked: Iterable[Claim]) -> tuple[Clash, ...]:
    """Every pair of a wanted and a booked claim that clash, each pair once.

    Claims of one lesson never clash here, so a lesson can be moved over its own old place. Sorted by resource, then by
    the times and lessons of both sides, so equal sets in any order give equal answers.
    """
    taken = _by_resource(booked)
    clashes = {
        Clash(claim, other)
        for claim in wanted
        for other in taken.get(claim.resource, _NOTHING).overlapping(claim.starts_at, claim.ends_at)
        if other.lesson_id != claim.lesson_id
    }
    return tuple(sorted(clashes, key=lambda clash: (*_order(clash.wanted), *_order(clash.booked))))


def find_double_claims(wanted: Iterable[Claim]) -> tuple[Clash, ...]:
    """Claims that clash inside one request, also of the same lesson (one room named twice); each pair once, sorted."""
    groups: dict[Resource, list[Claim]] = defaultdict(list)
    for claim in wanted:
        groups[claim.resource].append(claim)
    found: list[Clash] = []
    for resource in sorted(groups):
        open_claims: list[Claim] = []
        for claim in sorted(groups[resource], key=_order):
            open_claims = [other for other in open_claims if other.ends_at > claim.starts_at]
            found += [Clash(claim, other) for other in open_claims]
            open_claims.append(claim)
    return tuple(found)


def nearest_free(
    resources: Iterable[Resource],
    booked: Iterable[Claim],
    among: Iterable[Slot],
    near: datetime,
    *,
    not_before: datetime | None = None,
    except_lesson: str | None = None,
    limit: int = 3,
) -> tuple[Slot, ...]:
    """Up to `limit` of the given slots in which all the resources are free, nearest to `near` first.

    Distance is that of the starts; of two slots as near the earlier comes first. Slots that start before `not_before`
    are not offered. Claims of `except_lesson` (the one being moved) do not count. Raises ClaimError for times without
    a zone.
    """
    wish = to_utc(near)
    earliest = None if not_before is None else to_utc(not_before)
    needed = set(resources)
    taken = _by_resource(claim for claim in booked if claim.resource in needed and claim.lesson_id != except_lesson)
    free: set[Slot] = set()
    for slot in among:
        if earliest is not None and slot.starts_at < earliest:
            continue
        if all(not claims.overlapping(slot.starts_at, slot.ends_at) for claims in taken.values()):
            free.add(slot)
    ranked = sorted(free, key=lambda slot: (abs(slot.starts_at - wish), slot))
    return tuple(ranked[: max(limit, 0)])


class _Taken:
    """Claims of one resource, searchable by time; they may overlap each other (stores of counted resources do)."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = sorted(claims, key=_order)
        self._starts = [claim.starts_at for claim in self._claims]
        self._longest = max((claim.ends_at - claim.starts_at for claim in self._claims), default=None)

    def overlapping(self, starts_at: datetime, ends_at: datetime) -> list[Claim]:
        if self._longest is None:
            return []
        # A claim that started longer ago than the longest one lasts has ended.
        first = bisect_left(self._starts, starts_at - self._longest)
        last = bisect_left(self._starts, ends_at)
        return [claim for claim in self._claims[first:last] if claim.ends_at > starts_at]


def _by_resource(claims: Iterable[Claim]) -> Mapping[Resource, _Taken]:
    groups: dict[Resource, list[Claim]] = defaultdict(list)
    for claim in claims:
        groups[claim.resource].append(claim)
    return {resource: _Taken(group) for resource, group in groups.items()}


def _order(claim: Claim) -> tuple[Resource, datetime, datetime, str]:
    return (claim.resource, claim.starts_at, claim.ends_at, claim.lesson_id)


_NOTHING = _Taken(())
