"""Every transition of a lesson room, in tables: what happens to an event, which request is whose, how offers proceed.

`LessonRoom` and `Subscription` look their next step up here and hold no transition of their own.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from media.contract import LessonKind, PartyRole, TrackSource
from media.session import events, messages


class Place(Enum):
    """Where an event finds the room."""

    OPEN = auto()
    "The room is open and the event is about the whole room."
    PRESENT = auto()
    "The room is open and the event's connection is in it."
    ABSENT = auto()
    "The room is open and the event's connection is not (or no longer) in it."
    ENDED = auto()
    "The lesson is over."


class Step(Enum):
    """What the room does with an event."""

    ADMIT = auto()
    TURN_AWAY = auto()
    REMOVE = auto()
    LOSE = auto()
    OBEY = auto()
    TAKE_TRACKS = auto()
    REFUSE_PUBLISH = auto()
    STOP_PUBLISHING = auto()
    TAKE_ANSWER = auto()
    REFUSE_ANSWER = auto()
    SET_STAGE = auto()
    SET_RECORDING = auto()
    WATCH_DEADLINES = auto()
    END = auto()


ROOM: Mapping[tuple[Place, type[events.Event]], Step] = MappingProxyType(
    {
        (Place.ABSENT, events.Joined): Step.ADMIT,
        (Place.ENDED, events.Joined): Step.TURN_AWAY,
        (Place.PRESENT, events.Left): Step.REMOVE,
        (Place.PRESENT, events.MediaLost): Step.LOSE,
        (Place.PRESENT, events.Received): Step.OBEY,
        (Place.PRESENT, events.PublishAnswered): Step.TAKE_TRACKS,
        (Place.PRESENT, events.PublishRefused): Step.REFUSE_PUBLISH,
        (Place.PRESENT, events.PublishingStopped): Step.STOP_PUBLISHING,
        (Place.PRESENT, events.SubscriptionAnswered): Step.TAKE_ANSWER,
        (Place.PRESENT, events.SubscriptionRefused): Step.REFUSE_ANSWER,
        (Place.OPEN, events.StageSet): Step.SET_STAGE,
        (Place.OPEN, events.RecordingSet): Step.SET_RECORDING,
        (Place.OPEN, events.Elapsed): Step.WATCH_DEADLINES,
        (Place.OPEN, events.Ended): Step.END,
    }
)
"""Pairs that are missing change nothing: a late word about a connection that is gone, anything but a join after the
end, a second join of the same connection."""


class OfferState(Enum):
    """How far the negotiation with a subscriber is."""

    IDLE = auto()
    "Everything offered is answered."
    OFFERED = auto()
    "An offer is out and says what is wanted."
    STALE = auto()
    "An offer is out and what is wanted has changed since."


class OfferInput(Enum):
    """What moves the negotiation with a subscriber."""

    CHANGED = auto()
    "What the subscriber should receive changed."
    ANSWERED = auto()
    "The outstanding offer was answered."


OFFERS: Mapping[tuple[OfferState, OfferInput], tuple[OfferState, bool]] = MappingProxyType(
    {
        (OfferState.IDLE, OfferInput.CHANGED): (OfferState.OFFERED, True),
        (OfferState.OFFERED, OfferInput.CHANGED): (OfferState.STALE, False),
        (OfferState.STALE, OfferInput.CHANGED): (OfferState.STALE, False),
        (OfferState.OFFERED, OfferInput.ANSWERED): (OfferState.IDLE, False),
        (OfferState.STALE, OfferInput.ANSWERED): (OfferState.OFFERED, True),
    }
)
"""State and input to next state and whether a new offer goes out; an answer that finds no offer is refused earlier."""


REQUESTS: Mapping[type[messages.FromClient], frozenset[PartyRole]] = MappingProxyType(
    {
        messages.Publish: frozenset({"lead", "room", "teacher"}),
        messages.Subscribed: frozenset({"lead", "room", "teacher", "observer"}),
        messages.Mute: frozenset({"lead", "room", "teacher"}),
        messages.Hand: frozenset({"lead", "room", "teacher"}),
        messages.Stage: frozenset({"lead"}),
        messages.Look: frozenset({"lead", "room", "teacher", "observer"}),
        messages.Restart: frozenset({"lead", "room", "teacher", "observer"}),
        messages.Leave: frozenset({"lead", "room", "teacher", "observer"}),
        messages.Moved: frozenset({"lead", "room", "teacher", "observer"}),
        messages.Ping: frozenset({"lead", "room", "teacher", "observer"}),
    }
)
"""Who may ask for what."""

LEAD_SOURCES: frozenset[TrackSource] = frozenset({"screen", "screen_audio"})
"""Sources that only the lead may publish."""


def may_publish(kind: LessonKind, role: PartyRole, on_stage: bool) -> bool:
    """Whether a party of this role is seen and heard by the others in a lesson of this kind."""
    if role == "observer":
        return False
    return kind == "synchronous" or role == "lead" or on_stage
