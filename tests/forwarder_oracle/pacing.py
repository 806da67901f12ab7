"""What pacing promises, judged from what left and when."""

from collections.abc import Sequence

PACE = 1.1
BURST_S = 0.04
MIN_BURST_BYTES = 4000
RESEND_SHARE = 0.2


def longest_excess(sent: Sequence[tuple[float, int]], bits_per_second: float) -> float:
    """Return by how many bytes, at worst over all spans, more was sent than pace and one burst allow.

    sent: time in seconds and bytes of each picture packet, in order. The last packet of a burst may reach over it.
    """
    rate = PACE * bits_per_second / 8
    burst = max(rate * BURST_S, MIN_BURST_BYTES) + max((size for _, size in sent), default=0)
    # A bucket that may never run dry by more than that.
    level, at, worst = burst, 0.0, 0.0
    for now, size in sent:
        level = min(level + (now - at) * rate, burst)
        at = now
        level -= size
        worst = max(worst, -level)
    return worst
