"""Keeps the relays in agreement with the database: opens lessons that are due, records live ones, closes the others.

It compares what should be with what it has told, so a restart (which has told nothing yet) simply tells everything
again; the commands are idempotent. The clock's part in a lesson's course is done here too, on state in the database.
Of several replicas only the leading one does so; each tells its own clients where their lesson stands.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from media.contract import (
    Bus,
    CloseLesson,
    HandOverLesson,
    JoinLesson,
    RelayCommand,
    SetOnStage,
    SetRecording,
    StageTold,
    commands_topic,
    grant_join,
)
from service.clock import Clock
from service.lessons.course import due_for_change, move_on
from service.live.agenda import OpenOne, read_open, state_of
from service.live.clients import CLOSE_CODES, Clients
from service.live.leadership import Leadership
from service.live.placement import Placement
from service.live.presence import Presence
from service.live.stages import Stages
from service.storage.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
LEAST_BETWEEN_S = 0.1
"""When the bell rings, hundreds of leads come and ask for a look each: one look serves many."""
PLACED_WITHIN_S = 4.0
MOVED_WITHIN_S = 8.0
"""For so long a relay carries on with a lesson that another takes over, until all its clients are there."""
LAST_WORD_S = 2.0
"""What it says then may be so late."""
T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """What a relay knows of a lesson."""

    lesson: OpenOne
    relay_id: str


@dataclass(frozen=True)
class Look:
    """What one look at the database found."""

    lessons: Mapping[str, OpenOne]
    relays: Mapping[str, str]
    left_over: Mapping[str, str]


class Conductor:
    """Runs on the event loop; the database is read on a thread."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        placement: Placement,
        *,
        clients: Clients,
        presence: Presence,
        leadership: Leadership,
        grant_key: str | None = None,
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._placement = placement
        self._clients = clients
        self._presence = presence
        self._leadership = leadership
        self._grant_key = grant_key
        self._stages = Stages(database)
        self._setting_stage = asyncio.Lock()
        self._handing_over: dict[str, tuple[str, float]] = {}
        """The relay a lesson leaves, and until when it carries on with it in monotonic time, by lesson."""
        self._told: dict[str, Told] = {}
        self._to_tell_again: set[str] = set()
        """Lessons whose relay began anew since; they are still to be closed when they end before that."""
        self._seen = Look({}, {}, {})
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()
        self._looking = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._database_away = False

    def look(self) -> None:
        """Look at the database soon; from any thread, and harmless when not running."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    def lead_came(self, lesson_id: str) -> None:
        """Its time has come: let the lesson begin; one that is early waits for the clock."""
        lesson = self._seen.lessons.get(lesson_id)
        if lesson is None or (lesson.state == "booked" and lesson.open.starts_at <= self._clock.now().timestamp()):
            self.look()

    def forget(self, relay_id: str) -> None:
        """The relay began anew: tell it everything again."""
        self._to_tell_again |= {lesson_id for lesson_id, told in self._told.items() if told.relay_id == relay_id}
        self.look()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        self._told.clear()
        self._wake, self._looked, self._looking = asyncio.Event(), asyncio.Event(), asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                try:
                    await self.agree()
                    self._note_database(None)
                except OperationalError as error:
                    self._note_database(error)
                except Exception:
                    log.exception("the relays could not be brought into agreement with the bookings; trying again")
                looked, self._looked = self._looked, asyncio.Event()
                looked.set()
                await asyncio.sleep(LEAST_BETWEEN_S)
                await _wait(self._wake, LOOK_EVERY_S - LEAST_BETWEEN_S)
        finally:
            self._loop = None

    async def agree(self) -> None:
        """Look once: move lessons on by the clock, then tell relays and clients what they do not know yet."""
        async with self._looking:
            leading = self._leadership.held
            if not leading:
                self._told.clear()
                self._stages.forget()
            seen = await asyncio.to_thread(self._read, leading)
            # A process that was stopped meanwhile, and goes on, may have been followed by another.
            leading = leading and self._leadership.held
            before, self._seen = self._seen, seen
            await self._announce_changes(before, seen)
            if leading:
                await self._lead(seen)
            self._send_elsewhere(seen)

    async def relay_of(self, lesson_id: str) -> str | None:
        """Give the relay that has the lesson open, or soon will; None when none takes it."""
        deadline = time.monotonic() + PLACED_WITHIN_S
        while (relay_id := self._known_relay(lesson_id)) is None and time.monotonic() < deadline:
            # Hundreds may wait for the same look.
            self._wake.set()
            await _wait(self._looked, LOOK_EVERY_S)
        return relay_id or self._seen.relays.get(lesson_id)

    def _known_relay(self, lesson_id: str) -> str | None:
        if (told := self._told.get(lesson_id)) is not None:
            return told.relay_id if lesson_id not in self._to_tell_again else None
        return None if self._leadership.held else self._seen.relays.get(lesson_id)

    async def set_stage(self, told: StageTold) -> None:
        """A relay says who is on stage: remember it, and tell the next relay when the lesson is handed over.

        What a relay says that was given up, and wakes, is old.
        """
        async with self._setting_stage:  # one after the other, as it was said
            now_at = self._told.get(told.lesson_id)
            is_elsewhere = now_at is not None and told.relay_id != now_at.relay_id
            if not self._leadership.held or (is_elsewhere and not self._hands_over(told)):
                return
            changed = self._stages.set(told.lesson_id, told.on_stage)
            if is_elsewhere and now_at is not None:
                await self._tell_stage(told.lesson_id, now_at.relay_id, changed)
        self.look()

    def _hands_over(self, told: StageTold) -> bool:
        relay_id, until = self._handing_over.get(told.lesson_id, ("", 0.0))
        # Relays of an earlier version do not say who they are, and speak of the stage only then.
        return told.relay_id == "" or (told.relay_id == relay_id and time.monotonic() < until)

    async def _tell_stage(self, lesson_id: str, relay_id: str, party_ids: Collection[str]) -> None:
        on_stage = self._stages.of(lesson_id)
        for party_id in sorted(party_ids):
            command = SetOnStage(lesson_id=lesson_id, party_id=party_id, on_stage=party_id in on_stage)
            await self.send(relay_id, command)

    async def send(self, relay_id: str, command: RelayCommand) -> None:
        """Send a command to a relay."""
        if isinstance(command, JoinLesson) and self._grant_key is not None:
            command = grant_join(self._grant_key, relay_id, command, self._clock.now().timestamp())
        await self._bus.publish(commands_topic(relay_id), command.model_dump(mode="json"))

    async def _lead(self, seen: Look) -> None:
        for lesson_id, lesson in seen.lessons.items():
            relay_id = seen.relays.get(lesson_id)
            if relay_id is not None:
                await self._tell(lesson_id, Told(lesson, relay_id))
        told = {lesson_id: told.relay_id for lesson_id, told in self._told.items() if lesson_id not in seen.lessons}
        for lesson_id, relay_id in {**seen.left_over, **told}.items():
            await self._close(lesson_id, relay_id)

    async def _tell(self, lesson_id: str, want: Told) -> None:
        told = self._told.get(lesson_id)
        if lesson_id in self._to_tell_again:
            self._to_tell_again.discard(lesson_id)
            told = None
        if told == want:
            return
        leaves: str | None = None
        if told is not None and told.relay_id != want.relay_id:
            log.warning("lesson %s moves from %s to %s", lesson_id, told.relay_id, want.relay_id)
            leaves, told = told.relay_id, None
        self._told[lesson_id] = want
        if told is None or told.lesson.open != want.lesson.open:
            await self.send(want.relay_id, want.lesson.open)
        if told is None:
            await self._tell_stage(lesson_id, want.relay_id, self._stages.of(lesson_id))
        if want.lesson.recording != (told is not None and told.lesson.recording):
            await self.send(want.relay_id, SetRecording(lesson_id=lesson_id, active=want.lesson.recording))
        if leaves is not None:
            await self._hand_over(lesson_id, leaves)

    async def _hand_over(self, lesson_id: str, relay_id: str) -> None:
        """The other relay is ready: let this one go on until all are there, if it can."""
        if self._placement.can_hand_over(relay_id):
            self._handing_over[lesson_id] = relay_id, time.monotonic() + MOVED_WITHIN_S + LAST_WORD_S
            await self.send(relay_id, HandOverLesson(lesson_id=lesson_id, patience_s=MOVED_WITHIN_S))
        else:
            self._presence.lesson_over(lesson_id)
            await self.send(relay_id, HandOverLesson(lesson_id=lesson_id))

    async def _close(self, lesson_id: str, relay_id: str) -> None:
        told = self._told.pop(lesson_id, None)
        self._to_tell_again.discard(lesson_id)
        state = await asyncio.to_thread(self._with_session, lambda session: state_of(session, lesson_id))
        if told is None or told.lesson.recording:
            await self.send(relay_id, SetRecording(lesson_id=lesson_id, active=False))
        reason = "moved" if state == "booked" else state
        await self.send(relay_id, CloseLesson(lesson_id=lesson_id, reason=reason))
        self._presence.lesson_over(lesson_id)
        self._stages.set(lesson_id, ())
        self._handing_over.pop(lesson_id, None)
        await asyncio.to_thread(self._placement.closed, lesson_id)

    async def _announce_changes(self, before: Look, seen: Look) -> None:
        for lesson_id, was in before.lessons.items():
            lesson = seen.lessons.get(lesson_id)
            if lesson is not None and lesson.state != was.state:
                self._announce(lesson_id, lesson.state)
            elif lesson is None and self._clients.of_lesson(lesson_id):
                state = await asyncio.to_thread(self._with_session, lambda s, one=lesson_id: state_of(s, one))
                if state != was.state:
                    self._announce(lesson_id, state)

    def _announce(self, lesson_id: str, state: str) -> None:
        for client in self._clients.of_lesson(lesson_id):
            client.welcome_lesson["state"] = state
            client.send({"v": 1, "type": "lesson", "state": state})

    def _send_elsewhere(self, seen: Look) -> None:
        """Let clients of a lesson that moved join where it is: with both connections while their relay lives."""
        for client in self._clients.all():
            relay_id = seen.relays.get(client.lesson_id)
            if relay_id is None or client.relay_id in (None, relay_id):
                continue
            if not self._placement.can_hand_over(client.relay_id):
                client.close(CLOSE_CODES["media_lost"], "media_lost")
            elif not client.is_moving:
                client.is_moving = True
                client.send({"v": 1, "type": "move"})

    def _read(self, leading: bool) -> Look:
        now = self._clock.now()
        if leading:
            with_lead = self._presence.lessons_with_lead
            self._stages.agree()
            for lesson_id in self._with_session(lambda session: due_for_change(session, now, with_lead)):
                with self._database.unit_of_work() as session:
                    move_on(session, lesson_id, now, with_lead)
        lessons = self._with_session(lambda session: read_open(session, now))
        if not leading:
            return Look(lessons, self._placement.look_up(lessons), {})
        placed = self._placement.decide([lesson.load for lesson in lessons.values()], now)
        return Look(lessons, placed.relays, placed.left_over)

    def _with_session(self, read: Callable[[Session], T]) -> T:
        with self._database.reading() as session:
            return read(session)

    def _note_database(self, error: OperationalError | None) -> None:
        if (error is not None) != self._database_away:
            self._database_away = error is not None
            level = self._database.absence_level
            if error is not None:
                log.log(level, "the database is away, lessons go on as they are: %s", error.orig)
            else:
                log.log(level, "the database is back")


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
