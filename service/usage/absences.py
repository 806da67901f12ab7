"""What a party missed of the lead while it was away against its will: dropped out, until it came back (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

ON_PURPOSE = frozenset({"left", "lesson_over"})
"""Reasons of leaving after which nobody misses anything."""


@dataclass(frozen=True)
class Sent:
    """For how long the lead sent sound and picture between two moments (Unix seconds)."""

    begin: float
    end: float
    sound_ms: int
    picture_ms: int


@dataclass
class Presence:
    """The connections of one party, fed in the order of the log."""

    away: list[tuple[float, float | None]] = field(default_factory=list)
    """From when until when it was away; None: it did not come back."""
    _connections: set[str] = field(default_factory=set)

    def came(self, connection_id: str, at: float) -> None:
        """A connection of the party began."""
        self._connections.add(connection_id)
        if self.away and self.away[-1][1] is None:
            self.away[-1] = (self.away[-1][0], max(at, self.away[-1][0]))

    def went(self, connection_id: str, reason: str, at: float) -> None:
        """A connection of the party ended."""
        known = connection_id in self._connections
        self._connections.discard(connection_id)
        if known and not self._connections and reason not in ON_PURPOSE:
            self.away.append((at, None))


def missed_while_away(sent: Iterable[Sent], begin: float, end: float) -> tuple[int, int]:
    """Milliseconds of the lead's sound and picture between two moments, evenly spread within each span."""
    sound = picture = 0.0
    for span in sent:
        length = span.end - span.begin
        share = (min(span.end, end) - max(span.begin, begin)) / length if length > 0 else 0.0
        if share > 0:
            sound += share * span.sound_ms
            picture += share * span.picture_ms
    return round(sound), round(picture)


def absences(presence: Presence, sent: Sequence[Sent]) -> list[tuple[float, float, int, int]]:
    """Begin, end, missed sound and picture (ms) of each time that the party was away while the lead sent."""
    over = max((span.end for span in sent), default=0.0)
    found = []
    for begin, back in presence.away:
        end = over if back is None else back
        sound, picture = missed_while_away(sent, begin, end)
        if sound or picture:
            found.append((begin, end, sound, picture))
    return found
