"""What happens to a lesson room: the events `LessonRoom.handle` takes."""

from dataclasses import dataclass, field
from typing import Any

from media.contract import Party, TrackKind, TrackSource


@dataclass(frozen=True)
class Joined:
    """A connection whose right to join was checked enters as `party`."""

    connection_id: str
    party: Party


@dataclass(frozen=True)
class Left:
    """A connection is gone; `reason` goes into the usage log."""

    connection_id: str
    reason: str


@dataclass(frozen=True)
class Received:
    """A signalling message as the client sent it, not validated."""

    connection_id: str
    message: dict[str, Any]


@dataclass(frozen=True)
class AnsweredTrack:
    """One track of a publish offer that the relay accepted."""

    mid: str
    source: TrackSource
    kind: TrackKind
    codec: str
    temporal_layers: int = 1


@dataclass(frozen=True)
class PublishAnswered:
    """The relay answered a publish offer: these are now all tracks of the connection."""

    connection_id: str
    request_id: int
    sdp: str
    tracks: tuple[AnsweredTrack, ...]
    fresh: bool = False
    "The offer came from a new peer connection: whatever was published before has ended."


@dataclass(frozen=True)
class PublishRefused:
    """The relay could not accept a publish offer."""

    connection_id: str
    message: str


@dataclass(frozen=True)
class PublishingStopped:
    """The client closed its publishing peer connection but stays in the lesson."""

    connection_id: str


@dataclass(frozen=True)
class SubscriptionAnswered:
    """The client's answer to the outstanding offer holds; `accepted_mids` are the lines it takes."""

    connection_id: str
    offer_id: int
    accepted_mids: frozenset[str]


@dataclass(frozen=True)
class SubscriptionRefused:
    """The client's answer could not be read; the offer stays outstanding."""

    connection_id: str
    message: str


@dataclass(frozen=True)
class StageSet:
    """The service brings a party up or sends it back."""

    party_id: str
    on_stage: bool


@dataclass(frozen=True)
class RecordingSet:
    """Recording started, stopped, or has a problem to show."""

    active: bool
    problem: str | None = None


@dataclass(frozen=True)
class MediaLost:
    """A connection's media is dead: consent expired, handshake failed or the receiving peer connection closed."""

    connection_id: str
    message: str


@dataclass(frozen=True)
class Ended:
    """The lesson ends."""

    reason: str


@dataclass(frozen=True)
class Elapsed:
    """Time passed; given about once a second so that deadlines are met."""

    marker: None = field(default=None, repr=False)


Event = (
    Joined
    | Left
    | Received
    | PublishAnswered
    | PublishRefused
    | PublishingStopped
    | SubscriptionAnswered
    | SubscriptionRefused
    | StageSet
    | RecordingSet
    | MediaLost
    | Ended
    | Elapsed
)
