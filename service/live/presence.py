"""Which parties the relays report as connected, by lesson; what "a lead party is connected" is judged by."""

from collections import defaultdict

from media.contract import PartyJoined, PartyLeft


class Presence:
    """Connections in lessons, as told by the relays' events."""

    def __init__(self) -> None:
        self._leads: dict[str, set[str]] = defaultdict(set)

    def joined(self, event: PartyJoined) -> None:
        """A party came."""
        if event.role == "lead":
            self._leads[event.lesson_id].add(event.connection_id)

    def was_there(self, lesson_id: str, connection_id: str) -> None:
        """A lead party came before this process listened."""
        self._leads[lesson_id].add(connection_id)

    def left(self, event: PartyLeft) -> None:
        """A connection went."""
        leads = self._leads.get(event.lesson_id)
        if leads is not None:
            leads.discard(event.connection_id)
            if not leads:
                del self._leads[event.lesson_id]

    def lesson_over(self, lesson_id: str) -> None:
        """Nobody is in this lesson any more."""
        self._leads.pop(lesson_id, None)

    @property
    def lessons_with_lead(self) -> frozenset[str]:
        """The lessons in which a lead party is connected now."""
        return frozenset(self._leads)
