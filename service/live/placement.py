"""Which relay carries a lesson: the same one for everybody who asks, without a table (rendezvous hashing)."""

import hashlib
from collections.abc import Sequence


class Placement:
    """Chooses among the configured relays; a relay added or gone moves only the lessons it gains or loses."""

    def __init__(self, relay_ids: Sequence[str]) -> None:
        if not relay_ids:
            raise ValueError("a deployment needs at least one relay")
        self._relay_ids = tuple(relay_ids)

    def relay_of(self, lesson_id: str) -> str:
        """Give the id of the relay that carries the lesson."""
        return max(self._relay_ids, key=lambda relay: hashlib.sha256(f"{relay}/{lesson_id}".encode()).digest())
