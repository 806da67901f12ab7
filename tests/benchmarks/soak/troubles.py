"""What happens to classrooms during a long day: seeded joins, leaves, reloads, changed networks and weak lines."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from benchmarks.soak.stamped_leg import StampedLeg
from fleet.light_room import LightRoom

OUTAGE_S = (1.0, 8.0)
WEAK_S = (5.0, 20.0)
LOSS = (0.02, 0.3)
AWAY_S = (0.5, 10.0)


class Pupil:
    """One room of a lesson, which can be sent out and let in again."""

    def __init__(self, make: Callable[[], LightRoom]) -> None:
        self._make = make
        self.room = make()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_in(self) -> bool:
        """Whether it is (or tries to be) in the lesson."""
        return self._task is not None

    def enter(self) -> None:
        """Go in; again with a new client, as after a reload."""
        self.room = self._make()
        self._task = asyncio.create_task(self.room.run())

    async def leave(self) -> None:
        """Go out."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Troubles:
    """Does one thing after the other to rooms taken at random; counts what it did."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._kinds: dict[str, Callable[[Pupil], Awaitable[None]]] = {
            "leave and join": self._absence,
            "reload": self._reload,
            "socket lost": self._socket_lost,
            "address changed": self._moved,
            "weak line": self._weak_line,
            "outage": self._outage,
        }
        self.done: Counter[str] = Counter()
        self._busy: set[int] = set()

    async def strike(self, pupils: list[Pupil]) -> None:
        """Do one thing to one of them that nothing is being done to."""
        free = [pupil for pupil in pupils if id(pupil) not in self._busy]
        if not free:
            return
        pupil = self._chance.choice(free)
        kind = self._chance.choice(sorted(self._kinds))
        self._busy.add(id(pupil))
        try:
            await self._kinds[kind](pupil)
            self.done[kind] += 1
        finally:
            self._busy.discard(id(pupil))

    async def _absence(self, pupil: Pupil) -> None:
        await pupil.leave()
        await asyncio.sleep(self._chance.uniform(*AWAY_S))
        pupil.enter()

    async def _reload(self, pupil: Pupil) -> None:
        await pupil.leave()
        pupil.enter()

    async def _socket_lost(self, pupil: Pupil) -> None:
        await pupil.room.drop_socket()

    async def _moved(self, pupil: Pupil) -> None:
        for leg in _legs(pupil):
            await leg.move()

    async def _weak_line(self, pupil: Pupil) -> None:
        await self._lose(pupil, self._chance.uniform(*LOSS), self._chance.uniform(*WEAK_S))

    async def _outage(self, pupil: Pupil) -> None:
        await self._lose(pupil, 1.0, self._chance.uniform(*OUTAGE_S))

    async def _lose(self, pupil: Pupil, loss: float, seconds: float) -> None:
        legs = _legs(pupil)
        for leg in legs:
            leg.loss = loss
        await asyncio.sleep(seconds)
        for leg in legs:
            leg.loss = 0.0


def _legs(pupil: Pupil) -> list[StampedLeg]:
    return [leg for leg in pupil.room.legs if isinstance(leg, StampedLeg)]
