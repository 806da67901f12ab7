"""What the service and the clients of one lesson are told: events with the lesson's id and the time on them."""

from collections.abc import Callable, Iterable
from typing import Any

from media.contract import (
    CloseConnection,
    Delivered,
    LessonClosed,
    LessonOpened,
    PartyJoined,
    PartyLeft,
    Published,
    RecordingState,
    RelayEvent,
    StageTold,
    ToClient,
    TrackEnded,
    TrackPublished,
)
from media.relay.accounting import Tally
from media.relay.lesson_journals import Trouble
from media.session import actions


class LessonNews:
    """Times are Unix seconds, taken from `wall` as something is told unless they are given."""

    def __init__(
        self, lesson_id: str, relay_id: str, emit: Callable[[RelayEvent], None], wall: Callable[[], float]
    ) -> None:
        self._lesson_id = lesson_id
        self._relay_id = relay_id
        self._emit = emit
        self._wall = wall

    def opened(self) -> None:
        """This relay has the lesson."""
        self._emit(LessonOpened(lesson_id=self._lesson_id, at=self._wall(), relay_id=self._relay_id))

    def closed(self, journals: list[str]) -> None:
        """It ended here, and these journals are whole."""
        self._emit(LessonClosed(lesson_id=self._lesson_id, at=self._wall(), journals=journals, relay_id=self._relay_id))

    def stage(self, on_stage: Iterable[str]) -> None:
        """Who is on stage."""
        self._emit(StageTold(lesson_id=self._lesson_id, on_stage=sorted(on_stage), relay_id=self._relay_id))

    def recording(self, active: bool, trouble: Trouble | None) -> None:
        """Whether the lesson is being recorded, and what is wrong with that."""
        code, problem = (trouble.code, trouble.lost) if trouble is not None else (None, None)
        self._emit(
            RecordingState(lesson_id=self._lesson_id, active=active, problem=problem, code=code, at=self._wall())
        )

    def message(self, connection_id: str, message: dict[str, Any]) -> None:
        """A message of the signalling protocol for one client."""
        self._emit(ToClient(lesson_id=self._lesson_id, connection_id=connection_id, message=message))

    def closing(self, action: actions.Close) -> None:
        """A client's socket is to be closed."""
        self._emit(
            CloseConnection(
                lesson_id=self._lesson_id,
                connection_id=action.connection_id,
                code=action.code,
                message=action.message,
            )
        )

    def joined(self, action: actions.TellJoined) -> None:
        """A party came in."""
        self._emit(
            PartyJoined(
                lesson_id=self._lesson_id,
                party_id=action.party_id,
                connection_id=action.connection_id,
                role=action.role,
                at=self._wall(),
            )
        )

    def left(self, action: actions.TellLeft) -> None:
        """A party went."""
        self._emit(
            PartyLeft(
                lesson_id=self._lesson_id,
                party_id=action.party_id,
                connection_id=action.connection_id,
                reason=action.reason,
                at=self._wall(),
            )
        )

    def track_published(self, info: actions.StartTrack, codec: str) -> None:
        """The first packet of a track came."""
        self._emit(
            TrackPublished(
                lesson_id=self._lesson_id,
                party_id=info.party_id,
                track_id=info.track_id,
                source=info.source,
                kind=info.kind,
                codec=codec,
                at=self._wall(),
            )
        )

    def track_ended(self, info: actions.StartTrack, at: float) -> None:
        """A track of which packets came is over."""
        self._emit(TrackEnded(lesson_id=self._lesson_id, party_id=info.party_id, track_id=info.track_id, at=at))

    def tally(self, party_id: str, tally: Tally | None, at: float, *, publishes: bool) -> None:
        """What a party received, and published if it does or did, from the tally's beginning to `at`."""
        if tally is None or at <= tally.since_at:
            return
        self._emit(
            Delivered(
                lesson_id=self._lesson_id,
                party_id=party_id,
                from_at=tally.since_at,
                to_at=at,
                lead_picture_ms=round(tally.lead_picture_s * 1000),
                lead_sound_ms=round(tally.lead_sound_s * 1000),
                picture_bytes=tally.picture_bytes,
                sound_bytes=tally.sound_bytes,
                missed_picture_ms=round(tally.missed_picture_s * 1000),
                missed_sound_ms=round(tally.missed_sound_s * 1000),
            )
        )
        if publishes or tally.published_picture_s or tally.published_sound_s:
            self._emit(
                Published(
                    lesson_id=self._lesson_id,
                    party_id=party_id,
                    from_at=tally.since_at,
                    to_at=at,
                    picture_ms=round(tally.published_picture_s * 1000),
                    sound_ms=round(tally.published_sound_s * 1000),
                )
            )
