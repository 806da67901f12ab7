"""A classroom that speaks the whole signalling protocol and real DTLS-SRTP at a low media rate, many in one process.

It joins, publishes, answers every offer, comes back by itself when its socket or its lesson's relay is lost, moves
with its lesson to another relay, and remembers when what arrived: how long it was without the lead's picture is what
drills measure.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate
from fleet.light_connection import LOOK_EVERY_S, OPEN_WITHIN_S, LightConnection, MakeLeg
from fleet.light_leg import LightLeg
from fleet.light_media import SOUND_EVERY_S
from websockets.exceptions import WebSocketException

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.3, 5.0
AGAIN_WITHIN_S = (2.0, 2.0, 2.0, 2.0, 6.0)
"""Who was in the lesson and finds nobody who answers for so long asks again, as browsers do."""
MOVED_WITHIN_S = 12.0
LOST = (WebSocketException, OSError, TimeoutError, RuntimeError)


@dataclass
class Story:
    """What happened to one room."""

    opened_at: list[float] = field(default_factory=list)
    """When each socket was opened, in monotonic time."""
    complete_at: list[float] = field(default_factory=list)
    """When each time the first packet of every track of everyone expected had arrived."""
    welcomes_ms: list[float] = field(default_factory=list)
    """From opening the socket until `welcome`."""
    gaps: list[tuple[float, float]] = field(default_factory=list)
    """Stretches of more than a second without a packet of the lead, in monotonic time."""
    silences_ms: dict[str, float] = field(default_factory=dict)
    """The most that was missed at a stretch of what "<party>|<source>" said, from its first packet on: with legs that
    hear (`HearingLeg`), from one piece of sound's capture to the next one's."""
    delays_ms: dict[str, float] = field(default_factory=dict)
    """How late the latest piece of each sound was."""
    errors: list[str] = field(default_factory=list)
    connections: int = 0
    moves: int = 0
    """How often it went to another relay without losing anything."""


class LightRoom:
    """One party of one lesson; `url` may change from connection to connection, as behind a load balancer."""

    def __init__(
        self,
        url: Callable[[], str],
        token: str,
        lesson_id: str,
        *,
        certificate: RTCCertificate,
        others: int,
        sound_every_s: float = SOUND_EVERY_S,
        look_every_s: float = LOOK_EVERY_S,
        make_leg: MakeLeg = LightLeg,
    ) -> None:
        """`look_every_s`: how exactly it is known when media came or went."""
        self._url, self._token, self._lesson_id = url, token, lesson_id
        self._certificate = certificate
        self._others = others
        self._sound_every_s, self._look_every_s = sound_every_s, look_every_s
        self._make_leg = make_leg
        self._current: LightConnection | None = None
        self._next: LightConnection | None = None
        """The connection to the relay its lesson moves to, while it is being made."""
        self._running: dict[LightConnection, asyncio.Task[None]] = {}
        self._moving: asyncio.Task[None] | None = None
        self._heard_at: dict[str, float] = {}
        self._unanswered = 0
        self.story = Story()
        self.lead_at: float | None = None
        """When something of the lead (or, for the lead, of anybody) came last."""
        self.complete = asyncio.Event()
        """It publishes and receives everyone."""
        self.ended = ""
        self.address = ""
        """Of the replica it is connected to."""

    @property
    def hears(self) -> bool:
        """Whether media arrived within the last second."""
        return self.lead_at is not None and time.monotonic() - self.lead_at < 1.0

    @property
    def legs(self) -> list[LightLeg]:
        """Its peer connections of this moment."""
        return self._current.legs if self._current else []

    async def drop_socket(self) -> None:
        """Lose the signalling connection without a word, as an unplugged network does."""
        if self._current is not None:
            self._current.drop()

    async def run(self) -> None:
        """Be in the lesson until it ends or this is cancelled."""
        watching = asyncio.create_task(self._watch())
        try:
            await self._keep_connected()
        finally:
            tasks = [watching, *self._running.values(), *([self._moving] if self._moving else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_connected(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self.ended:
            self.story.connections += 1
            welcomes = len(self.story.welcomes_ms)
            self.complete.clear()
            self._current = last = self._connect()
            while (current := self._current) is not None:
                await asyncio.wait({self._running[current]})
                self._forget(current)
                if self._current is current:
                    # A relay that has waited for long enough ends what has not moved: go on with what there is.
                    self._current, self._next = self._next, None
            if len(self.story.welcomes_ms) > welcomes:
                wait_s, self._unanswered = FIRST_WAIT_S, 0
            elif welcomes and not last.is_answered:
                wait_s, self._unanswered = FIRST_WAIT_S, self._unanswered + 1
            if not self.ended:
                await asyncio.sleep(wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _connect(self) -> LightConnection:
        self.address = self._url()
        connection = LightConnection(
            self.address,
            self._token,
            self._lesson_id,
            certificate=self._certificate,
            sound_every_s=self._sound_every_s,
            look_every_s=self._look_every_s,
            make_leg=self._make_leg,
            told=self._told,
            heard=self._heard,
            open_within_s=self._open_within_s(),
        )
        self.story.opened_at.append(connection.opened_at)
        self._running[connection] = asyncio.create_task(connection.run())
        return connection

    def _open_within_s(self) -> float:
        was_there = bool(self.story.welcomes_ms)
        return AGAIN_WITHIN_S[self._unanswered % len(AGAIN_WITHIN_S)] if was_there else OPEN_WITHIN_S

    def _forget(self, connection: LightConnection) -> None:
        ended = self._running.pop(connection)
        error = None if ended.cancelled() else ended.exception()
        if error is not None and not isinstance(error, LOST):
            raise error
        log.debug("%s: %s", self._lesson_id, error)

    def _told(self, connection: LightConnection, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "welcome":
            self.story.welcomes_ms.append((time.monotonic() - connection.opened_at) * 1000)
        elif kind == "move" and connection is self._current and self._moving is None:
            self._moving = asyncio.create_task(self._move(connection))
            self._moving.add_done_callback(self._has_moved)
        elif kind in {"lesson_ended", "replaced"}:
            self.ended = kind
        elif kind == "error" and message["code"] != "media_lost":  # that one only says: join again
            self.story.errors.append(f"{message['code']}: {message['message']}")
            if message["code"] in {"not_allowed", "not_found", "lesson_over"}:
                self.ended = message["code"]

    async def _move(self, left: LightConnection) -> None:
        """Be in the lesson on its next relay before this one is left."""
        deadline = time.monotonic() + MOVED_WITHIN_S
        while self._current is left and time.monotonic() < deadline:
            if self._next is None:
                self._next = self._connect()
            running = self._running[self._next]
            if self._next.heard_sources and self._next.heard_sources >= left.heard_sources:
                left.is_left = True
                self._current, self._next = self._next, None
                self.story.moves += 1
                await left.say("moved")
                # It goes on sending until the relay has no need of it.
                await asyncio.wait({self._running[left]}, timeout=MOVED_WITHIN_S)
                if (staying := self._running.get(left)) is not None:
                    staying.cancel()
            elif running.done():
                self._forget(self._next)
                self._next = None
            await asyncio.sleep(LOOK_EVERY_S / 5)

    def _has_moved(self, moving: asyncio.Task[None]) -> None:
        self._moving = None
        if not moving.cancelled() and (error := moving.exception()) is not None and not isinstance(error, LOST):
            self.story.errors.append(f"move: {error!r}")

    def _heard(self, connection: LightConnection, source: str, captured_at_s: float) -> None:
        if connection is not self._current:
            return
        before = self._heard_at.get(source, captured_at_s)
        self._heard_at[source] = max(before, captured_at_s)
        story = self.story
        story.silences_ms[source] = max(story.silences_ms.get(source, 0.0), (captured_at_s - before) * 1000)
        delay_ms = (time.monotonic() - captured_at_s) * 1000
        story.delays_ms[source] = max(story.delays_ms.get(source, 0.0), delay_ms)

    async def _watch(self) -> None:
        """Note when media arrives."""
        while True:
            await asyncio.sleep(self._look_every_s)
            newest = self._current.newest if self._current else None
            if self._current is None or newest is None:
                continue
            if self.lead_at is not None and newest - self.lead_at > 1.0:
                self.story.gaps.append((self.lead_at, newest))
            self.lead_at = max(newest, self.lead_at or newest)
            if not self.complete.is_set() and self._current.streams >= 2 * self._others:
                self.complete.set()
                self.story.complete_at.append(time.monotonic())
