"""Keeps the relays in agreement with the database: opens lessons that are due, records live ones, closes the others.

It compares what should be with what it has told, so a restart (which has told nothing yet) simply tells everything
again; the commands are idempotent. The clock's part in a lesson's course is done here too, on state in the database.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from media.contract import Bus, CloseLesson, OpenLesson, RelayCommand, SetRecording, commands_topic
from service.clock import Clock
from service.lessons.course import due_for_change, move_on, open_lessons
from service.lessons.tables import Lesson
from service.live.clients import Clients
from service.live.placement import Placement
from service.live.presence import Presence
from service.storage.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """What a relay and its clients should know of one open lesson."""

    open: OpenLesson
    recording: bool
    state: str


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
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._placement = placement
        self._clients = clients
        self._presence = presence
        self._told: dict[str, Wanted] = {}
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def look(self) -> None:
        """Look at the database soon; from any thread, and harmless when not running."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    def forget(self) -> None:
        """A relay began anew: tell it everything again."""
        self._told.clear()
        self.look()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        self._told.clear()
        self._wake, self._looking = asyncio.Event(), asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                try:
                    await self.agree()
                except Exception:
                    log.exception("the relays could not be brought into agreement with the bookings; trying again")
                await _wait(self._wake, LOOK_EVERY_S)
        finally:
            self._loop = None

    async def agree(self) -> None:
        """Look once: move lessons on by the clock, then tell the relays what they do not know yet."""
        async with self._looking:
            wanted = await asyncio.to_thread(self._read)
            for lesson_id, want in wanted.items():
                await self._tell(lesson_id, want)
            for lesson_id in set(self._told) - set(wanted):
                await self._close(lesson_id)

    async def publish(self, lesson_id: str, command: RelayCommand) -> None:
        """Send a command to the relay that carries the lesson."""
        topic = commands_topic(self._placement.relay_of(lesson_id))
        await self._bus.publish(topic, command.model_dump(mode="json"))

    async def _tell(self, lesson_id: str, want: Wanted) -> None:
        told = self._told.get(lesson_id)
        if told == want:
            return
        self._told[lesson_id] = want
        if told is None or told.open != want.open:
            await self.publish(lesson_id, want.open)
        if want.recording != (told is not None and told.recording):
            await self.publish(lesson_id, SetRecording(lesson_id=lesson_id, active=want.recording))
        if told is not None and told.state != want.state:
            self._announce(lesson_id, want.state)

    async def _close(self, lesson_id: str) -> None:
        told = self._told.pop(lesson_id)
        state = await asyncio.to_thread(self._with_session, lambda session: _state_of(session, lesson_id))
        if state != told.state:
            self._announce(lesson_id, state)
        if told.recording:
            await self.publish(lesson_id, SetRecording(lesson_id=lesson_id, active=False))
        reason = "moved" if state == "booked" else state
        await self.publish(lesson_id, CloseLesson(lesson_id=lesson_id, reason=reason))
        self._presence.lesson_over(lesson_id)

    def _announce(self, lesson_id: str, state: str) -> None:
        for client in self._clients.of_lesson(lesson_id):
            client.welcome_lesson["state"] = state
            client.send({"v": 1, "type": "lesson", "state": state})

    def _read(self) -> dict[str, Wanted]:
        now = self._clock.now()
        with_lead = self._presence.lessons_with_lead
        due = self._with_session(lambda session: due_for_change(session, now, with_lead))
        for lesson_id in due:
            with self._database.unit_of_work() as session:
                move_on(session, lesson_id, now, with_lead)
        return self._with_session(lambda session: {lesson.id: _wanted(lesson) for lesson in open_lessons(session, now)})

    def _with_session(self, read: Callable[[Session], T]) -> T:
        with self._database.reading() as session:
            return read(session)


def _wanted(lesson: Lesson) -> Wanted:
    return Wanted(
        open=OpenLesson(
            lesson_id=lesson.id,
            kind=lesson.kind,  # type: ignore[arg-type]
            title=lesson.title,
            recorded=lesson.recorded,
            starts_at=lesson.starts_at.timestamp(),
            ends_at=lesson.ends_at.timestamp(),
        ),
        recording=lesson.recorded and lesson.state == "live",
        state=lesson.state,
    )


def _state_of(session: Session, lesson_id: str) -> str:
    lesson = session.get(Lesson, lesson_id)
    return lesson.state if lesson else "cancelled"


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
