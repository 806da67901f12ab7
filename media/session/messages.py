"""The signalling messages a client may send; hostile ones become a `BadMessageError` with a clear sentence."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from media.contract import TrackSource

MAX_SDP_CHARACTERS = 200_000

Mid = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,16}$")]
"RFC 8843 section 15.2 lets the RTP header extension carry at most 16 bytes in its one-byte form."
RequestId = Annotated[int, Field(ge=0, le=2**31 - 1)]
Sdp = Annotated[str, Field(min_length=1, max_length=MAX_SDP_CHARACTERS)]


class FromClient(BaseModel):
    """What all client messages share. Unknown fields are ignored so that newer clients can talk to older relays."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    v: Literal[1]


class PublishedLine(BaseModel):
    """Which line of the offer carries which source."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    mid: Mid
    source: TrackSource
    temporal_layers: Annotated[int, Field(ge=1, le=4)] = 1
    "Temporal layers of its scalability mode: with VP8 the relay can lower its frame rate for weak lines."


class Publish(FromClient):
    """An SDP offer of the publishing peer connection, naming all its tracks."""

    type: Literal["publish"]
    id: RequestId
    sdp: Sdp
    tracks: list[PublishedLine] = Field(max_length=4)


class Subscribed(FromClient):
    """An SDP answer to the relay's `subscribe` offer with the same id."""

    type: Literal["subscribed"]
    id: RequestId
    sdp: Sdp
    reuse: bool = True
    "False: the client cannot take a new track on a line that carried another, so each track gets a fresh line."


class Mute(FromClient):
    """The client stopped or resumed feeding one of its sources."""

    type: Literal["mute"]
    source: TrackSource
    muted: bool


class Hand(FromClient):
    """The party raises or lowers its hand."""

    type: Literal["hand"]
    raised: bool


class Stage(FromClient):
    """The lead brings a party up or sends it back."""

    type: Literal["stage"]
    party_id: Annotated[str, Field(min_length=1, max_length=120)]
    on: bool


class ShownTrack(BaseModel):
    """A track the client shows, and how large."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    track_id: Annotated[str, Field(min_length=1, max_length=64)]
    height: Annotated[int, Field(ge=0, le=20_000)]


class Look(FromClient):
    """What the client shows now, in device pixels of height; tracks it does not name need not be sent."""

    type: Literal["look"]
    tracks: list[ShownTrack] = Field(max_length=400)


class Restart(FromClient):
    """Nothing arrives any more: offer the receiving connection again, with new ICE credentials."""

    type: Literal["restart"]


class Leave(FromClient):
    """The client leaves on purpose."""

    type: Literal["leave"]


class Moved(FromClient):
    """All this client receives comes by its connection to another relay now: nothing need be sent on this one."""

    type: Literal["moved"]


class Ping(FromClient):
    """The client asks whether the relay is there."""

    type: Literal["ping"]


ClientRequest = Annotated[
    Publish | Subscribed | Mute | Hand | Stage | Look | Restart | Leave | Moved | Ping, Field(discriminator="type")
]
_requests: TypeAdapter[ClientRequest] = TypeAdapter(ClientRequest)


class BadMessageError(Exception):
    """The client's message is not one of the protocol; the text says what is wrong with it."""


def read_message(message: dict[str, Any]) -> ClientRequest:
    """Validate a client's message; raises `BadMessageError` and nothing else."""
    try:
        return _requests.validate_python(message)
    except ValidationError as error:
        raise BadMessageError(_first_problem(error)) from None


def type_of(message: dict[str, Any]) -> str:
    """Name the type a message claims to have, cut to what may be echoed in an error reply."""
    claimed = message.get("type")
    return claimed[:40] if isinstance(claimed, str) else "unknown"


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # The discriminator is part of the location; the client knows its type already.
    place = ".".join(str(part) for part in problem["loc"][1:])
    text = problem["msg"][:200]
    return f"{place}: {text}" if place else text
