"""Commands from the service to a relay and events from the relays to the service.

Times are Unix seconds (UTC) and end in `_at`; durations are milliseconds and end in `_ms`.
"""

from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

EVENTS_TOPIC = "relay.events"
"""What happened in lessons; between processes it is kept until the service has written it down."""
HEARTBEATS_TOPIC = "relay.heartbeats"
"""Heartbeats of a fleet's relays, for every replica of the service."""
REPLICA_LENGTH = 8
"""Characters at the start of a connection's id that name the replica of the service that holds its WebSocket."""

CONNECTION_TEST = "connection-test-"
"""How the ids of lessons begin that last a minute, are nobody's, and only show what a line lets through."""

LessonKind = Literal["synchronous", "famous_teacher", "famous_school"]
PartyRole = Literal["lead", "room", "teacher", "observer"]
TrackSource = Literal["camera", "microphone", "screen", "screen_audio"]
TrackKind = Literal["audio", "video"]
PictureState = Literal["full", "small", "slow", "paused", "none"]
LineReason = Literal["none", "line", "ceiling", "sender"]


def commands_topic(relay_id: str) -> str:
    """Name the topic on which the relay `relay_id` takes its commands."""
    return f"relay.{relay_id}.commands"


def clients_topic(replica_id: str) -> str:
    """Name the topic on which a replica of the service takes what goes to its clients."""
    return f"service.{replica_id}.clients"


def is_connection_test(lesson_id: str) -> bool:
    """Whether the lesson only tests a line: nothing of it is written down, and it ends by itself when it is due."""
    return lesson_id.startswith(CONNECTION_TEST)


def new_connection_id(replica_id: str) -> str:
    """Make the id of a connection that the replica holds; the rest of it nobody can guess (96 bits)."""
    return replica_id[:REPLICA_LENGTH] + uuid4().hex[REPLICA_LENGTH:]


def fleet_topic(event: "RelayEvent") -> str:
    """Where a relay of a fleet sends an event: heartbeats to all, words for a client to the replica that holds it."""
    if isinstance(event, RelayHeartbeat):
        return HEARTBEATS_TOPIC
    if isinstance(event, ToClient | CloseConnection):
        return clients_topic(event.connection_id[:REPLICA_LENGTH])
    return EVENTS_TOPIC


class Message(BaseModel):
    """What every message of the contract shares: immutable, and nothing unknown inside."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(Message):
    """Who is in a lesson: a room's device or a person. `party_id` is `room:<room_id>` or `user:<user_id>`."""

    party_id: str = Field(min_length=1, max_length=120)
    role: PartyRole
    name: str = Field(max_length=120)
    room_id: str | None = None
    user_id: str | None = None
    school: str = ""
    recorded: bool = True
    "False when the room's consent to recording is refused: its tracks are forwarded but never journalled."


class SchoolLine(Message):
    """The line of a party's school as its administrators declared it; shared by all its rooms, 0 means not limited."""

    school_id: str
    down_kbps: int = Field(ge=0)
    up_kbps: int = Field(ge=0)


class OpenLesson(Message):
    """Open a lesson on the relay. Idempotent; after a restart it continues in the same journal folder."""

    type: Literal["open_lesson"] = "open_lesson"
    lesson_id: str
    kind: LessonKind
    title: str
    recorded: bool
    starts_at: float
    ends_at: float


class SetRecording(Message):
    """Start or stop recording; it starts when the lesson goes live and ends with it."""

    type: Literal["set_recording"] = "set_recording"
    lesson_id: str
    active: bool


class CloseLesson(Message):
    """End the lesson: every client is told `lesson_ended` and its connections are removed."""

    type: Literal["close_lesson"] = "close_lesson"
    lesson_id: str
    reason: str


