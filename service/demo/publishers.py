"""Watches what the relays report until the demonstration's rooms really send picture and sound."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from media.contract import EVENTS_TOPIC, TrackPublished, parse_event
from service.parts import Parts

log = logging.getLogger(__name__)

PATIENCE_S = 30.0


class Publishers:
    """Who has published what, by lesson."""

    def __init__(self) -> None:
        self._tracks: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._changed = asyncio.Condition()

    async def listen(self, events: AsyncIterator[dict[str, Any]]) -> None:
        """Take in the relays' events until cancelled."""
        async for message in events:
            event = parse_event(message)
            if isinstance(event, TrackPublished):
                async with self._changed:
                    self._tracks[event.lesson_id].add((event.party_id, event.source))
                    self._changed.notify_all()

    async def wait_for(self, lesson_id: str, room_ids: Sequence[str]) -> None:
        """Until every room sends its camera and microphone; gives up, with a warning, after PATIENCE_S."""
        wanted = {(f"room:{room_id}", source) for room_id in room_ids for source in ("camera", "microphone")}
        try:
            async with asyncio.timeout(PATIENCE_S), self._changed:
                await self._changed.wait_for(lambda: wanted <= self._tracks[lesson_id])
        except TimeoutError:
            missing = len(wanted - self._tracks[lesson_id])
            log.warning("%d of %d tracks of the demonstration rooms do not arrive", missing, len(wanted))


@asynccontextmanager
async def watching_publishers(parts: Parts) -> AsyncIterator[Publishers]:
    """Publishers that listen while the context is entered."""
    publishers = Publishers()
    async with parts.bus.subscribe(EVENTS_TOPIC) as events:
        listening = asyncio.create_task(publishers.listen(events), name="publishers of the demonstration")
        try:
            yield publishers
        finally:
            listening.cancel()
