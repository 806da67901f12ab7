"""How much of its school's line each connection may take in each direction, over all lessons of this relay."""

from collections import defaultdict

from media.contract import SchoolLine
from media.line.school import split_fairly

USED_SHARE = 0.95
"What is left for the headers below UDP and for signalling."


class _Shares:
    """One direction."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[str, int]] = {}
        "School and kbit/s of its line, by connection."
        self._demands_bps: dict[str, float] = {}
        self._shares_bps: dict[str, float] = {}

    def open(self, connection_id: str, school_id: str, kbps: int) -> None:
        if kbps > 0:
            self._lines[connection_id] = school_id, kbps

    def close(self, connection_id: str) -> None:
        for kept in (self._lines, self._demands_bps, self._shares_bps):
            kept.pop(connection_id, None)

    def note_demand(self, connection_id: str, demand_bps: float) -> None:
        if connection_id in self._lines:
            self._demands_bps[connection_id] = demand_bps

    def ceiling_bps(self, connection_id: str) -> float | None:
        return self._shares_bps.get(connection_id)

    def split(self) -> None:
        by_school: dict[str, list[str]] = defaultdict(list)
        for connection_id, (school_id, _) in self._lines.items():
            by_school[school_id].append(connection_id)
        for connection_ids in by_school.values():
            total = USED_SHARE * 1000 * max(self._lines[one][1] for one in connection_ids)
            demands = {one: self._demands_bps.get(one, 0.0) for one in connection_ids}
            self._shares_bps.update(split_fairly(total, demands))


class SchoolShares:
    """Shares are made anew by `split`, about twice a second."""

    def __init__(self) -> None:
        self._down = _Shares()
        self._up = _Shares()

    def open(self, connection_id: str, line: SchoolLine | None) -> None:
        """A connection came, from a school with this line; None: its line is not limited."""
        if line is not None:
            self._down.open(connection_id, line.school_id, line.down_kbps)
            self._up.open(connection_id, line.school_id, line.up_kbps)

    def close(self, connection_id: str) -> None:
        """The connection is gone."""
        self._down.close(connection_id)
        self._up.close(connection_id)

    def note_demand(self, connection_id: str, demand_bps: float) -> None:
        """What the connection would be sent if nothing held it back."""
        self._down.note_demand(connection_id, demand_bps)

    def note_up_demand(self, connection_id: str, demand_bps: float) -> None:
        """What the connection would send if nothing held it back."""
        self._up.note_demand(connection_id, demand_bps)

    def ceiling_bps(self, connection_id: str) -> float | None:
        """The connection's share downwards; None: not limited."""
        return self._down.ceiling_bps(connection_id)

    def up_ceiling_bps(self, connection_id: str) -> float | None:
        """The connection's share upwards; None: not limited."""
        return self._up.ceiling_bps(connection_id)

    def split(self) -> None:
        """Share each school's line among its connections."""
        self._down.split()
        self._up.split()