class JoinLesson(Message):
    """A connection whose right to join the service has checked enters the lesson as `party`."""

    type: Literal["join_lesson"] = "join_lesson"
    lesson_id: str
    connection_id: str
    party: Party
    school_line: SchoolLine | None = None
    "None: nothing is known of the school's line, and its rooms are limited by what their own lines carry only."
    grant: str = ""
    "Proves to a relay of a fleet that the service let this party in: see `grants`."


class LeaveLesson(Message):
    """A connection is gone: its socket closed, it left, or it was removed."""

    type: Literal["leave_lesson"] = "leave_lesson"
    lesson_id: str
    connection_id: str
    reason: str


class ClientMessage(Message):
    """A message of the signalling protocol as the client sent it: size-limited JSON, not yet validated."""

    type: Literal["client_message"] = "client_message"
    lesson_id: str
    connection_id: str
    message: dict[str, Any]


class SetOnStage(Message):
    """Bring a party up so that all see and hear it, or send it back."""

    type: Literal["set_on_stage"] = "set_on_stage"
    lesson_id: str
    party_id: str
    on_stage: bool


class HandOverLesson(Message):
    """Another relay carries the lesson: send its clients there (`media_lost`), make its journals safe, forget it.

    With `patience_s` that waits until all of them have said `moved`, but no longer.
    """

    type: Literal["hand_over_lesson"] = "hand_over_lesson"
    lesson_id: str
    patience_s: float = Field(default=0.0, ge=0)


class RelayHeartbeat(Message):
    """At its start and every 5 s (in a fleet every 0.5 s): the relay lives, and how much it carries.

    `run_id` is another one after each start: what the relay was told before is forgotten and must be told again.
    The packet counters are RTP packets since the start, accepted from publishers and sent to subscribers.
    """

    type: Literal["relay_heartbeat"] = "relay_heartbeat"
    relay_id: str
    run_id: str
    at: float
    udp_port: int
    lessons: int
    connections: int
    tracks: int
    packets_received: int
    packets_forwarded: int
    capacity: int = 0
    "Rooms and people it is meant to carry at one time; 0 says nothing about it."
    draining: bool = False
    "It takes no new lessons: it will stop when those it carries are over."
    leaving: bool = False
    "It stops in seconds: what it carries should go elsewhere at once."
    recording_level: str = "well"
    "What is given up for want of space: `well`, `warned`, `room_pictures`, `lead_pictures`, `room_sound`, `all`."
    recording_free_bytes: int | None = None
    recording_dropped: int = 0
    "Recorded packets and reports that were lost since the relay began: no room in memory, or a write that failed."


class ToClient(Message):
    """Deliver `message` on the client's WebSocket."""

    type: Literal["to_client"] = "to_client"
    lesson_id: str
    connection_id: str
    message: dict[str, Any]


class CloseConnection(Message):
    """Close the client's WebSocket once all before it is delivered.

    `code` is `replaced`, `protocol_error`, `media_lost`, `left`, `lesson_over` or `full`.
    """

    type: Literal["close_connection"] = "close_connection"
    lesson_id: str
    connection_id: str
    code: str
    message: str


class PartyJoined(Message):
    """A party entered the lesson with this connection."""

    type: Literal["party_joined"] = "party_joined"
    lesson_id: str
    party_id: str
    connection_id: str
    role: PartyRole
    at: float


class PartyLeft(Message):
    """The party's connection ended."""

    type: Literal["party_left"] = "party_left"
    lesson_id: str
    party_id: str
    connection_id: str
    reason: str
    at: float


class TrackPublished(Message):
    """The first packet of a party's track arrived; `codec` is `opus`, `vp8` or `h264`."""

    type: Literal["track_published"] = "track_published"
    lesson_id: str
    party_id: str
    track_id: str
    source: TrackSource
    kind: TrackKind
    codec: str
    at: float


class TrackEnded(Message):
    """A track that was published ended."""

    type: Literal["track_ended"] = "track_ended"
    lesson_id: str
    party_id: str
    track_id: str
    at: float


