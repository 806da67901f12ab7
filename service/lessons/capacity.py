"""What a lesson takes of things that are counted: links and receiving kits of schools, receiving rooms of a relay.

The figures are those the plans are made with: a lead room sends LEAD_KBPS up its school's link, each receiving room
takes RECEIVE_KBPS down its school's link and one of its receiving kits. A school without a row in `school_capacities`
is not limited; neither is a relay without a limit in the settings.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.instance.snapshot import LEAD_KBPS, RECEIVE_KBPS
from service.lessons.desk import Limits
from service.lessons.tables import Lesson, Receiver
from service.planning.tables import SchoolCapacity

CountedKind = Literal["kit", "link_up", "link_down", "relay"]
BUCKET_S = 300
"""Counted things are counted for every five minutes."""


@dataclass(frozen=True, order=True)
class Counted:
    """A thing of which only so much can be in use at one time."""

    kind: CountedKind
    id: str


@dataclass(frozen=True)
class Amount:
    """How much of a counted thing a lesson takes, and how much of it there is (kbit/s for links, else pieces)."""

    counted: Counted
    amount: int
    cap: int


def buckets_of(starts_at: datetime, ends_at: datetime) -> range:
    """The five-minute buckets (Unix time / 300) that [starts_at, ends_at) touches."""
    first = int(starts_at.timestamp()) // BUCKET_S
    return range(first, max(-(-int(ends_at.timestamp()) // BUCKET_S), first + 1))


def bucket_start(bucket: int) -> datetime:
    """When a bucket begins (UTC)."""
    return datetime.fromtimestamp(bucket * BUCKET_S, UTC)


def wanted_amounts(session: Session, lesson: Lesson, limits: Limits) -> tuple[Amount, ...]:
    """List what the lesson takes of limited things, sorted; receivers that have not answered count."""
    receiving = Counter(receiver.room.organisation_id for receiver in lesson.receivers if receiver.counts)
    schools = {lesson.lead_school_id, *receiving}
    rows = session.scalars(select(SchoolCapacity).where(SchoolCapacity.organisation_id.in_(schools)))
    amounts = [amount for row in rows for amount in _of_school(row, receiving, lesson.lead_school_id)]
    rooms = receiving.total()
    if limits.relay_of is not None and limits.relay_rooms is not None and rooms:
        amounts.append(Amount(Counted("relay", limits.relay_of(lesson.id)), rooms, limits.relay_rooms))
    return tuple(sorted(amounts, key=lambda amount: amount.counted))


def share_of_receiver(receiver: Receiver) -> dict[tuple[CountedKind, str | None], int]:
    """What one receiver adds to its lesson's amounts, by kind and id; the relay is whichever the lesson is on."""
    school = receiver.room.organisation_id
    return {("kit", school): 1, ("link_down", school): RECEIVE_KBPS, ("relay", None): 1}


def _of_school(row: SchoolCapacity, receiving: Counter[str], lead_school_id: str) -> Iterator[Amount]:
    school, rooms = row.organisation_id, receiving[row.organisation_id]
    if school == lead_school_id:
        yield Amount(Counted("link_up", school), LEAD_KBPS, row.up_kbps)
    if rooms:
        yield Amount(Counted("kit", school), rooms, row.receiving_kits)
        yield Amount(Counted("link_down", school), rooms * RECEIVE_KBPS, row.down_kbps)
