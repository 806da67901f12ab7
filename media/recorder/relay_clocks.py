"""Relays whose clocks differ, brought onto one: when a lesson moves to another relay, its parties go on sending by the
clocks they had, and their sender reports show by how much the relays' clocks disagree.
"""

from statistics import median

from media.recorder.track_clock import TrackScan

# What differs less is told from nothing else: another way through the network, a report sent late.
NOTICED_US = 100_000
# Parties must agree about a relay as well as this, or it is their own clocks that were set.
AGREEMENT_US = 250_000


def on_one_clock(scans: list[TrackScan]) -> list[TrackScan]:
    """The same journals with all times on the clock of the relay that began; those without reports stay as they are."""
    ordered = sorted((scan for scan in scans if scan.packets), key=lambda scan: scan.first_arrival_us)
    known: list[TrackScan] = []
    shifts: dict[str, int] = {}
    for scan in ordered:
        relay = scan.header.relay_id
        if relay not in shifts:
            shifts[relay] = _ahead_us(known, [one for one in ordered if one.header.relay_id == relay]) if known else 0
        known.append(scan.shifted(-shifts[relay]))
    return [scan.shifted(-shifts.get(scan.header.relay_id, 0)) for scan in scans]


def _ahead_us(known: list[TrackScan], fresh: list[TrackScan]) -> int:
    """How far a relay's clock is ahead by the word of all parties that had sent before; 0 if they do not agree."""
    before, after = _delays_us(known), _delays_us(fresh)
    differences = [after[party] - before[party] for party in before.keys() & after.keys()]
    if not differences or max(differences) - min(differences) > AGREEMENT_US:
        return 0
    ahead_us = int(median(differences))
    return ahead_us if abs(ahead_us) >= NOTICED_US else 0


def _delays_us(scans: list[TrackScan]) -> dict[str, int]:
    """For each party the smallest time from its word to a relay's, over all its tracks."""
    delays: dict[str, int] = {}
    for scan in scans:
        if (delay_us := scan.sender_delay_us) is not None:
            party_id = scan.header.party_id
            delays[party_id] = min(delay_us, delays.get(party_id, delay_us))
    return delays
