"""What a relay is told at its start."""

from dataclasses import dataclass, field
from pathlib import Path

from media.recorder.disk_space import SpaceLimits
from media.session.room import RoomLimits


@dataclass(frozen=True)
class RelayConfiguration:
    """Everything a relay needs to know; the defaults suit one machine."""

    relay_id: str
    "Names the relay on the bus; two relays must not share it."
    journals_folder: Path
    "Each lesson's journals go into a folder of its id below this."
    bind_addresses: tuple[str, ...] = ("::",)
    "Local addresses of the UDP port; `::` takes IPv4 as well and becomes `0.0.0.0` where there is no IPv6."
    udp_port: int = 0
    "One port for all media; 0 lets the system choose."
    announced_addresses: tuple[str, ...] = ("127.0.0.1",)
    "IP addresses at which clients reach the port, best first."
    max_lessons: int = 500
    room_limits: RoomLimits = field(default_factory=RoomLimits)
    handshake_deadline_s: float = 20.0
    "From the answer to a peer connection until its DTLS handshake must be done."
    consent_s: float = 30.0
    "A peer that sent no authenticated connectivity check for so long is dead (RFC 7675)."
    report_interval_s: float = 5.0
    "Between the reports of what was delivered."
    recording_space: SpaceLimits = field(default_factory=SpaceLimits)
    "Free space on the journals' disk below which parts of recordings are given up."
    heartbeat_s: float = 5.0
    "Between heartbeats; a fleet notices a lost relay by them."
    capacity: int = 0
    "Rooms and people the relay is meant to carry at one time, as told in its heartbeats; 0 says nothing."
    grant_key: str | None = None
    "With a key, only joins with a grant made with it are let in; None trusts the bus, as in one process."
