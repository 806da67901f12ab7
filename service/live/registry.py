"""What the database remembers of the fleet: its relays, and the leads that are in open lessons."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select

from service.clock import Clock
from service.lessons.course import opens_on_relay
from service.lessons.tables import Lesson
from service.live.tables import RelayRow
from service.storage.database import Database
from service.usage.tables import AttendanceRow

REMEMBERED = timedelta(days=7)
"""A relay that was away for so long is not counted on any more."""
NOTED_EVERY = timedelta(minutes=1)


class RelayRegistry:
    """Blocks on the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: Mapping[str, int] = {}
        self._note_again_at = clock.now()

    def known(self) -> dict[str, int]:
        """Give the capacities of the relays this deployment has."""
        with self._database.reading() as session:
            recent = RelayRow.last_seen_at > self._clock.now() - REMEMBERED
            return {row.id: row.capacity for row in session.scalars(select(RelayRow).where(recent))}

    def note(self, capacities: Mapping[str, int]) -> None:
        """Remember the relays; writes when something changed, and once a minute."""
        now = self._clock.now()
        if capacities == self._noted and now < self._note_again_at:
            return
        with self._database.unit_of_work() as session:
            for relay_id, capacity in capacities.items():
                row = session.get(RelayRow, relay_id)
                if row is None:
                    session.add(RelayRow(id=relay_id, capacity=capacity, first_seen_at=now, last_seen_at=now))
                else:
                    row.capacity, row.last_seen_at = capacity, now
        self._noted, self._note_again_at = dict(capacities), now + NOTED_EVERY

    def leads_present(self) -> list[tuple[str, str]]:
        """List the lead connections of open lessons, as the log has them."""
        present = (
            select(AttendanceRow.lesson_id, AttendanceRow.open_connection)
            .join(Lesson, Lesson.id == AttendanceRow.lesson_id)
            .where(
                opens_on_relay(self._clock.now()),
                AttendanceRow.party_role == "lead",
                AttendanceRow.open_connection.is_not(None),
            )
        )
        with self._database.reading() as session:
            rows = session.execute(present).all()
        return [(lesson_id, connection_id) for lesson_id, connection_id in rows if connection_id]
