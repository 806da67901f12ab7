"""A lesson room: `handle(event, now)` takes what happened and returns what is to be done, in order.

Knows no sockets and no clock. A client's fault becomes an `error` message to that client and never an exception.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from media.contract import LessonKind, Party
from media.session import actions, events, messages
from media.session.actions import Action
from media.session.member import Member, Presence
from media.session.rate import MessageAllowance
from media.session.subscription import Subscription, Track
from media.session.transitions import LEAD_SOURCES, REQUESTS, ROOM, Place, Step, may_publish

PROTOCOL_VERSION = 1


@dataclass(frozen=True)
class RoomLimits:
    """What one lesson and one client may use."""

    max_connections: int = 300
    max_received_tracks: int = 96
    message_burst: int = 60
    messages_per_second: float = 20.0
    max_refused_messages: int = 500
    "A client that was refused this many messages is not a client any more: its connection is closed."
    answer_deadline_s: float = 30.0
    expected_back_s: float = 60.0
    "For how long a party that dropped out stays on the roster as not connected."


def _new_track_id() -> str:
    return uuid.uuid4().hex


class LessonRoom:
    """Parties, their tracks, and who receives what, for one lesson."""

    def __init__(
        self, kind: LessonKind, limits: RoomLimits | None = None, new_track_id: Callable[[], str] = _new_track_id
    ) -> None:
        self._kind = kind
        self._limits = limits or RoomLimits()
        self._new_track_id = new_track_id
        self._members: dict[str, Member] = {}
        self._present: dict[str, Member] = {}
        self._on_stage: set[str] = set()
        self._recording = False
        self._recording_problem: str | None = None
        self._ended = False
        self._roster_dirty = False
        self._actions: list[Action] = []
        self._steps: dict[Step, Callable[[Any, float], None]] = {
            Step.ADMIT: self._admit,
            Step.TURN_AWAY: self._turn_away,
            Step.REMOVE: self._remove,
            Step.LOSE: self._lose,
            Step.OBEY: self._obey,
            Step.TAKE_TRACKS: self._take_tracks,
            Step.REFUSE_PUBLISH: self._refuse_publish,
            Step.STOP_PUBLISHING: self._stop_publishing,
            Step.TAKE_ANSWER: self._take_answer,
            Step.REFUSE_ANSWER: self._refuse_answer,
            Step.SET_STAGE: self._set_stage,
            Step.SET_RECORDING: self._set_recording,
            Step.WATCH_DEADLINES: self._watch_deadlines,
            Step.END: self._end,
        }
        self._requests: dict[type[messages.FromClient], Callable[[Member, Presence, Any, float], None]] = {
            messages.Publish: self._publish,
            messages.Subscribed: self._subscribed,
            messages.Mute: self._mute,
            messages.Hand: self._hand,
            messages.Stage: self._stage,
            messages.Look: self._look,
            messages.Restart: self._restart,
            messages.Leave: self._leave,
            messages.Moved: self._moved,
            messages.Ping: self._ping,
        }

    @property
    def connection_ids(self) -> frozenset[str]:
        """The connections that are in the room."""
        return frozenset(self._present)

    @property
    def on_stage(self) -> frozenset[str]:
        """The parties that were brought up."""
        return frozenset(self._on_stage)

    @property
    def has_moved(self) -> bool:
        """Whether everybody who is here receives the lesson from another relay."""
        return all(member.presence is None or member.presence.moved for member in self._present.values())

    def party_of(self, connection_id: str) -> Party | None:
        """The party behind a connection that is in the room."""
        member = self._present.get(connection_id)
        return member.party if member else None

    def handle(self, event: events.Event, now: float) -> list[Action]:
        """Take an event at `now`, monotonic seconds, and return the actions to carry out in order."""
        step = ROOM.get((self._place_of(event), type(event)))
        if step is not None:
            self._steps[step](event, now)
            self._settle(now)
        done, self._actions = self._actions, []
        return done

    def _place_of(self, event: events.Event) -> Place:
        if self._ended:
            return Place.ENDED
        connection_id = getattr(event, "connection_id", None)
        if connection_id is None:
            return Place.OPEN
        return Place.PRESENT if connection_id in self._present else Place.ABSENT

    def _settle(self, now: float) -> None:
        """Tell everyone once what a whole event changed: the roster first, then the offers."""
        if self._roster_dirty:
            self._roster_dirty = False
            self._send_rosters()
        for member in self._present.values():
            if member.presence is not None:
                self._actions.extend(member.presence.subscription.settle(now))
        for connection_id, member in list(self._present.items()):
            if member.presence is not None and member.presence.subscription.exhausted:
                self._lose(events.MediaLost(connection_id, "too many tracks came and went: join again"), now)
                self._settle(now)

    # Joining and leaving

    def _admit(self, event: events.Joined, now: float) -> None:
        party = event.party
        member = self._members.get(party.party_id)
        replacing = member is not None and member.presence is not None
        if not replacing and len(self._present) >= self._limits.max_connections:
            self._error(event.connection_id, "not_allowed", "the lesson is full", "join")
            self._actions.append(actions.Close(event.connection_id, "full", "the lesson is full"))
            return
        if member is not None and member.presence is not None:
            self._replace(member, member.presence)
        self._enter(event.connection_id, party, now)

    def _replace(self, member: Member, presence: Presence) -> None:
        old = presence.connection_id
        self._withdraw(member, presence)
        self._send(old, "replaced")
        self._depart(member, presence, "replaced")
        self._actions.append(actions.Close(old, "replaced", "the party joined from elsewhere"))

    def _enter(self, connection_id: str, party: Party, now: float) -> None:
        limits = self._limits
        presence = Presence(
            connection_id,
            Subscription(connection_id, limits.max_received_tracks),
            MessageAllowance(limits.message_burst, limits.messages_per_second, now),
        )
        member = Member(party, presence)
        self._members[party.party_id] = member
        self._present[connection_id] = member
        self._actions.append(actions.OpenMedia(connection_id, party))
        self._actions.append(actions.TellJoined(connection_id, party.party_id, party.role))
        self._send(
            connection_id,
            "welcome",
            connection_id=connection_id,
            party_id=party.party_id,
            role=party.role,
            may_publish=self._may_publish(party),
            recording=self._recording,
            ice={},
        )
        if self._recording_problem is not None:
            self._send_recording(connection_id)
        for other in self._present.values():
            if other is not member and other.presence is not None:
                for track in other.presence.tracks.values():
                    presence.subscription.want(track)
        self._roster_dirty = True

    def _turn_away(self, event: events.Joined, _now: float) -> None:
        self._error(event.connection_id, "lesson_over", "the lesson is over", "join")
        self._actions.append(actions.Close(event.connection_id, "lesson_over", "the lesson is over"))

    def _remove(self, event: events.Left, now: float) -> None:
        member, presence = self._find(event.connection_id)
        self._withdraw(member, presence)
        self._depart(member, presence, event.reason)
        member.lost_at = now

    def _lose(self, event: events.MediaLost, now: float) -> None:
        member, presence = self._find(event.connection_id)
        self._withdraw(member, presence)
        self._depart(member, presence, "media_lost")
        self._actions.append(actions.Close(event.connection_id, "media_lost", event.message))
        member.lost_at = now

    def _withdraw(self, _member: Member, presence: Presence) -> None:
        for track_id in list(presence.tracks):
            self._end_track(presence, track_id)

    def _depart(self, member: Member, presence: Presence, reason: str) -> None:
        self._actions.append(actions.DropMedia(presence.connection_id))
        self._actions.append(actions.TellLeft(presence.connection_id, member.party.party_id, reason))
        del self._present[presence.connection_id]
        member.presence = None
        self._roster_dirty = True

    # What clients ask for

    def _obey(self, event: events.Received, now: float) -> None:
        member, presence = self._find(event.connection_id)
        if not presence.allowance.spend(now):
            self._refuse_excess(member, presence, event)
            return
        about = messages.type_of(event.message)
        if about == "join":
            self._error(event.connection_id, "bad_message", "this connection has already joined", about)
            return
        try:
            request = messages.read_message(event.message)
        except messages.BadMessageError as problem:
            self._error(event.connection_id, "bad_message", str(problem), about)
            return
        if member.party.role not in REQUESTS[type(request)]:
            self._error(event.connection_id, "not_allowed", f"the role {member.party.role} may not do this", about)
            return
        self._requests[type(request)](member, presence, request, now)

    def _refuse_excess(self, member: Member, presence: Presence, event: events.Received) -> None:
        if presence.allowance.refused >= self._limits.max_refused_messages:
            self._withdraw(member, presence)
            self._depart(member, presence, "protocol_error")
            self._actions.append(actions.Close(event.connection_id, "protocol_error", "far too many messages"))
        elif presence.allowance.refused % 20 == 1:
            # Not one reply for each refused message: a flood is not answered by a flood.
            about = messages.type_of(event.message)
            self._error(event.connection_id, "rate_limited", "too many messages, slow down", about)

    def _publish(self, member: Member, presence: Presence, request: messages.Publish, _now: float) -> None:
        refusal = self._publish_refusal(member.party, request)
        if refusal is not None:
            self._error(presence.connection_id, refusal[0], refusal[1], "publish")
            return
        wanted = tuple(actions.WantedTrack(line.mid, line.source, line.temporal_layers) for line in request.tracks)
        self._actions.append(actions.AnswerPublish(presence.connection_id, request.id, request.sdp, wanted))

    def _publish_refusal(self, party: Party, request: messages.Publish) -> tuple[str, str] | None:
        sources = [line.source for line in request.tracks]
        if len(set(sources)) != len(sources) or len({line.mid for line in request.tracks}) != len(sources):
            return "bad_message", "tracks: a mid or a source is named twice"
        if not self._may_publish(party):
            return "not_allowed", "only parties on stage publish in this lesson"
        if party.role != "lead" and not LEAD_SOURCES.isdisjoint(sources):
            return "not_allowed", "only the lead may share a screen"
        return None

    def _subscribed(self, _member: Member, presence: Presence, request: messages.Subscribed, _now: float) -> None:
        outstanding = presence.subscription.outstanding
        if outstanding is None or outstanding[0] != request.id:
            self._error(
                presence.connection_id, "bad_message", "no offer with this id waits for an answer", "subscribed"
            )
            return
        presence.subscription.reuses_lines = request.reuse
        self._actions.append(actions.ApplyAnswer(presence.connection_id, request.id, request.sdp, outstanding[1]))

    def _mute(self, _member: Member, presence: Presence, request: messages.Mute, _now: float) -> None:
        if request.muted == (request.source in presence.muted):
            return
        if request.muted:
            presence.muted.add(request.source)
        else:
            presence.muted.discard(request.source)
        self._roster_dirty = True

    def _hand(self, _member: Member, presence: Presence, request: messages.Hand, _now: float) -> None:
        if presence.hand_raised != request.raised:
            presence.hand_raised = request.raised
            self._roster_dirty = True

    def _stage(self, _member: Member, presence: Presence, request: messages.Stage, now: float) -> None:
        target = self._members.get(request.party_id)
        if target is None or target.party.role == "observer":
            self._error(presence.connection_id, "not_found", "no such party in this lesson", "stage")
            return
        self._set_stage(events.StageSet(request.party_id, request.on), now)

    def _look(self, _member: Member, presence: Presence, request: messages.Look, _now: float) -> None:
        heights = {shown.track_id: shown.height for shown in request.tracks}
        self._actions.append(actions.Look(presence.connection_id, heights))

    def _restart(self, _member: Member, presence: Presence, _request: messages.Restart, _now: float) -> None:
        presence.subscription.restart()

    def _leave(self, member: Member, presence: Presence, _request: messages.Leave, _now: float) -> None:
        self._withdraw(member, presence)
        self._depart(member, presence, "left")
        # Who leaves on purpose is not expected back.
        del self._members[member.party.party_id]
        self._actions.append(actions.Close(presence.connection_id, "left", "left the lesson"))

    def _moved(self, _member: Member, presence: Presence, _request: messages.Moved, _now: float) -> None:
        presence.moved = True
        presence.subscription.offered_at = None
        self._actions.extend(presence.subscription.end())

    def _ping(self, _member: Member, presence: Presence, _request: messages.Ping, _now: float) -> None:
        self._send(presence.connection_id, "pong")

    # Tracks

    def _take_tracks(self, event: events.PublishAnswered, _now: float) -> None:
        member, presence = self._find(event.connection_id)
        offered = {(track.mid, track.source, track.codec): track for track in event.tracks}
        kept = {}
        for track in list(presence.tracks.values()):
            key = (track.mid, track.source, track.codec)
            if key in offered and not event.fresh:
                kept[key] = track
            else:
                self._end_track(presence, track.track_id)
        for key, answered in offered.items():
            if key not in kept:
                self._start_track(member, presence, answered)
        self._send(event.connection_id, "published", id=event.request_id, sdp=event.sdp)

    def _start_track(self, member: Member, presence: Presence, answered: events.AnsweredTrack) -> None:
        track = Track(
            self._new_track_id(),
            member.party.party_id,
            answered.mid,
            answered.source,
            answered.kind,
            answered.codec,
            answered.temporal_layers,
        )
        presence.tracks[track.track_id] = track
        self._actions.append(
            actions.StartTrack(
                presence.connection_id,
                track.track_id,
                track.party_id,
                track.mid,
                track.source,
                track.kind,
                track.codec,
                track.temporal_layers,
            )
        )
        for other in self._present.values():
            if other is not member and other.presence is not None:
                other.presence.subscription.want(track)
        self._roster_dirty = True

    def _end_track(self, presence: Presence, track_id: str) -> None:
        del presence.tracks[track_id]
        for other in self._present.values():
            if other.presence is not None:
                self._actions.extend(other.presence.subscription.unwant(track_id))
        self._actions.append(actions.EndTrack(presence.connection_id, track_id))
        self._roster_dirty = True

    def _refuse_publish(self, event: events.PublishRefused, _now: float) -> None:
        self._error(event.connection_id, "bad_sdp", event.message, "publish")

    def _stop_publishing(self, event: events.PublishingStopped, _now: float) -> None:
        member, presence = self._find(event.connection_id)
        self._withdraw(member, presence)
        self._actions.append(actions.StopPublishing(event.connection_id))

    def _take_answer(self, event: events.SubscriptionAnswered, now: float) -> None:
        _, presence = self._find(event.connection_id)
        outstanding = presence.subscription.outstanding
        if outstanding is not None and outstanding[0] == event.offer_id:
            self._actions.extend(presence.subscription.answered(event.accepted_mids, now))

    def _refuse_answer(self, event: events.SubscriptionRefused, _now: float) -> None:
        self._error(event.connection_id, "bad_sdp", event.message, "subscribed")

    # The room as a whole

    def _set_stage(self, event: events.StageSet, _now: float) -> None:
        if event.on_stage == (event.party_id in self._on_stage):
            return
        if event.on_stage:
            self._on_stage.add(event.party_id)
        else:
            self._on_stage.discard(event.party_id)
        self._actions.append(actions.TellStage(tuple(sorted(self._on_stage))))
        self._roster_dirty = True
        member = self._members.get(event.party_id)
        if member is not None and member.presence is not None and not self._may_publish(member.party):
            self._withdraw(member, member.presence)
            self._actions.append(actions.StopPublishing(member.presence.connection_id))

    def _set_recording(self, event: events.RecordingSet, _now: float) -> None:
        if (event.active, event.problem) == (self._recording, self._recording_problem):
            return
        self._recording, self._recording_problem = event.active, event.problem
        for connection_id in self._present:
            self._send_recording(connection_id)

    def _watch_deadlines(self, _event: events.Elapsed, now: float) -> None:
        for connection_id, member in list(self._present.items()):
            offered_at = member.presence.subscription.offered_at if member.presence else None
            if offered_at is not None and now - offered_at > self._limits.answer_deadline_s:
                self._lose(events.MediaLost(connection_id, "an offer was not answered in time"), now)
        for party_id, member in list(self._members.items()):
            if member.lost_at is not None and now - member.lost_at > self._limits.expected_back_s:
                del self._members[party_id]
                self._roster_dirty = True

    def _end(self, event: events.Ended, _now: float) -> None:
        for connection_id, member in list(self._present.items()):
            if member.presence is not None:
                self._withdraw(member, member.presence)
                self._send(connection_id, "lesson_ended", reason=event.reason)
                self._depart(member, member.presence, "lesson_over")
                self._actions.append(actions.Close(connection_id, "lesson_over", "the lesson is over"))
        self._members.clear()
        self._ended = True

    # Telling clients

    def _send_rosters(self) -> None:
        shown = [member for member in self._members.values() if member.party.role != "observer"]
        parties = [member.describe(member.party.party_id in self._on_stage) for member in shown]
        observers = sum(member.party.role == "observer" for member in self._present.values())
        for connection_id, member in self._present.items():
            self._send(
                connection_id,
                "roster",
                parties=parties,
                observers=observers,
                may_publish=self._may_publish(member.party),
            )

    def _send_recording(self, connection_id: str) -> None:
        self._send(connection_id, "recording", active=self._recording, problem=self._recording_problem)

    def _error(self, connection_id: str, code: str, message: str, about: str) -> None:
        self._send(connection_id, "error", code=code, message=message, about=about)

    def _send(self, connection_id: str, message_type: str, /, **fields: Any) -> None:
        message = {"v": PROTOCOL_VERSION, "type": message_type, **fields}
        self._actions.append(actions.Send(connection_id, message))

    def _may_publish(self, party: Party) -> bool:
        return may_publish(self._kind, party.role, party.party_id in self._on_stage)

    def _find(self, connection_id: str) -> tuple[Member, Presence]:
        member = self._present[connection_id]
        if member.presence is None:
            raise AssertionError("a member in the list of present ones has a presence")
        return member, member.presence