class Delivered(Message):
    """What really reached a receiving party between `from_at` and `to_at`, by the relay's own counters.

    The `lead_*_ms` are the milliseconds of the interval in which the lead's picture or sound was sent to the
    party and not reported lost by it; the bytes count everything sent to it. The `missed_*_ms` are those in which the
    lead sent picture or sound and the party did not get it.
    """

    type: Literal["delivered"] = "delivered"
    lesson_id: str
    party_id: str
    from_at: float
    to_at: float
    lead_picture_ms: int
    lead_sound_ms: int
    picture_bytes: int
    sound_bytes: int
    missed_picture_ms: int = 0
    missed_sound_ms: int = 0


class LineState(Message):
    """How a receiving party's line does: when what it gets of the lead changes, and every 15 s while that is not full.

    `picture` and `screen` are of the lead: `full`, `small` (a lower layer), `slow` (fewer frames), `paused`, or `none`
    when the lead sends none. `reason` says why not full: `line`, `ceiling` (the school's line is shared) or `sender`.
    """

    type: Literal["line_state"] = "line_state"
    lesson_id: str
    party_id: str
    at: float
    picture: PictureState
    screen: PictureState
    reason: LineReason
    kbps: int | None
    "What the line is known to carry; None: nothing is known."
    loss_pct: float
    queue_ms: int
    rtt_ms: int | None


class Published(Message):
    """For how long a party itself sent picture and sound between `from_at` and `to_at`."""

    type: Literal["published"] = "published"
    lesson_id: str
    party_id: str
    from_at: float
    to_at: float
    picture_ms: int
    sound_ms: int


class LessonOpened(Message):
    """The lesson is open on the relay: parties may join."""

    type: Literal["lesson_opened"] = "lesson_opened"
    lesson_id: str
    at: float
    relay_id: str = ""


class StageTold(Message):
    """Who is on stage now: after every change, and when the lesson is handed over, for the relay it goes to."""

    type: Literal["stage_told"] = "stage_told"
    lesson_id: str
    on_stage: list[str]
    relay_id: str = ""


class LessonClosed(Message):
    """The lesson is closed and its journals, named relative to its journal folder, are complete."""

    type: Literal["lesson_closed"] = "lesson_closed"
    lesson_id: str
    at: float
    journals: list[str]
    relay_id: str = ""


class RecordingState(Message):
    """Whether the lesson is being recorded; `problem` is a sentence for the teacher when something is lost.

    `code` is stable and for operators: `write_failed`, `too_slow`, `not_to_be_recorded`, or what is given up for want
    of space: `space_low` (nothing yet), `space_room_pictures`, `space_lead_pictures`, `space_room_sound`, `space_all`.
    """

    type: Literal["recording_state"] = "recording_state"
    lesson_id: str
    active: bool
    problem: str | None
    code: str | None = None
    at: float


RelayCommand = Annotated[
    OpenLesson | SetRecording | CloseLesson | HandOverLesson | JoinLesson | LeaveLesson | ClientMessage | SetOnStage,
    Field(discriminator="type"),
]
RelayEvent = Annotated[
    RelayHeartbeat
    | ToClient
    | CloseConnection
    | PartyJoined
    | PartyLeft
    | TrackPublished
    | TrackEnded
    | Delivered
    | Published
    | LessonOpened
    | StageTold
    | LessonClosed
    | RecordingState
    | LineState,
    Field(discriminator="type"),
]

_commands: TypeAdapter[RelayCommand] = TypeAdapter(RelayCommand)
_events: TypeAdapter[RelayEvent] = TypeAdapter(RelayEvent)


def parse_command(message: dict[str, Any]) -> RelayCommand:
    """Read a command off the bus; raises `pydantic.ValidationError` when it is none."""
    return _commands.validate_python(message)


def parse_event(message: dict[str, Any]) -> RelayEvent:
    """Read an event off the bus; raises `pydantic.ValidationError` when it is none."""
    return _events.validate_python(message)
