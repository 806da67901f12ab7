"""Which relay carries a lesson: by hash in one process, by free capacity in a fleet."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.orm import Session

from service.live.fleet import Fleet
from service.live.tables import LessonPlacement
from service.storage.database import Database
from service.storage.many import one_of

FLEET = "fleet"
"""What bookings reserve relay capacity of when there are several relays: which one carries it is decided at start."""


@dataclass(frozen=True)
class Load:
    """An open lesson as placement sees it: how much of a relay it takes, and whether it runs."""

    lesson_id: str
    parties: int
    is_live: bool


@dataclass(frozen=True)
class Placed:
    """Where lessons are, and where closed ones still have to be ended."""

    relays: Mapping[str, str]
    left_over: Mapping[str, str]


class Placement(Protocol):
    """Decides once, tells always the same until a relay is lost or leaves."""

    def decide(self, loads: Sequence[Load], now: datetime) -> Placed:
        """Place what has no relay or a lost one; for the leading process. Blocks on the database."""

    def look_up(self, lesson_ids: Collection[str]) -> Mapping[str, str]:
        """Give the relays of lessons as decided; for the others. Blocks on the database."""

    def closed(self, lesson_id: str) -> None:
        """The lesson's relay was told that it is over. Blocks on the database."""

    def can_hand_over(self, relay_id: str) -> bool:
        """Whether the relay is still there to carry a lesson until its clients have moved."""


class HashPlacement:
    """Chooses among the configured relays without a table (rendezvous hashing)."""

    def __init__(self, relay_ids: Sequence[str]) -> None:
        if not relay_ids:
            raise ValueError("a deployment needs at least one relay")
        self._relay_ids = tuple(relay_ids)

    def relay_of(self, lesson_id: str) -> str:
        """Give the id of the relay that carries the lesson."""
        return max(self._relay_ids, key=lambda relay: hashlib.sha256(f"{relay}/{lesson_id}".encode()).digest())

    def decide(self, loads: Sequence[Load], now: datetime) -> Placed:
        """Nothing is kept: the same answer every time."""
        return Placed({load.lesson_id: self.relay_of(load.lesson_id) for load in loads}, {})

    def look_up(self, lesson_ids: Collection[str]) -> Mapping[str, str]:
        """The same answer every time."""
        return {lesson_id: self.relay_of(lesson_id) for lesson_id in lesson_ids}

    def closed(self, lesson_id: str) -> None:
        """Nothing is kept."""

    def can_hand_over(self, relay_id: str) -> bool:
        """No lesson ever moves."""
        return False


class FleetPlacement:
    """Keeps each open lesson's relay in the database; new ones go where most is free."""

    def __init__(self, database: Database, fleet: Fleet) -> None:
        self._database = database
        self._fleet = fleet

    def decide(self, loads: Sequence[Load], now: datetime) -> Placed:
        """Place what has no relay, a lost or leaving one, or one that drains before the lesson has begun.

        Nothing is placed before all relays had the time to be heard.
        """
        with self._database.reading() as session:
            rows = _relays(session)
        by_id = {load.lesson_id: load for load in loads}
        placed = {lesson_id: relay for lesson_id, relay in rows.items() if lesson_id in by_id}
        carriers = self._fleet.carriers() if self._fleet.has_heard_all else {}
        homeless = [load for load in loads if self._must_move(load, placed.get(load.lesson_id))] if carriers else []
        if homeless:
            homes = spread(homeless, loads, placed, carriers)
            with self._database.unit_of_work() as session:
                _write(session, homes, now)
            placed |= homes
        return Placed(placed, {lesson_id: relay for lesson_id, relay in rows.items() if lesson_id not in by_id})

    def look_up(self, lesson_ids: Collection[str]) -> Mapping[str, str]:
        """Read what the leading process decided."""
        with self._database.reading() as session:
            return _relays(session, _of(session, lesson_ids))

    def closed(self, lesson_id: str) -> None:
        """Forget where it was."""
        with self._database.unit_of_work() as session:
            session.execute(delete(LessonPlacement).where(LessonPlacement.lesson_id == lesson_id))

    def can_hand_over(self, relay_id: str) -> bool:
        """Whether it was heard a moment ago."""
        return self._fleet.is_heard(relay_id)

    def _must_move(self, load: Load, relay_id: str | None) -> bool:
        if relay_id is None or relay_id in self._fleet.leaving() or self._fleet.is_lost(relay_id):
            return True
        return not load.is_live and relay_id in self._fleet.draining()


def spread(
    homeless: Sequence[Load], loads: Sequence[Load], placed: Mapping[str, str], carriers: Mapping[str, int]
) -> dict[str, str]:
    """Give each homeless lesson the relay that is least used for its capacity; large lessons choose first."""
    moving = {load.lesson_id for load in homeless}
    used = dict.fromkeys(carriers, 0)
    for load in loads:
        relay = placed.get(load.lesson_id)
        if relay in used and load.lesson_id not in moving:
            used[relay] += load.parties
    homes = {}
    for load in sorted(homeless, key=lambda load: (-load.parties, load.lesson_id)):
        relay = min(used, key=lambda one: ((used[one] + load.parties) / max(carriers[one], 1), one))
        used[relay] += load.parties
        homes[load.lesson_id] = relay
    return homes


def _of(session: Session, lesson_ids: Collection[str]) -> ColumnElement[bool]:
    return one_of(session, cast(Table, LessonPlacement.__table__).c.lesson_id, list(lesson_ids))


def _relays(session: Session, *conditions: ColumnElement[bool]) -> dict[str, str]:
    """By lesson; plain columns, for hundreds are read twice a second."""
    chosen = select(LessonPlacement.lesson_id, LessonPlacement.relay_id).where(*conditions)
    return {row.lesson_id: row.relay_id for row in session.execute(chosen)}


def _write(session: Session, homes: Mapping[str, str], now: datetime) -> None:
    known = {row.lesson_id: row for row in session.scalars(select(LessonPlacement).where(_of(session, homes)))}
    for lesson_id, relay_id in homes.items():
        row = known.get(lesson_id)
        if row is None:
            session.add(LessonPlacement(lesson_id=lesson_id, relay_id=relay_id, placed_at=now))
        elif row.relay_id != relay_id:
            row.relay_id, row.placed_at, row.moves = relay_id, now, row.moves + 1
