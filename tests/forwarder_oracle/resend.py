"""How often and how much may be sent again to one receiver, so that a narrow link is not flooded by repairs."""

_MIN_SPACING_S = 0.02
_MAX_SPACING_S = 1.0
_SPACING_SHARE = 0.6
_MAX_RESENDS = 8
# Repairs may take this share of what is sent for the first time, and this much at once.
_SHARE = 0.25
_BURST_BYTES = 60_000
_MAX_REMEMBERED = 1024


class ResendLimiter:
    """Spaces the resends of each packet by the round trip, bounds their number, and bounds their bytes in all."""

    def __init__(self) -> None:
        self._budget_bytes: float = _BURST_BYTES
        self._resends: dict[int, tuple[float, int]] = {}

    def sent(self, size_bytes: int) -> None:
        """A packet went out for the first time: it earns budget for repairs."""
        self._budget_bytes = min(self._budget_bytes + _SHARE * size_bytes, _BURST_BYTES)

    def allow(self, ext_seq: int, size_bytes: int, rtt: float | None, now: float) -> bool:
        """Tell whether the packet may be sent again now, and if so take note of it."""
        last, count = self._resends.get(ext_seq, (None, 0))
        spacing = min(max(_SPACING_SHARE * (rtt or 0.0), _MIN_SPACING_S), _MAX_SPACING_S)
        if count >= _MAX_RESENDS or (last is not None and now - last < spacing) or size_bytes > self._budget_bytes:
            return False
        self._budget_bytes -= size_bytes
        self._resends.pop(ext_seq, None)
        self._resends[ext_seq] = (now, count + 1)
        if len(self._resends) > _MAX_REMEMBERED:
            del self._resends[next(iter(self._resends))]
        return True
