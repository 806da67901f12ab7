"""Splits what a school's line may carry fairly among its rooms that are in lessons at the same time (pure)."""

from collections.abc import Mapping


def split_fairly(total_bps: float, demands_bps: Mapping[str, float]) -> dict[str, float]:
    """Max-min fair shares: who wants less than an even part gets that, the others share the rest evenly.

    What nobody wants is spread evenly on top, so that a share is a ceiling and not a reason to stay small.
    """
    shares: dict[str, float] = {}
    left, waiting = total_bps, len(demands_bps)
    for name, demand in sorted(demands_bps.items(), key=lambda item: (item[1], item[0])):
        shares[name] = min(demand, left / waiting)
        left -= shares[name]
        waiting -= 1
    return {name: share + left / len(shares) for name, share in shares.items()}
