"""What a lesson room wants done: the actions `LessonRoom.handle` returns, to be carried out in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from media.contract import Party, PartyRole, TrackKind, TrackSource


@dataclass(frozen=True)
class Send:
    """Deliver a signalling message to a client."""

    connection_id: str
    message: dict[str, Any]


@dataclass(frozen=True)
class Close:
    """Close a client's socket after everything sent before was delivered."""

    connection_id: str
    code: str
    message: str


@dataclass(frozen=True)
class OpenMedia:
    """Make room for a connection's peer connections."""

    connection_id: str
    party: Party


@dataclass(frozen=True)
class DropMedia:
    """Tear down whatever media the connection has; precedes `TellLeft`."""

    connection_id: str


@dataclass(frozen=True)
class TellJoined:
    """Tell the service that a party joined."""

    connection_id: str
    party_id: str
    role: PartyRole


@dataclass(frozen=True)
class TellStage:
    """Tell the service who is on stage now: it remembers that for the next relay of the lesson."""

    on_stage: tuple[str, ...]


@dataclass(frozen=True)
class TellLeft:
    """Tell the service that a party's connection ended."""

    connection_id: str
    party_id: str
    reason: str


@dataclass(frozen=True)
class WantedTrack:
    """A line of a publish offer and what the client says it carries."""

    mid: str
    source: TrackSource
    temporal_layers: int = 1


@dataclass(frozen=True)
class AnswerPublish:
    """Answer a publish offer; the outcome comes back as `PublishAnswered` or `PublishRefused`."""

    connection_id: str
    request_id: int
    sdp: str
    tracks: tuple[WantedTrack, ...]


@dataclass(frozen=True)
class StartTrack:
    """A track of the connection is accepted: receive the line `mid` as `track_id`."""

    connection_id: str
    track_id: str
    party_id: str
    mid: str
    source: TrackSource
    kind: TrackKind
    codec: str
    temporal_layers: int = 1
    "Frame rates its picture can be thinned to on the way (VP8), as the client says."


@dataclass(frozen=True)
class EndTrack:
    """Stop receiving a track."""

    connection_id: str
    track_id: str


@dataclass(frozen=True)
class StopPublishing:
    """Tear down the connection's publishing side."""

    connection_id: str


@dataclass(frozen=True)
class OfferedLine:
    """One m-line of a subscribe offer; `track_id` None means inactive."""

    mid: str
    kind: TrackKind
    track_id: str | None
    party_id: str | None
    source: TrackSource | None


@dataclass(frozen=True)
class OfferTracks:
    """Render this offer as SDP and send it as `subscribe`."""

    connection_id: str
    offer_id: int
    lines: tuple[OfferedLine, ...]
    restarts: bool = False
    "With new ICE credentials, so that the client looks for another path."


@dataclass(frozen=True)
class ApplyAnswer:
    """Read the answer to an offer; the outcome comes back as `SubscriptionAnswered` or `SubscriptionRefused`."""

    connection_id: str
    offer_id: int
    sdp: str
    lines: tuple[OfferedLine, ...]


@dataclass(frozen=True)
class Attach:
    """Forward a track to the connection on line `mid`."""

    connection_id: str
    mid: str
    track_id: str


@dataclass(frozen=True)
class Detach:
    """Stop forwarding on line `mid`."""

    connection_id: str
    mid: str


@dataclass(frozen=True)
class Look:
    """The client shows these tracks in so many lines each, and no others."""

    connection_id: str
    heights: Mapping[str, int]


Action = (
    Send
    | Close
    | OpenMedia
    | DropMedia
    | TellJoined
    | TellLeft
    | TellStage
    | AnswerPublish
    | StartTrack
    | EndTrack
    | StopPublishing
    | OfferTracks
    | ApplyAnswer
    | Attach
    | Detach
    | Look
)
