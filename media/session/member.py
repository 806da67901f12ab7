"""A party in a lesson room: its present connection and what the others are told about it."""

from dataclasses import dataclass, field
from typing import Any

from media.contract import Party, TrackSource
from media.session.rate import MessageAllowance
from media.session.subscription import Subscription, Track


@dataclass
class Presence:
    """One live connection of a party."""

    connection_id: str
    subscription: Subscription
    allowance: MessageAllowance
    tracks: dict[str, Track] = field(default_factory=dict)
    muted: set[TrackSource] = field(default_factory=set)
    hand_raised: bool = False
    moved: bool = False
    "It receives the lesson from another relay; what it sends here is for those who do not yet."


@dataclass
class Member:
    """A party that is in the lesson, or dropped out a moment ago and is expected back."""

    party: Party
    presence: Presence | None = None
    lost_at: float | None = None

    def describe(self, on_stage: bool) -> dict[str, Any]:
        """Render the party's entry of the `roster` message."""
        presence = self.presence
        return {
            "party_id": self.party.party_id,
            "name": self.party.name,
            "school": self.party.school,
            "role": self.party.role,
            "connected": presence is not None,
            "on_stage": on_stage,
            "hand_raised": presence is not None and presence.hand_raised,
            "muted": sorted(presence.muted) if presence is not None else [],
            "tracks": [
                {"track_id": track.track_id, "source": track.source, "kind": track.kind}
                for track in (presence.tracks.values() if presence is not None else ())
            ],
        }
