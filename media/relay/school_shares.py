"""How much of its school's line each receiving connection may take, over all lessons of this relay."""

from collections import defaultdict

from media.contract import SchoolLine
from media.line.school import split_fairly

USED_SHARE = 0.95
"What is left for the headers below UDP and for signalling."


class SchoolShares:
    """Shares are made anew by `split`, about twice a second."""

    def __init__(self) -> None:
        self._lines: dict[str, SchoolLine] = {}
        self._demands_bps: dict[str, float] = {}
        self._shares_bps: dict[str, float] = {}

    def open(self, connection_id: str, line: SchoolLine | None) -> None:
        """A connection came, from a school with this line; None: its line is not limited."""
        if line is not None and line.down_kbps > 0:
            self._lines[connection_id] = line

    def close(self, connection_id: str) -> None:
        """The connection is gone."""
        for kept in (self._lines, self._demands_bps, self._shares_bps):
            kept.pop(connection_id, None)

    def note_demand(self, connection_id: str, demand_bps: float) -> None:
        """What the connection would take if nothing held it back."""
        if connection_id in self._lines:
            self._demands_bps[connection_id] = demand_bps

    def ceiling_bps(self, connection_id: str) -> float | None:
        """The connection's share; None: not limited."""
        return self._shares_bps.get(connection_id)

    def split(self) -> None:
        """Share each school's line among its connections."""
        by_school: dict[str, list[str]] = defaultdict(list)
        for connection_id, line in self._lines.items():
            by_school[line.school_id].append(connection_id)
        for connection_ids in by_school.values():
            total = USED_SHARE * 1000 * max(self._lines[one].down_kbps for one in connection_ids)
            demands = {one: self._demands_bps.get(one, 0.0) for one in connection_ids}
            self._shares_bps.update(split_fairly(total, demands))
